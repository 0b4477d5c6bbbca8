"""Quiet that stands in for what comes after the last word: in it the last symbols are emitted.

A transducer says a symbol some frames after it was spoken, so a recording that ends with a word ends too early.
"""

from functools import cache

import numpy as np
from jaxtyping import Float32

from allears.audio import mel

TAIL_S = 0.4
AMPLITUDE = 1e-4
"""−80 dB: noise a recorder makes, not digital silence."""


@cache
def samples(count: int = int(TAIL_S * mel.RATE)) -> Float32[np.ndarray, " count"]:
    """So many samples of 16 kHz; always the same."""
    noise = AMPLITUDE * np.random.default_rng(0).standard_normal(count)
    return noise.astype(np.float32)


@cache
def mels(frames: int, bands: int) -> Float32[np.ndarray, "frames bands"]:
    """So many log-mel frames of it."""
    return mel.whole(samples(frames * mel.HOP + mel.WINDOW), bands)[:frames]


def ended(
    heard: Float32[np.ndarray, "frames bands"], stack: int
) -> Float32[np.ndarray, "longer bands"]:
    """Those frames and a tail; a multiple of `stack` in all."""
    length = len(heard) + int(TAIL_S * mel.RATE / mel.HOP)
    length += -length % stack
    return np.concatenate((heard, mels(length - len(heard), heard.shape[1])))
