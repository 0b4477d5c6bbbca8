"""Output files that are whole or not there: written aside, then renamed."""

import contextlib
import os
import secrets
from pathlib import Path

from allears.errors import AllearsError


class OutputError(AllearsError):
    """A file that cannot be written; the message names it and says why."""


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` under the name `path`, or nothing at all."""
    part = aside(path)
    try:
        part.write_bytes(data)
        os.replace(part, path)  # noqa: PTH105  the name says that it replaces
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def aside(path: Path) -> Path:
    """Where to write before it is renamed to `path`: nobody else's, should several write at once."""
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
