"""What libopus hears of the voice's pitch in each 10 ms at 16 kHz, beside the cepstra of `bark`.

From one spectrum per frame come the cepstra, how the phases of the lowest bins turn, and a linear
predictor; its residual is correlated with its own past. A network makes a pitch of these, and how
periodic the frame is at that pitch follows from `correlation`. Frames are centred on the first
sample of their hop. Streaming, many signals in a batch: what is computed does not depend on how the
signal is cut.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex128, Float32, Float64, Int64

from allears.audio import bark
from allears.audio.bark import BANDS, HOP, BarkState

MAX_PERIOD = 256
MIN_PERIOD = 32
LAGS = MAX_PERIOD - MIN_PERIOD
"""Lags the residual is correlated at: entry i is lag MAX_PERIOD - i."""

TURNING_BINS = 30
TURNS = 3 * TURNING_BINS - 2
"""A level of bin 0; for each further bin cosine and sine of its turn, and its level."""

ORDER = 16
"""Coefficients of the linear predictor."""

CENTRE = 1.5
"""Added to a pitch it is octaves above MAX_PERIOD."""

_COMPENSATION = np.repeat(
    [4 / 5, 1, 2 / 3, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6, 4 / 23], [1, 7, 1, 3, 1, 2, 1, 1, 1]
)
"""Undoes that wider bands sum more bins."""

_NOISE = 2 * HOP / 12 / 38
_BROADENING = 0.7
_BIQUAD_B, _BIQUAD_A = (1.0, -0.84946, 1.0), (1.0, -1.54220, 0.70781)
_RESPONSE = 128
"""Samples after which the filter's response is below 1e-9."""
_BLOCK = 80


class PitchState(NamedTuple):
    """What of the signal so far the next frame needs."""

    bark: BarkState
    bins: Complex128[np.ndarray, "batch turning"]
    residual: Float32[np.ndarray, "batch hop"]
    excitation: Float32[np.ndarray, "batch period"]
    smooth: Float32[np.ndarray, "batch period"]


class Analysis(NamedTuple):
    """All that is computed of frames before their pitch is known."""

    cepstra: Float32[np.ndarray, "batch frames bands"]
    predictor: Float32[np.ndarray, "batch frames order"]
    turns: Float32[np.ndarray, "batch frames turns"]
    lags: Float32[np.ndarray, "batch frames lags"]
    smooth: Float32[np.ndarray, "batch extended"]
    """The low-passed residual, with MAX_PERIOD samples before it."""


def initial_state(batch: int) -> PitchState:
    """Before the first sample of `batch` signals: silence."""
    past = np.zeros((batch, MAX_PERIOD), np.float32)
    bins = np.zeros((batch, TURNING_BINS), np.complex128)
    return PitchState(bark.initial_state(batch), bins, past[:, :HOP], past, past)


def analyse(
    samples: Float32[np.ndarray, "batch samples"], state: PitchState
) -> tuple[Analysis, PitchState]:
    """Analyse samples in ±1, whole hops of them.

    Raises ValueError where the samples are not whole hops.
    """
    if not samples.shape[1]:
        return _nothing(state), state
    spectra, bark_state = bark.spectra(samples, state.bark)
    cepstra = bark.cepstra_of(spectra.bins)
    predictor = _predictor(cepstra).astype(np.float32)
    low = np.concatenate((state.bins[:, None], spectra.bins[..., :TURNING_BINS]), axis=1)

    residual = np.concatenate((state.residual, _residual(spectra.emphasised, predictor)), axis=1)
    broad = residual[:, HOP:] + np.float32(_BROADENING) * residual[:, HOP - 1 : -1]
    excitation = np.concatenate((state.excitation, broad), axis=1)
    smooth = np.concatenate((state.smooth, _smoothed(residual)), axis=1)

    analysis = Analysis(
        cepstra.astype(np.float32), predictor, _turns(low), _lags(excitation), smooth
    )
    return analysis, PitchState(
        bark_state,
        low[:, -1].copy(),
        residual[:, -HOP:].copy(),
        excitation[:, -MAX_PERIOD:].copy(),
        smooth[:, -MAX_PERIOD:].copy(),
    )


def correlation(
    analysis: Analysis, pitch: Float32[np.ndarray, "batch frames"]
) -> Float32[np.ndarray, "batch frames"]:
    """How periodic each frame is at its pitch, warped to favour the high values, -0.5 … 0.5."""
    from allears.audio import loops

    found = np.empty(pitch.shape, np.float32)
    loops.periodic(analysis.smooth, period(pitch), found, HOP)
    return found


