"""Where made speech follows real speech: the real one's resonances ring on into the made one.

What the two differ by just before the seam goes on after it as the linear predictor of the real one says, and
fades. Thus no sample is one that those before it do not foretell, which is what a click is.
"""

import numpy as np
from jaxtyping import Float32, Float64

ORDER = 16
"""Coefficients of the predictor, and samples that it goes on from."""

RINGING = 80
"""Samples after which nothing of it is left: 5 ms."""

_FADE = 0.5 + 0.5 * np.cos(np.pi * (np.arange(RINGING) + 0.5) / RINGING)
_FLOOR = 1e-4
"""White noise added, in shares of the power, so that resonances stay broad."""
_QUIETEST = 1e-12


def rung(
    heard: Float32[np.ndarray, "batch past"], missed: Float32[np.ndarray, "batch order"]
) -> Float32[np.ndarray, "batch ringing"]:
    """How the last samples `missed` go on through the resonances of what was `heard`."""
    predictor = _predictor(heard)[:, ::-1]
    whole = np.zeros((len(heard), ORDER + RINGING))
    whole[:, :ORDER] = missed
    for at in range(ORDER, ORDER + RINGING):
        whole[:, at] = (whole[:, at - ORDER : at] * predictor).sum(1)
    return np.asarray(whole[:, ORDER:] * _FADE, np.float32)


def _predictor(
    heard: Float32[np.ndarray, "batch past"],
) -> Float64[np.ndarray, "batch order"]:
    """Coefficients of the samples before, the last one's first (autocorrelation, Levinson and Durbin)."""
    windowed = heard.astype(np.float64) * np.hanning(heard.shape[1] + 2)[1:-1]
    power = np.abs(np.fft.rfft(windowed, 2 * heard.shape[1])) ** 2
    lags = np.fft.irfft(power)[:, : ORDER + 1]
    error = lags[:, 0] * (1 + _FLOOR) + _QUIETEST
    predictor = np.zeros((len(heard), ORDER))
    for order in range(ORDER):
        known = predictor[:, :order].copy()
        missing = lags[:, order + 1] - (known * lags[:, order:0:-1]).sum(1)
        reflection = missing / error
        predictor[:, :order] = known - reflection[:, None] * known[:, ::-1]
        predictor[:, order] = reflection
        error = error * (1 - reflection**2)
    return predictor
