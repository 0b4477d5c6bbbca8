"""Whose voice is this: embeddings of voices, scores of pairs of them, and what trains both."""
