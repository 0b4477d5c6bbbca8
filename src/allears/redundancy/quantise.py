"""Latents and states to the integers of a payload, and back (the tables' side of `tables`)."""

import math

import numpy as np
from jaxtyping import Float32, Int64
from numba import njit

from allears.wire.dred import LaplaceTable

_STEPS = 256.0
_SOFT = 0.1
_HALF = 0.5


def quantise(
    values: Float32[np.ndarray, "vectors size"],
    levels: Int64[np.ndarray, " levels"],
    table: LaplaceTable,
) -> Int64[np.ndarray, "vectors size"]:
    """u − δ·tanh(u / (δ + 0.1)), rounded, with u = value · scale / 256; 0 where only 0 can occur.

    One level a vector; further ones are not looked at.
    """
    integers = np.empty(values.shape, np.int64)
    _quantise(values, levels, table.scale, table.dead_zone, table.coded, integers)
    return integers


@njit(cache=True)  # type: ignore[misc, unused-ignore]
def _quantise(values, levels, scale, zone, coded, integers):  # type: ignore[no-untyped-def]
    """Compiled: a payload's few hundred values are too few for arrays to be quick."""
    for row in range(values.shape[0]):
        level = levels[row]
        for place in range(values.shape[1]):
            integers[row, place] = 0
            scaled = values[row, place] * (scale[level, place] / _STEPS)
            # Drawn to zero, what is less than a half is no more.
            if not coded[level, place] or abs(scaled) <= _HALF:
                continue
            dead = zone[level, place] / _STEPS
            rounded = np.rint(scaled - dead * math.tanh(scaled / (dead + _SOFT)))
            integers[row, place] = np.int64(rounded)


def dequantise(
    values: Int64[np.ndarray, "vectors size"],
    levels: Int64[np.ndarray, " vectors"],
    table: LaplaceTable,
) -> Float32[np.ndarray, "vectors size"]:
    """What the decoder is given: value · 256 / scale (a scale of 0 counts as 1)."""
    scale = np.maximum(table.scale[levels], 1).astype(np.float32)
    expanded: Float32[np.ndarray, "vectors size"] = values.astype(np.float32) * _STEPS / scale
    return expanded
