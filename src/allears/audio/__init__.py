"""Samples: files, resampling, framing and libopus."""
