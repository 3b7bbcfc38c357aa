"""The linear-Gaussian command: its cells and its figures."""
