"""What is shown of finished runs: the report, pictures and overviews."""
