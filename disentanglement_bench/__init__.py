"""A benchmark suite for disentangled representation learning."""