def period(pitch: Float32[np.ndarray, "*shape"]) -> Int64[np.ndarray, "*shape"]:
    """A pitch's period in samples."""
    samples = np.floor(0.5 + MAX_PERIOD / 2 ** (pitch.astype(np.float64) + CENTRE))
    return np.clip(samples, MIN_PERIOD, MAX_PERIOD - 1).astype(np.int64)


def _nothing(state: PitchState) -> Analysis:
    cepstra, predictor, turns, lags = (
        np.zeros((len(state.bins), 0, size), np.float32) for size in (BANDS, ORDER, TURNS, LAGS)
    )
    return Analysis(cepstra, predictor, turns, lags, state.smooth)


def _turns(
    bins: Complex128[np.ndarray, "batch extended turning"],
) -> Float32[np.ndarray, "batch frames turns"]:
    """Each bin's turn since the frame before, and its level."""
    from allears.audio import loops

    found = np.empty((len(bins), bins.shape[1] - 1, TURNS), np.float32)
    loops.turned(bins, found)
    return found


def _predictor(
    cepstra: Float64[np.ndarray, "*shape bands"],
) -> Float64[np.ndarray, "*shape order"]:
    """The linear predictor of the spectrum that a cepstrum describes (Levinson and Durbin)."""
    level = bark.LEVEL * np.eye(BANDS)[0]
    lags = 10 ** ((cepstra + level) @ bark.DCT.T) @ _AUTOCORRELATION
    lags[..., 0] += lags[..., 0] * 1e-4 + _NOISE
    from allears.audio import loops

    coefficients = np.empty((*lags.shape[:-1], ORDER))
    loops.predictors(lags.reshape(-1, ORDER + 1), coefficients.reshape(-1, ORDER))
    return coefficients


def _residual(
    emphasised: Float32[np.ndarray, "batch extended"],
    predictor: Float32[np.ndarray, "batch frames order"],
) -> Float32[np.ndarray, "batch samples"]:
    """What the predictors leave of the hops around the frames' centres."""
    from allears.audio import loops

    batch, frames, _ = predictor.shape
    residual = np.empty((batch, frames * HOP), np.float32)
    loops.residuals(emphasised, predictor, residual, HOP)
    return residual


def _smoothed(
    residual: Float32[np.ndarray, "batch extended"],
) -> Float32[np.ndarray, "batch samples"]:
    """The residual below 1.2 kHz, by an elliptic filter; a hop before it is given."""
    blocks = _spans(residual[:, HOP - _RESPONSE :], _RESPONSE + _BLOCK)[:, ::_BLOCK]
    return np.asarray((blocks @ _SMOOTHING).reshape(len(residual), -1), np.float32)


def _lags(
    excitation: Float32[np.ndarray, "batch extended"],
) -> Float32[np.ndarray, "batch frames lags"]:
    """Correlation of each hop with its past, over the mean of their energies."""
    from allears.audio import loops

    batch, size = excitation.shape
    found = np.empty((batch, (size - MAX_PERIOD) // HOP, LAGS), np.float32)
    loops.correlations(excitation, found, HOP)
    return found


def _spans(
    x: Float32[np.ndarray, "*shape samples"], size: int
) -> Float32[np.ndarray, "*shape starts size"]:
    return np.lib.stride_tricks.sliding_window_view(x, size, axis=-1)


def _autocorrelation() -> Float64[np.ndarray, "bands lags"]:
    """From energies of bands to the windowed autocorrelation of their spectrum."""
    spectra = (bark.triangles(ends=1) * _COMPENSATION).T
    lags = np.fft.irfft(spectra)[:, : ORDER + 1] * (2 * HOP)
    return np.asarray(lags * (1 - 6e-5 * np.arange(ORDER + 1) ** 2), np.float64)


def _smoothing() -> Float32[np.ndarray, "span block"]:
    """Filters a block by what came before and itself: the filter's response, shifted."""
    response = np.zeros(_RESPONSE + 1)
    for place in range(len(response)):
        fed = _BIQUAD_B[place] if place < len(_BIQUAD_B) else 0.0
        back = sum(_BIQUAD_A[lag] * response[place - lag] for lag in (1, 2) if place >= lag)
        response[place] = fed - back
    lag = _RESPONSE + np.arange(_BLOCK) - np.arange(_RESPONSE + _BLOCK)[:, None]
    heard = (lag >= 0) & (lag <= _RESPONSE)
    return np.where(heard, response[lag * heard], 0).astype(np.float32)


_AUTOCORRELATION, _SMOOTHING = _autocorrelation(), _smoothing()
