"""Sample rate conversion of a stream with a short, exactly known delay (2 ms), for what must keep time.

A windowed sinc, a set of taps per output phase. `resample` is steeper but lags by tens of ms.
"""

from math import gcd

import numpy as np
from jaxtyping import Float32, Float64

DELAY = 0.002
"""Seconds by which output comes later than input: the sinc is cut off so far on either side."""

_BETA = 8.0
_EDGE = 0.92
"""Where the pass band ends, as a share of the lower rate's half."""


class Polyphase:
    """One stream from `from_rate` to `to_rate` Hz; equal rates pass through, `delay` seconds being 0."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        common = gcd(from_rate, to_rate)
        self._up, self._down = to_rate // common, from_rate // common
        self.delay = 0.0 if from_rate == to_rate else DELAY
        self._half = round(DELAY * from_rate)
        self._taps = _taps(self._half, self._up, _EDGE * min(1.0, to_rate / from_rate))
        self._past = np.zeros(2 * self._half, np.float32)
        self._next = 0  # where the next output stands, in steps of 1/up of an input sample

    def __call__(self, chunk: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " resampled"]:
        """All output that the input so far allows."""
        if not self.delay:
            return chunk
        whole = np.concatenate((self._past, chunk))
        places = np.arange(self._next, len(chunk) * self._up, self._down)
        self._next = self._next + len(places) * self._down - len(chunk) * self._up
        self._past = whole[len(chunk) :]
        if not len(places):
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(whole, 2 * self._half + 1)
        at, phase = np.divmod(places, self._up)
        return np.asarray(np.einsum("ij,ij->i", windows[at], self._taps[phase]))


def _taps(half: int, phases: int, edge: float) -> Float32[np.ndarray, "phases taps"]:
    """The sinc around each phase, of unit gain at zero frequency."""
    place: Float64[np.ndarray, "phases taps"] = (
        np.arange(-half, half + 1) - (np.arange(phases) / phases)[:, None]
    )
    inside = np.clip(1 - (place / (half + 1)) ** 2, 0, None)
    taps = np.sinc(edge * place) * np.i0(_BETA * np.sqrt(inside))
    return np.asarray(taps / taps.sum(1, keepdims=True), np.float32)
