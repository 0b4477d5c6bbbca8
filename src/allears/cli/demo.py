"""`allears demo`: the demonstration."""


def demo() -> None:
    """Call real speech."""
