"""Where imported weights come to lie: a folder that is there as a whole, or as it was."""

import tempfile
from pathlib import Path

from allears.weights.errors import WeightsError
from allears.weights.store import KINDS, Models


def put(models: Models, folder: Path) -> None:
    """Write the four files as `folder`, in the place of weights that were there.

    Raises WeightsError where something else is there, or it cannot be written.
    """
    _check(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent) as beside:
            new, old = Path(beside, "new"), Path(beside, "old")
            new.mkdir()
            models.save(new)
            if folder.exists():
                folder.rename(old)
            try:
                new.rename(folder)
            except OSError:
                if old.exists():
                    old.rename(folder)
                raise
    except OSError as error:
        raise WeightsError(
            f"{folder}: cannot be written ({error.strerror}); choose another place by --to"
        ) from None


def _check(folder: Path) -> None:
    """Never replace what is not weights."""
    if not folder.exists():
        return
    known = {f"{place}.safetensors" for place in KINDS}
    if not folder.is_dir() or not {each.name for each in folder.iterdir()} <= known:
        raise WeightsError(f"{folder}: holds something else; choose another place by --to")
