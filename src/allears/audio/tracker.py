"""Pitch of whole recordings, from the correlations of `pitch`: what its network learns from.

Each frame's correlations are read at pitches 1/60 octave apart; the path over all frames that
correlates most while it leaps least is the pitch (Viterbi). Frames without a voice are bridged.
"""

import numpy as np
from jaxtyping import Float32, Float64

from allears.audio.pitch import CENTRE, LAGS, MAX_PERIOD

BINS = 180
PER_OCTAVE = 60

_GLIDE, _LEAP = 0.02, 1.0
"""What a glide costs from one frame to the next, per bin, and at most: in correlation."""
_HIGHER = 0.1
"""Favour for an octave more: multiples of the true period correlate as well as it does."""


def track(lags: Float32[np.ndarray, "frames lags"]) -> Float32[np.ndarray, " frames"]:
    """The pitch of each frame, in octaves, as the codec's features have it."""
    totals = _scores(lags)
    for frame in range(1, len(totals)):
        totals[frame] += _reached(totals[frame - 1])
    path = np.empty(len(totals), np.int64)
    for frame in reversed(range(len(totals))):
        last = frame == len(totals) - 1
        path[frame] = np.argmax(totals[frame] - (0 if last else _COSTS[path[frame + 1]]))
    return (path / PER_OCTAVE - CENTRE).astype(np.float32)


def _reached(totals: Float64[np.ndarray, " bins"]) -> Float64[np.ndarray, " bins"]:
    """The best that each bin is reached with from the frame before; the best of all is 0."""
    upward = np.maximum.accumulate(totals + _SLOPE) - _SLOPE
    downward = np.maximum.accumulate((totals - _SLOPE)[::-1])[::-1] + _SLOPE
    best = totals.max()
    return np.asarray(np.maximum(np.maximum(upward, downward), best - _LEAP) - best, np.float64)


def _scores(lags: Float32[np.ndarray, "frames lags"]) -> Float64[np.ndarray, "frames bins"]:
    """How much speaks for each pitch."""
    heard = np.maximum(lags.astype(np.float64) @ _READING, 0)
    return np.asarray(heard * (1 + _HIGHER * _OCTAVES), np.float64)


def _reading() -> Float64[np.ndarray, "lags bins"]:
    """Reads correlations between lags, by the cubic through the four around."""
    place = np.clip(MAX_PERIOD - MAX_PERIOD / 2**_OCTAVES, 0, LAGS - 1)
    floor = np.minimum(place.astype(np.int64), LAGS - 2)
    x = place - floor
    weights = np.zeros((LAGS, BINS))
    cubic = (
        -x * (x - 1) * (x - 2) / 6,
        (x + 1) * (x - 1) * (x - 2) / 2,
        -(x + 1) * x * (x - 2) / 2,
        (x + 1) * x * (x - 1) / 6,
    )
    for offset, weight in zip(range(-1, 3), cubic, strict=True):
        np.add.at(weights, (np.clip(floor + offset, 0, LAGS - 1), _PLACES), weight)
    return weights


_PLACES = np.arange(BINS)
_OCTAVES = _PLACES / PER_OCTAVE
_SLOPE = _GLIDE * _PLACES
_COSTS = np.minimum(np.abs(_SLOPE[:, None] - _SLOPE), _LEAP)
_READING = _reading()
