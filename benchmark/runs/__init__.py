"""One run, from its claim to its published files."""
