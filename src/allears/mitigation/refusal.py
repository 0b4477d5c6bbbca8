"""What a mitigation cannot go on from."""

from allears.errors import AllearsError


class MitigationError(AllearsError):
    """A model, a file or a wish that nothing can be mended with; the message says the remedy."""
