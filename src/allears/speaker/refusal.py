"""What this room refuses."""

from allears.errors import AllearsError


class SpeakerError(AllearsError):
    """Sound, scores or a file out of which no voice can be told; the message says the remedy."""
