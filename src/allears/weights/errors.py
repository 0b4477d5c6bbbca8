"""The one error of reading weights."""

from allears.errors import AllearsError


class WeightsError(AllearsError):
    """Weights that cannot be used; the message names the file, what is wrong with it, and the remedy."""
