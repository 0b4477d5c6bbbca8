"""e to a power, and what is made of it, for compiled loops: single precision, by polynomials that vectorise."""

from typing import no_type_check

import numpy as np
from numba import njit

_ONE, _HALF = np.float32(1), np.float32(0.5)
_BINARY, _OCTAVE = np.float32(1 / np.log(2)), np.float32(np.log(2))
_LOUDEST, _QUIETEST = np.float32(12), np.float32(-80)
_STEEPEST = np.float32(7.9)


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


@njit(fastmath=True)
@no_type_check
def tanh(x):
    """The hyperbolic tangent as a quotient of polynomials."""
    x = min(max(x, -_STEEPEST), _STEEPEST)
    y = x * x
    top = np.float32(-2.76076847742355e-16)
    top = top * y + np.float32(2.00018790482477e-13)
    top = top * y + np.float32(-8.60467152213735e-11)
    top = top * y + np.float32(5.12229709037114e-08)
    top = top * y + np.float32(1.48572235717979e-05)
    top = top * y + np.float32(6.37261928875436e-04)
    top = top * y + np.float32(4.89352455891786e-03)
    low = np.float32(1.19825839466702e-06)
    low = low * y + np.float32(1.18534705686654e-04)
    low = low * y + np.float32(2.26843463243900e-03)
    low = low * y + np.float32(4.89352518554385e-03)
    return x * top / low


@njit(fastmath=True)
@no_type_check
def sigmoid(x):
    """The logistic function."""
    return _HALF + _HALF * tanh(_HALF * x)
