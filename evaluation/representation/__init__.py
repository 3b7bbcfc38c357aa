"""The interchange format: codes, factors and posteriors, written, read, checked and sampled."""
