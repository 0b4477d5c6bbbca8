"""Speech that gets through, to everyone."""

__version__ = "0.1.0"
