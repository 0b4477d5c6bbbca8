"""The neural codec of deep redundancy: features of speech into latent vectors, and back from the newest."""
