"""Outlines that maps are drawn on: land and borders of the world, and of the US its states and counties.

Made by `python -m atlas` from us-atlas (US Census Bureau) and world-atlas (Natural Earth), ISC licence; see
outlines.LICENSE.txt.
"""

import io
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

Line = Float64[np.ndarray, "points 2"]
"""Longitude and latitude in degrees."""

_HERE = Path(str(resources.files("allears.fairness.report")))
OUTLINES, LICENSE = _HERE / "outlines.npz", _HERE / "outlines.LICENSE.txt"

STEPS_PER_DEGREE = 180
"""Places are kept to 1/180 degree, 600 m: 180 degrees are 32400 steps, which two bytes hold."""


def packed(layers: Mapping[str, Sequence[Line]]) -> bytes:
    """Lines as the file has them: whole steps from point to point, and where each line ends."""
    arrays: dict[str, Any] = {}
    for name, lines in layers.items():
        steps = [np.round(line * STEPS_PER_DEGREE).astype(np.int64) for line in lines]
        steps = [line[_moved(line)] for line in steps]
        steps = [line for line in steps if len(line) > 1]
        deltas = np.diff(np.concatenate(steps), axis=0, prepend=0)
        # What leaves two bytes on the way comes back when added up in two bytes.
        arrays[name] = deltas.astype(np.int16).T
        arrays[name + "_lengths"] = np.array([len(line) for line in steps], np.uint16)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


@cache
def outlines() -> dict[str, tuple[Line, ...]]:
    """Lines by layer: `land` and `nation` are rings, `borders`, `states` and `counties` are not."""
    with np.load(OUTLINES, allow_pickle=False) as file:
        return {name: _lines(file[name], file[name + "_lengths"]) for name in LAYERS}


LAYERS = ("land", "borders", "nation", "states", "counties")


def _lines(deltas: np.ndarray, lengths: np.ndarray) -> tuple[Line, ...]:
    points = np.cumsum(deltas.T, axis=0, dtype=np.int16) / STEPS_PER_DEGREE
    return tuple(np.split(points, np.cumsum(lengths)[:-1].astype(np.int64)))


def _moved(line: np.ndarray) -> np.ndarray:
    """Which points are not the same, by now, as the one before."""
    return np.concatenate([[True], (np.diff(line, axis=0) != 0).any(1)])
