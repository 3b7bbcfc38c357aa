"""Numbers into tables with their notes, written as Markdown, LaTeX and CSV."""
