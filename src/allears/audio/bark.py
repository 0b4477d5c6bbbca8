"""Bark-scale cepstra as libopus computes them for its neural codecs: 18 numbers every 10 ms at 16 kHz.

Spectra of 20 ms windows (10 ms apart, pre-emphasised by 0.85) are summed in 18 overlapping triangular
bands, floored as hearing masks them, and turned by a DCT. Streaming, many signals in a batch: what is
computed does not depend on how the signal is cut.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex128, Float32, Float64

RATE = 16_000
HOP = 160
"""Samples from one frame to the next: 10 ms."""

BANDS = 18
PRE_EMPHASIS = 0.85
LEVEL = 4.0
"""Taken off the first cepstral coefficient."""

_EDGES = 4 * np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 34, 40])
"""Centres of the bands, in bins of 50 Hz."""

_INT16 = 32_768
"""The scale that libopus' constants are made for."""


class BarkState(NamedTuple):
    """What of the signal so far the next frame needs."""

    overlap: Float32[np.ndarray, "batch hop"]
    last: Float32[np.ndarray, " batch"]


def initial_state(batch: int) -> BarkState:
    """Before the first sample of `batch` signals: silence."""
    return BarkState(np.zeros((batch, HOP), np.float32), np.zeros(batch, np.float32))


class Spectra(NamedTuple):
    """What one transform yields for all that is computed of a stretch of signal."""

    emphasised: Float32[np.ndarray, "batch extended"]
    """The signal, pre-emphasised and in the scale of int16, with the hop before it."""
    bins: Complex128[np.ndarray, "batch frames bins"]


def cepstra(
    samples: Float32[np.ndarray, "batch samples"], state: BarkState
) -> tuple[Float32[np.ndarray, "batch frames bands"], BarkState]:
    """Cepstra of samples in ±1, whole hops of them; frame j is centred on the first sample of hop j.

    Raises ValueError where the samples are not whole hops.
    """
    found, state = spectra(samples, state)
    return cepstra_of(found.bins).astype(np.float32), state


def spectra(
    samples: Float32[np.ndarray, "batch samples"], state: BarkState
) -> tuple[Spectra, BarkState]:
    """Windowed spectra of samples in ±1; frame j is centred on the first sample of hop j.

    Raises ValueError where the samples are not whole hops.
    """
    batch, size = samples.shape
    if size % HOP:
        raise ValueError(f"{size} samples are not whole hops of {HOP}")
    if size == 0:
        return Spectra(state.overlap, np.zeros((batch, 0, HOP + 1), np.complex128)), state
    before = np.concatenate((state.last[:, None], samples[:, :-1]), axis=1)
    emphasised = (samples - np.float32(PRE_EMPHASIS) * before) * np.float32(_INT16)
    whole = np.concatenate((state.overlap, emphasised), axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(whole, 2 * HOP, axis=1)[:, ::HOP]
    bins = np.fft.rfft(windows * _WINDOW) / (2 * HOP)
    return Spectra(whole, bins), BarkState(whole[:, -HOP:].copy(), samples[:, -1].copy())


def cepstra_of(
    bins: Complex128[np.ndarray, "*shape bins"],
) -> Float64[np.ndarray, "*shape bands"]:
    """The cepstra of windowed spectra."""
    return cepstra_of_energy((bins.real**2 + bins.imag**2) @ _TRIANGLES)


def cepstra_of_energy(
    energy: Float64[np.ndarray, "*shape bands"],
) -> Float64[np.ndarray, "*shape bands"]:
    """The cepstra of band energies (int16 units), floored as they are heard."""
    turned: Float64[np.ndarray, "*shape bands"] = _floored(np.log10(0.01 + energy)) @ DCT
    turned[..., 0] -= LEVEL
    return turned


def _floored(
    log_energy: Float64[np.ndarray, "*shape bands"],
) -> Float64[np.ndarray, "*shape bands"]:
    """No band lies further below the loudest before it, or below its neighbour, than is heard."""
    from allears.audio import loops

    rows = np.ascontiguousarray(log_energy).reshape(-1, BANDS)
    loops.floored(rows)
    return rows.reshape(log_energy.shape)


def triangles(ends: float = 2.0) -> Float64[np.ndarray, "bins bands"]:
    """How much each bin counts in each band: falling from its centre to the next.

    The first and last band have only half a triangle; they count `ends` times.
    """
    weights = np.zeros((HOP + 1, BANDS))
    for band in range(BANDS - 1):
        width = int(_EDGES[band + 1] - _EDGES[band])
        rise = np.arange(width) / width
        bins = slice(_EDGES[band], _EDGES[band + 1])
        weights[bins, band] += 1 - rise
        weights[bins, band + 1] += rise
    weights[:, [0, -1]] *= ends
    return weights


def _dct() -> Float64[np.ndarray, "bands bands"]:
    """The orthonormal DCT-II."""
    place = np.arange(BANDS)
    matrix = np.cos(np.pi * (place[:, None] + 0.5) * place / BANDS) * np.sqrt(2 / BANDS)
    matrix[:, 0] *= np.sqrt(0.5)
    return np.asarray(matrix, np.float64)


def _window() -> Float64[np.ndarray, " window"]:
    """The power-complementary window of Vorbis and CELT."""
    place = (np.arange(HOP) + 0.5) / HOP
    rise = np.sin(0.5 * np.pi * np.sin(0.5 * np.pi * place) ** 2)
    return np.concatenate((rise, rise[::-1]))


DCT = _dct()
_TRIANGLES, _WINDOW = triangles(), _window()
