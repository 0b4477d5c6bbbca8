"""A folder of made-up utterances: audio, and the table that training reads."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float32

from allears.corpus.recordings import TABLE
from allears.corpus.sound import RATE
from allears.outputs import write_whole


def write_audio(samples: Float32[np.ndarray, " samples"], path: Path) -> None:
    """As FLAC of 16 bits; what is beyond ±1 is clipped."""
    packed = io.BytesIO()
    soundfile.write(packed, np.clip(samples, -1, 1), RATE, format="FLAC", subtype="PCM_16")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, packed.getvalue())


def write_table(rows: Sequence[Mapping[str, str]], folder: Path) -> None:
    """`utterances.csv`, once all audio is there."""
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write_whole(folder / TABLE, table.getvalue().encode())
