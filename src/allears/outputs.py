"""Output files that are whole or not there: written aside, then renamed."""

import contextlib
import os
from pathlib import Path

from allears.errors import AllearsError


class OutputError(AllearsError):
    """A file that cannot be written; the message names it and says why."""


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` under the name `path`, or nothing at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        os.replace(part, path)  # noqa: PTH105  the name says that it replaces
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
