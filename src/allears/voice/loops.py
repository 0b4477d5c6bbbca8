"""The loops of the harmonic vocoder, compiled: what would be many passes over arrays is one."""

from typing import no_type_check

import numpy as np
from numba import njit

from allears.nn.exponential import exponential

_QUARTERS = np.float32(2 / np.pi)
_QUARTER = np.float32(np.pi / 2)
_ONE, _HALF = np.float32(1), np.float32(0.5)


@njit(fastmath=True, inline="always")
@no_type_check
def _turned(x):
    """Cosine and sine to single precision, by polynomials within an eighth of a turn; it vectorises."""
    quarters = np.floor(x * _QUARTERS + _HALF)
    place = np.int32(quarters)
    x = x - quarters * _QUARTER
    y = x * x
    sine = np.float32(-1.9515295891e-4) * y + np.float32(8.3321608736e-3)
    sine = ((sine * y + np.float32(-1.6666654611e-1)) * y + _ONE) * x
    cosine = np.float32(2.443315711809948e-5) * y + np.float32(-1.388731625493765e-3)
    cosine = ((cosine * y + np.float32(4.166664568298827e-2)) * y - _HALF) * y + _ONE
    odd = place & 1
    first = sine if odd else cosine
    second = cosine if odd else sine
    first = -first if (place + 1) & 2 else first
    second = -second if place & 2 else second
    return first, second


@njit(fastmath=True, cache=True)
@no_type_check
def respond(magnitude, phase, response):
    """e^(magnitude + i·phase), (batch, halves, bins), behind what stands first in each row of `response`.

    That is (batch, 1 + halves, 2 · bins): real and imaginary parts in turn. The magnitude is held to 12.
    """
    batch, halves, bins = magnitude.shape
    for row in range(batch):
        for half in range(halves):
            loud, turn = magnitude[row, half], phase[row, half]
            out = response[row, 1 + half]
            for k in range(bins):
                strength = exponential(loud[k])
                cosine, sine = _turned(turn[k])
                out[2 * k] = strength * cosine
                out[2 * k + 1] = strength * sine


@njit(fastmath=True, cache=True)
@no_type_check
def answered(pulses, falling, rising, by_pulses, by_noise, spectra):
    """Σ block · response: each block fades out of one response and into the next.

    `pulses` (batch, blocks, 2 · bins) holds both fades' spectra, `falling` and `rising` (batch, blocks, bins)
    those of the noise; responses are (batch, blocks + 1, bins).
    """
    batch, blocks, bins = spectra.shape
    for row in range(batch):
        for block in range(blocks):
            for k in range(bins):
                spectra[row, block, k] = (
                    pulses[row, block, k] * by_pulses[row, block, k]
                    + pulses[row, block, bins + k] * by_pulses[row, block + 1, k]
                    + falling[row, block, k] * by_noise[row, block, k]
                    + rising[row, block, k] * by_noise[row, block + 1, k]
                )
