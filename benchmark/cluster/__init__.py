"""SLURM: jobs that carry out `bench train` and `bench evaluate`, and where their logs lie."""
