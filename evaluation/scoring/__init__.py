"""Many representation files in, score files and one scores.csv out."""
