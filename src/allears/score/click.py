"""How much a signal clicks at a given place.

A click is what the signal around it does not predict. So the neighbourhood is predicted linearly from
itself, and the error at the place is set against the errors around: a step or a spike stands out by
tens, speech (its glottal pulses included) by a few.
"""

import numpy as np
from jaxtyping import Float32, Float64

AROUND_SECONDS, AT_SECONDS = 0.015, 0.0005
"""How far the neighbourhood and the place itself reach, to either side."""

ORDER = 16
"""Coefficients of the predictor: formants up to 8 kHz."""

FLOOR = 1e-4
"""Prediction error in ±1 that nobody hears, and that a silent neighbourhood counts as having."""


def strength(samples: Float32[np.ndarray, " samples"], rate: int, at: int) -> float:
    """The largest prediction error near sample `at`, over the root mean square of those around it.

    `at` needs 15 ms of signal on either side; less gives 0.
    """
    around, near = int(AROUND_SECONDS * rate), int(AT_SECONDS * rate)
    if at - around < 0 or at + around > len(samples):
        return 0.0
    errors = np.abs(_residual(samples[at - around : at + around].astype(np.float64)))
    middle = around - ORDER
    place = errors[middle - near : middle + near]
    rest = np.concatenate((errors[: middle - near], errors[middle + near :]))
    return float(place.max() / (np.sqrt(np.mean(rest**2)) + FLOOR))


def _residual(signal: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " m"]:
    """The errors of the best linear prediction of each sample from the `ORDER` before it."""
    windows = np.lib.stride_tricks.sliding_window_view(signal, ORDER + 1)
    past, present = windows[:, :-1], windows[:, -1]
    # A touch of noise in the normal equations keeps them solvable where the signal is silence.
    normal = past.T @ past + 1e-9 * len(signal) * np.eye(ORDER)
    errors: Float64[np.ndarray, " m"] = present - past @ np.linalg.solve(normal, past.T @ present)
    return errors
