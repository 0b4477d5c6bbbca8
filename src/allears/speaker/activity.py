"""Which log-mel frames something is spoken in, while it is spoken: by level alone.

A frame counts from 30 dB below the loudest of late, a level that sinks by 1 dB a second, and from a floor on. It
is no judge of speech and noise, but what is silence to it says nothing of a voice.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32

_BELOW = np.float32(30 * np.log(10) / 10)
_SINKS = np.float32(0.01 * np.log(10) / 10)
"""Nats in a frame of 10 ms."""
_FLOOR = np.float32(-13.0)
"""Mean power of all bands in nats: speech at −50 dB of full scale lies above, a recorder's own noise below."""


class Level(NamedTuple):
    """The loudest of late, in nats of power; −∞ before the first frame."""

    loudest: np.float32 = np.float32(-np.inf)


def active(
    mels: Float32[np.ndarray, "frames bands"], state: Level
) -> tuple[Bool[np.ndarray, " frames"], Level]:
    """Whether each frame counts, and the level after them."""
    if not len(mels):
        return np.zeros(0, np.bool_), state
    power = np.log(np.exp(mels).mean(1))
    sunk = _SINKS * np.arange(1, len(mels) + 1, dtype=np.float32)
    loudest = np.maximum.accumulate(np.maximum(power + sunk, state.loudest)) - sunk
    return (power > loudest - _BELOW) & (power > _FLOOR), Level(np.float32(loudest[-1]))
