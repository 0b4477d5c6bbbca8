"""What an audit cannot go on from."""

from allears.errors import AllearsError


class AuditError(AllearsError):
    """Results, or a wish, that cannot be audited; the message names the file, the field and the remedy."""
