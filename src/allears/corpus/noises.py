"""Noises and the responses of rooms, as augmentation mixes them in: tables beside the audio.

`noise.csv` and `rir.csv` have a column `path`, from their own folder; other columns are for readers.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float32

from allears.audio import files
from allears.corpus import sound
from allears.corpus.recordings import CorpusError, Utterance, rows

NOISES, RESPONSES = "noise.csv", "rir.csv"


def noises(folder: Path) -> tuple[Float32[np.ndarray, " _"], ...]:
    """Every clip of the folder's noise.csv, at 16 kHz in ±1. Raises CorpusError."""
    return _clips(folder / NOISES)


def responses(folder: Path) -> tuple[Float32[np.ndarray, " _"], ...]:
    """Every room of the folder's rir.csv, at 16 kHz. Raises CorpusError."""
    return _clips(folder / RESPONSES)


def _clips(table: Path) -> tuple[Float32[np.ndarray, " _"], ...]:
    listed = [
        Utterance(table.parent / row["path"], "", "", "", origin=origin)
        for row, origin in rows(table, {"path"})
    ]
    if not listed:
        raise CorpusError(f"{table}: has no clip in it")
    clips = tuple(map(files.from_int16, sound.read_all(listed)))
    for each, clip in zip(listed, clips, strict=True):
        if not clip.any():
            raise CorpusError(f"{each.name}: is silent from beginning to end")
    return clips
