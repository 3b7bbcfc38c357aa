"""Data sets that are rendered in memory: sprites and rooms3d."""
