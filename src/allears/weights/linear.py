"""Layers of libopus' networks as plain matrices.

A layer's weights are int8 in blocks of 8 outputs by 4 inputs, of which `_weights_idx`
names those that are not all zero: for every 8 outputs a count, then each block's first input. Their value is
int8 · scale · 127, since libopus rounds inputs to 1/127 first. Layers that have no int8 are float, input by input.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32

from allears.weights.errors import WeightsError

_ROWS, _COLUMNS = 8, 4
_BLOCK = _ROWS * _COLUMNS
_INPUT_STEPS = 127


def weight(
    arrays: Mapping[str, np.ndarray], name: str, outputs: int, inputs: int
) -> Float32[np.ndarray, "outputs inputs"]:
    """The matrix of a layer; stored outputs beyond those wanted are padding.

    Raises WeightsError naming the array that is missing or does not fit.
    """
    if f"{name}_weights_int8" not in arrays:
        floats = take(arrays, f"{name}_weights_float", np.float32)
        stored = _stored(name, outputs, len(floats) // inputs)
        return _whole(name, floats, stored * inputs).reshape(inputs, stored).T[:outputs].copy()
    scale = take(arrays, f"{name}_scale", np.float32)
    stored = _stored(name, outputs, len(scale))
    integers = take(arrays, f"{name}_weights_int8", np.int8)
    if f"{name}_weights_idx" in arrays:
        places = take(arrays, f"{name}_weights_idx", np.int32)
        matrix = _sparse(name, integers, places, stored, inputs)
    else:
        matrix = _dense(name, integers, stored, inputs)
    with np.errstate(all="ignore"):  # whoever uses the result refuses what is not finite
        return (matrix * (scale[:, None] * np.float32(_INPUT_STEPS)))[:outputs]


def bias(
    arrays: Mapping[str, np.ndarray], name: str, outputs: int
) -> Float32[np.ndarray, " outputs"]:
    """The bias of a layer, zeros where it has none."""
    if f"{name}_bias" not in arrays:
        return np.zeros(outputs, np.float32)
    stored = take(arrays, f"{name}_bias", np.float32)
    _stored(name, outputs, len(stored))
    return stored[:outputs].copy()


def take(arrays: Mapping[str, np.ndarray], name: str, kind: type) -> np.ndarray:
    """An array that must be there and of that type."""
    if name not in arrays:
        raise WeightsError(f"{name} is missing")
    if arrays[name].dtype != kind:
        raise WeightsError(f"{name} is of {arrays[name].dtype}, not of {kind.__name__}")
    return arrays[name]


def _stored(name: str, outputs: int, stored: int) -> int:
    """How many outputs are stored: those wanted, filled up to whole blocks at most."""
    if not outputs <= stored < outputs + _ROWS:
        raise WeightsError(f"{name} has {stored} outputs, where the network has {outputs}")
    return stored


def _whole(name: str, values: np.ndarray, size: int) -> np.ndarray:
    if len(values) != size:
        raise WeightsError(f"{name} has {len(values)} weights, where {size} belong")
    return values


def _dense(name: str, integers: np.ndarray, outputs: int, inputs: int) -> np.ndarray:
    if outputs % _ROWS or inputs % _COLUMNS:
        raise WeightsError(f"{name}: {outputs} × {inputs} are no whole blocks")
    blocks = _whole(name, integers, outputs * inputs)
    tiles = blocks.reshape(outputs // _ROWS, inputs // _COLUMNS, _ROWS, _COLUMNS)
    return tiles.transpose(0, 2, 1, 3).reshape(outputs, inputs)


def _sparse(
    name: str, integers: np.ndarray, places: np.ndarray, outputs: int, inputs: int
) -> np.ndarray:
    blocks = _whole(name, integers, len(integers) // _BLOCK * _BLOCK).reshape(-1, _ROWS, _COLUMNS)
    matrix = np.zeros((outputs, inputs), np.int8)
    at = used = 0
    for row in range(0, outputs, _ROWS):
        count = int(places[at]) if at < len(places) else -1
        columns = places[at + 1 : at + 1 + max(count, 0)]
        if count < 0 or len(columns) < count or used + count > len(blocks):
            raise WeightsError(f"{name}_weights_idx ends before the outputs from {row} on")
        for column in columns.tolist():
            if not 0 <= column <= inputs - _COLUMNS:
                raise WeightsError(f"{name}_weights_idx names input {column} of {inputs}")
            matrix[row : row + _ROWS, column : column + _COLUMNS] = blocks[used]
            used += 1
        at += 1 + count
    if (at, used) != (len(places), len(blocks)):
        raise WeightsError(f"{name}_weights_idx does not name all of its blocks")
    return matrix
