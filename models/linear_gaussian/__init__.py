"""The linear-Gaussian VAE: closed form, fixed point, AdamW, and its problems."""
