"""From arrays to paper: score saved representations without torch."""
