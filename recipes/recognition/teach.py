"""One training of a recogniser and what it takes, as `allears train asr` has them."""

from allears.asr.training import Course, distortions, pieces, teach

__all__ = ["Course", "distortions", "pieces", "teach"]
