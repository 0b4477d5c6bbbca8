"""What an all-pole fit says of 10 ms on its own: the envelopes of its two halves, as cepstra.

The features of `audio.bark` see 20 ms windows; where a packet is missing, the last 10 ms before it tell more
of what comes. As libopus' concealment network is given it: Burg's method on 5 ms halves, mean and difference.
"""

import math

import numpy as np
from jaxtyping import Float32, Float64
from numba import njit

from allears.audio import bark
from allears.audio.bark import BANDS, HOP

CEPSTRA = 2 * BANDS
"""Numbers for a hop: 18 of the mean, 18 of the difference."""

_ORDER = 16
_HALF = HOP // 2
_INT16 = 32_768
_WINDOW = 2 * HOP
_SPREAD = 0.995
"""Each pole's radius is lessened by it."""
_LEAST_GAIN = 1e-3
"""Prediction that gains 30 dB goes no further."""
_WHITENING, _SILENCE = 1e-5, 1e-9
"""White noise that is taken to lie under the samples: a share of their energy, and a trace."""


def cepstra(hops: Float32[np.ndarray, "frames 160"]) -> Float32[np.ndarray, "frames 36"]:
    """Cepstra of samples in ±1: mean of the halves, then the first less the second."""
    halves = hops.reshape(-1, 2, _HALF).astype(np.float64) * _INT16
    both = _cepstra(halves[..., 1:] - bark.PRE_EMPHASIS * halves[..., :-1])
    first, second = both[:, 0], both[:, 1]
    return np.concatenate(((first + second) / 2, first - second), axis=1).astype(np.float32)


def _cepstra(x: Float64[np.ndarray, "*shape samples"]) -> Float64[np.ndarray, "*shape bands"]:
    whitening, energy = burg(x)
    poles = whitening * _SPREAD ** np.arange(_ORDER + 1)
    response = np.fft.rfft(poles, _WINDOW) / _WINDOW
    power = 1 / (response.real**2 + response.imag**2 + _SILENCE)
    gain = 0.45 * energy / (x.shape[-1] - 2 * (_ORDER - 1)) / _WINDOW**3
    return bark.cepstra_of_energy(power @ _TRIANGLES * gain[..., None])


def burg(
    x: Float64[np.ndarray, "*shape samples"],
) -> tuple[Float64[np.ndarray, "*shape taps"], Float64[np.ndarray, "*shape"]]:
    """The filter that whitens `x` (its first tap is 1) and the energy of what it leaves (Burg 1975)."""
    shape, size = x.shape[:-1], x.shape[-1]
    filters = np.zeros((math.prod(shape), _ORDER + 1))
    energy = np.zeros(len(filters))
    _burg(np.ascontiguousarray(x.reshape(-1, size)), filters, energy)
    return filters.reshape(*shape, _ORDER + 1), energy.reshape(shape)


@njit(fastmath=True, cache=True)  # type: ignore[misc, unused-ignore]
def _burg(x, filters, energy):  # type: ignore[no-untyped-def]
    rows, size = x.shape
    order = filters.shape[1] - 1
    ahead, behind, before = np.empty(size), np.empty(size), np.empty(order + 1)
    for row in range(rows):
        taps = filters[row]
        ahead[:] = x[row]
        behind[:] = x[row]
        whole = np.sum(x[row] * x[row])
        noise = _WHITENING * whole + _SILENCE
        taps[0] = left = 1.0
        for n in range(order):
            if left <= _LEAST_GAIN:
                break
            # Energies of both predictions' errors where both reach, and of the noise through the filter.
            common = power = 0.0
            for i in range(n + 1, size):
                common += ahead[i] * behind[i - 1]
                power += ahead[i] * ahead[i] + behind[i - 1] * behind[i - 1]
            for k in range(n + 1):
                power += 2 * noise * taps[k] * taps[k]
                common += noise * taps[k] * taps[n + 1 - k] if k else 0.0
            reflection = -2 * common / power
            if left * (1 - reflection * reflection) <= _LEAST_GAIN:
                reflection = math.copysign(math.sqrt(1 - _LEAST_GAIN / left), reflection)
                left = _LEAST_GAIN
            else:
                left *= 1 - reflection * reflection
            before[: n + 1] = taps[: n + 1]
            for k in range(1, n + 1):
                taps[k] += reflection * before[n + 1 - k]
            taps[n + 1] = reflection
            for i in range(size - 1, n, -1):
                error = ahead[i]
                ahead[i] = error + reflection * behind[i - 1]
                behind[i] = behind[i - 1] + reflection * error
        if left <= _LEAST_GAIN:
            energy[row] = left * np.sum(x[row, order:] * x[row, order:])
        else:
            residual = np.sum(ahead[order:] * ahead[order:])
            energy[row] = residual + _SILENCE * np.sum(taps * taps)


_TRIANGLES = bark.triangles()
