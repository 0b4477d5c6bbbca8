"""e to a power for compiled loops, to single precision, by a polynomial that vectorises."""

from typing import no_type_check

import numpy as np
from numba import njit

_ONE, _HALF = np.float32(1), np.float32(0.5)
_BINARY, _OCTAVE = np.float32(1 / np.log(2)), np.float32(np.log(2))
_LOUDEST, _QUIETEST = np.float32(12), np.float32(-80)


@njit(inline="always")
@no_type_check
def exponential(x):
    """e to the power of −80 … 12, to which `x` is held."""
    x = min(max(x, _QUIETEST), _LOUDEST)
    whole = np.floor(x * _BINARY + _HALF)
    x = x - whole * _OCTAVE
    y = np.float32(1.9875691500e-4) * x + np.float32(1.3981999507e-3)
    y = (y * x + np.float32(8.3334519073e-3)) * x + np.float32(4.1665795894e-2)
    y = (y * x + np.float32(1.6666665459e-1)) * x + np.float32(5.0000001201e-1)
    power = np.int32((np.int32(whole) + 127) << 23).view(np.float32)
    return (y * x * x + x + _ONE) * power
