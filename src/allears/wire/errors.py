"""The one error that parsing raises."""

from allears.errors import AllearsError


class ParseError(AllearsError, ValueError):
    """Bytes that are not what they claim to be; the message says which rule they break."""
