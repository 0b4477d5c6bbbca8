"""Log-mel spectra as recognisers hear speech: 25 ms windows every 10 ms, streaming.

Bands lie evenly on the mel scale of O'Shaughnessy 1987 (m = 1127 ln(1 + f/700)), triangles of height 1. Window k
of a stream covers samples 160 k … 160 k + 399; there is none that would reach beyond what has come.
"""

from functools import cache

import numpy as np
from jaxtyping import Float32

RATE = 16_000
WINDOW, HOP = 400, 160
_TRANSFORM = 512
_LOWEST, _HIGHEST = 60.0, 7_600.0
_FLOOR = np.float32(1e-8)
"""−80 dB below white noise of full scale, added to each band's power."""


def initial_state() -> Float32[np.ndarray, " samples"]:
    """Nothing heard yet."""
    return np.zeros(0, np.float32)


def analyse(
    samples: Float32[np.ndarray, " samples"],
    state: Float32[np.ndarray, " kept"],
    bands: int = 64,
) -> tuple[Float32[np.ndarray, "frames bands"], Float32[np.ndarray, " kept_after"]]:
    """Natural logarithms of the bands' power in each window that is complete now; samples at 16 kHz in ±1.

    The state is the samples that later windows still need, fewer than a window.
    """
    whole = np.concatenate((state, samples))
    count = max(0, 1 + (len(whole) - WINDOW) // HOP)
    if not count:
        return np.zeros((0, bands), np.float32), whole
    windows = np.lib.stride_tricks.sliding_window_view(whole, WINDOW)[: count * HOP : HOP]
    spectrum = np.fft.rfft(windows * _window(), _TRANSFORM)
    power = spectrum.real**2 + spectrum.imag**2
    return np.log(power @ _triangles(bands) + _FLOOR), whole[count * HOP :].copy()


def whole(
    samples: Float32[np.ndarray, " samples"], bands: int = 64
) -> Float32[np.ndarray, "frames bands"]:
    """All windows of a recording."""
    return analyse(samples, initial_state(), bands)[0]


@cache
def _window() -> Float32[np.ndarray, " 400"]:
    """Hann's, of energy 1."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
    return np.asarray(hann / np.sqrt(np.sum(hann**2)), np.float32)


@cache
def _triangles(bands: int) -> Float32[np.ndarray, "bins bands"]:
    """Each bin's part in each band, a band's parts summing to 1."""
    edges = np.linspace(_mel(_LOWEST), _mel(_HIGHEST), bands + 2)
    place = _mel(np.arange(_TRANSFORM // 2 + 1) * RATE / _TRANSFORM)[:, None]
    rise = (place - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - place) / (edges[2:] - edges[1:-1])
    parts = np.maximum(0, np.minimum(rise, fall))
    sums = parts.sum(0)
    # A band between two bins takes the nearer one.
    empty = sums == 0
    parts[np.abs(place - edges[1:-1]).argmin(0)[empty], np.flatnonzero(empty)] = 1
    return np.asarray(parts / parts.sum(0), np.float32)


def _mel(hertz: float | np.ndarray) -> np.ndarray:
    return np.asarray(1127 * np.log1p(np.asarray(hertz) / 700))
