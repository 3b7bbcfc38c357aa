"""The training loop, what it records, its random streams and its batches."""
