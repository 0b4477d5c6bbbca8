"""The neural codec of deep redundancy: features into latent vectors, and back from the newest."""
