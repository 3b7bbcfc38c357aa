"""The training loop, what it records, its random streams, its batches, pairs and permutations."""
