"""Where the pulses of a voice that continues another begin: in the phase whose past resembles what was heard."""

import numpy as np
from jaxtyping import Float32, Float64

from allears.audio.bark import HOP
from allears.voice import excitation
from allears.voice.filters import HALF, TAIL, TRANSFORM, Filters, overlapped, pulsed

PHASES = 24
"""Phases that are tried."""

COMPARED = 240
"""Samples of the past in which they are: 15 ms."""

_LOUDEST, _QUIETEST = 2.0, 0.5
"""Level of the past against ours: within which bounds it is matched."""

_INAUDIBLE = 1e-5


def best(
    heard: Float32[np.ndarray, "batch compared"],
    frequencies: Float64[np.ndarray, "batch 3"],
    halves: Filters,
) -> Float64[np.ndarray, " batch"]:
    """The phase, 20 ms before the end, with which our pulses correlate best with what was heard."""
    batch = len(heard)
    tried = np.tile(np.arange(PHASES) / PHASES, batch)
    source = excitation.pulses(np.repeat(frequencies, PHASES, 0), tried)
    blocks = source.samples.reshape(batch, PHASES, -1, HALF)
    spectra = pulsed(blocks, halves.pulses[:, None])
    answers = np.asarray(np.fft.irfft(spectra, TRANSFORM), np.float32).reshape(
        batch * PHASES, -1, TRANSFORM
    )
    whole = overlapped(answers, np.zeros((len(answers), TAIL), np.float32))
    ours = whole[:, 2 * HOP - COMPARED : 2 * HOP].reshape(batch, PHASES, -1)
    likeness = (ours @ heard[..., None])[..., 0] / (_level(ours) + _INAUDIBLE)
    best = likeness.argmax(1)
    rows = np.arange(batch)
    left, top, right = (likeness[rows, (best + shift) % PHASES] for shift in (-1, 0, 1))
    bend = left - 2 * top + right
    between = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, 1), 0)
    return np.asarray((best + between) / PHASES, np.float64)


def gain(
    heard: Float32[np.ndarray, "batch compared"], ours: Float32[np.ndarray, "batch compared"]
) -> Float32[np.ndarray, " batch"]:
    """How much louder what was heard is, within bounds."""
    louder = (_level(heard) + _INAUDIBLE) / (_level(ours) + _INAUDIBLE)
    return np.asarray(np.clip(louder, _QUIETEST, _LOUDEST), np.float32)


def _level(x: Float32[np.ndarray, "*shape samples"]) -> Float32[np.ndarray, "*shape"]:
    return np.asarray(np.sqrt((x**2).mean(-1)), np.float32)
