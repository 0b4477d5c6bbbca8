"""Where in a recording somebody speaks: by energy, from the first loud stretch to the last."""

import numpy as np
from jaxtyping import Float32

from allears.corpus.sound import RATE

FRAME = RATE // 100

_LOUD, _QUIET = 0.95, 0.1
"""Quantiles of frames' powers that stand for speech and for what is behind it."""
_FLOOR_DB = 35.0
"""Frames may be this much below the loud ones and be speech still,"""
_ABOVE_DB = 8.0
"""unless they are not this much above the quiet ones, at most"""
_CEILING_DB = 20.0
"""below the loud ones."""
_RUN = 3
"""Frames in a row that are needed: a click is no speech."""


def bounds(samples: Float32[np.ndarray, " n"]) -> tuple[int, int] | None:
    """The first sample of speech and the one after its last, in steps of 10 ms; None where nothing sounds.

    Speech is frames of 10 ms, three or more in a row, with at least the power 35 dB below the 95th percentile of
    all; in noise, 8 dB above the 10th percentile, but no more than 20 dB below the 95th.
    """
    powers = _powers(samples)
    if not len(powers) or not powers.any():
        return None
    loud, quiet = np.quantile(powers, (_LOUD, _QUIET))
    loud = loud or powers.max()
    least = max(
        loud / _ratio(_FLOOR_DB), min(quiet * _ratio(_ABOVE_DB), loud / _ratio(_CEILING_DB))
    )
    active = powers >= least
    runs = np.lib.stride_tricks.sliding_window_view(active, min(_RUN, len(active))).all(1)
    found = np.flatnonzero(runs)
    if not len(found):
        return None
    return int(found[0]) * FRAME, min(len(samples), (int(found[-1]) + _RUN) * FRAME)


def _powers(samples: Float32[np.ndarray, " n"]) -> Float32[np.ndarray, " frames"]:
    """Mean squares of whole frames."""
    framed = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    powers: np.ndarray = np.einsum("fs,fs->f", framed, framed) / FRAME
    return powers


def _ratio(decibels: float) -> float:
    return float(10 ** (decibels / 10))
