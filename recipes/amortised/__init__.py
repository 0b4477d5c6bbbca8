"""The compute cost amortised Transformer: word errors against computation saved."""
