"""What takes long is made once in a run, however many processes share its tests."""

import fcntl
import tempfile
from collections.abc import Callable
from pathlib import Path

_places: list[Path] = []


def keep_in(place: Path) -> None:
    """All processes of a run keep what they make in one folder."""
    _places[:] = [place]


def made(name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` filled, in this process or in another that needed it before."""
    (place,) = _places
    folder = place / name
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed, or the process is no more
        if not folder.exists():
            part = Path(tempfile.mkdtemp(dir=place))
            make(part)
            part.rename(folder)
    return folder
