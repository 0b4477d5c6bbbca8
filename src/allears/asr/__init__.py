"""Streaming recognition: transducers."""
