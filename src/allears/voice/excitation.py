"""What a voice is made of before it is shaped: pulses at its pitch, and noise. Numpy alone.

Between two frames of features, 160 samples apart, the frequency glides; a leap of the pitch happens half-way.
Pulses hold all harmonics below 7.6 kHz in equal strength (a Dirichlet kernel), of unit power like the noise.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from allears.audio.bark import HOP, RATE
from allears.audio.pitch import CENTRE, MAX_PERIOD

CLOSE = 0.1
"""Octaves within which neighbouring pitches are one voice's glide, of which tremor is smoothed away."""

_LEAP = 0.3
"""Octaves from which on the pitch leaps instead of gliding."""

_HIGHEST = 7_600 / RATE
_AHEAD = (np.arange(HOP) + 1.0) / HOP


class Pulses(NamedTuple):
    """Pulses and, for the noise between them, where in the period each sample is."""

    samples: Float32[np.ndarray, "batch samples"]
    cosine: Float32[np.ndarray, "batch samples"]
    sine: Float32[np.ndarray, "batch samples"]
    phase: Float64[np.ndarray, " batch"]
    """Cycles, 0 … 1, at the last sample."""


def frequency(
    pitch: Float32[np.ndarray, "batch frames"],
) -> Float64[np.ndarray, "batch inner"]:
    """Cycles per sample at all frames but the first and the last, from their pitch in octaves."""
    now = pitch[:, 1:-1].astype(np.float64)
    smooth = 2 * now
    for neighbour in (pitch[:, :-2], pitch[:, 2:]):
        smooth = smooth + np.where(np.abs(neighbour - now) < CLOSE, neighbour, now)
    return np.asarray(2 ** (np.clip(smooth / 4, -CENTRE, 1.5) + CENTRE) / MAX_PERIOD)


def pulses(
    frequencies: Float64[np.ndarray, "batch bounds"], phase: Float64[np.ndarray, " batch"]
) -> Pulses:
    """The samples after the first bound up to and with the last; `phase` is that at the first bound."""
    steps = _glide(frequencies)
    turns = phase[:, None] + np.cumsum(steps, 1)
    turns -= np.floor(turns)
    angle = np.float32(2 * np.pi) * turns.astype(np.float32)
    cosine, sine = np.cos(angle), np.sin(angle)
    return Pulses(_kernel(turns, steps), cosine, sine, turns[:, -1])


def _glide(
    frequencies: Float64[np.ndarray, "batch bounds"],
) -> Float64[np.ndarray, "batch samples"]:
    before, after = frequencies[:, :-1, None], frequencies[:, 1:, None]
    leaps = np.abs(np.log2(after / before)) > _LEAP
    share = np.where(leaps, _AHEAD > 0.5, _AHEAD)
    return np.asarray((before + (after - before) * share).reshape(len(frequencies), -1))


def _kernel(
    turns: Float64[np.ndarray, "batch samples"], steps: Float64[np.ndarray, "batch samples"]
) -> Float32[np.ndarray, "batch samples"]:
    """Σ cos(2πhθ) over the harmonics h, in closed form, at unit power."""
    harmonics = np.floor(_HIGHEST / steps).astype(np.float32)
    half = (np.pi * (turns - np.rint(turns))).astype(np.float32)
    under = np.sin(half)
    peak = np.abs(under) < 1e-6
    sums = (np.sin((2 * harmonics + 1) * half) / np.where(peak, 1, under) - 1) / 2
    return np.asarray(np.where(peak, harmonics, sums) * np.sqrt(2 / harmonics), np.float32)
