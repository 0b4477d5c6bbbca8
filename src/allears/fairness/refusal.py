"""What an audit cannot go on from."""

from collections.abc import Sequence

from allears.errors import AllearsError


class AuditError(AllearsError):
    """Results, or a wish, that cannot be audited; the message names the file, the field and the remedy."""


LONGEST, MOST = 40, 20


def quoted(value: object) -> str:
    """What stands in a file, for a message: not all of it, where it is long."""
    text = str(value)
    return repr(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")


def listed(names: Sequence[str]) -> str:
    """Names of columns, for a message; where there are many, the first."""
    some = [quoted(each)[1:-1] if len(each) > LONGEST else each for each in names[:MOST]]
    return ", ".join([*some, f"and {len(names) - MOST} more"] if len(names) > MOST else some)
