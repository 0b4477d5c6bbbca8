"""Layers for compiled loops in which one stream alone waits for all the weights.

That waiting is most of the time, so weights have 16 bits: half as many bytes as in float32 stay in a core's own
cache, and what they lose is 96 dB below the largest weight of a row.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float32, Int16, Int64
from numba import njit

from allears.nn.exponential import sigmoid, tanh

_LARGEST = 32_767


class Kind(IntEnum):
    """What follows a product."""

    PLAIN = 0
    TANH = 1
    GATE = 2
    """The sigmoid of it times the input, as `Glu`."""


class Products(NamedTuple):
    """Layers end to end: compiled code takes few arrays quicker than many.

    A layer's place is the first of its weights, inputs (a multiple of four), outputs, the first of its scales, and
    its kind. Weights stand inputs by outputs, in multiples of their output's scale; after the scales, the biases.
    """

    places: Int64[np.ndarray, "layers 5"]
    weights: Int16[np.ndarray, " weights"]
    scales: Float32[np.ndarray, " scales"]


def products(arrays: Mapping[str, np.ndarray], layers: Mapping[str, Kind]) -> Products:
    """Of linear layers by name, each with its `weight`, (outputs, inputs), and `bias`."""
    places, weights, scales = [], [], []
    first = begin = 0
    for layer, kind in layers.items():
        weight = arrays[f"{layer}.weight"].astype(np.float32)
        outputs, inputs = weight.shape
        scale = np.abs(weight).max(1) / np.float32(_LARGEST) + np.finfo(np.float32).tiny
        weights.append(np.rint(weight / scale[:, None]).astype(np.int16).T.ravel())
        scales += [scale, arrays[f"{layer}.bias"].astype(np.float32)]
        places.append((first, inputs, outputs, begin, kind))
        first, begin = first + inputs * outputs, begin + 2 * outputs
    return Products(np.array(places), np.concatenate(weights), np.concatenate(scales))


@njit(fastmath=True)
@no_type_check
def applied(products, layer, x):
    """What the layer of that number makes of `x`."""
    first, inputs, outputs, begin, kind = products.places[layer]
    y = np.zeros(outputs, np.float32)
    for k in range(0, inputs, 4):
        a, b, c, d = x[k], x[k + 1], x[k + 2], x[k + 3]
        row = products.weights[first + k * outputs : first + (k + 4) * outputs]
        for j in range(outputs):
            y[j] += (
                a * row[j]
                + b * row[outputs + j]
                + c * row[2 * outputs + j]
                + d * row[3 * outputs + j]
            )
    scale = products.scales[begin : begin + 2 * outputs]
    for j in range(outputs):
        y[j] = scale[outputs + j] + scale[j] * y[j]
    if kind == Kind.TANH:
        for j in range(outputs):
            y[j] = tanh(y[j])
    elif kind == Kind.GATE:
        for j in range(outputs):
            y[j] = x[j] * sigmoid(y[j])
    return y
