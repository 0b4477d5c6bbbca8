"""The 20 features of speech that libopus' neural codecs speak of, live: 18 cepstra, pitch, correlation.

`pitch.analyse` does what is arithmetic, a network (PitchDNN) reads the pitch from it. Frames of 10 ms at
16 kHz, centred on the first sample of their hop; many streams in a batch.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from allears.audio import pitch
from allears.audio.pitch import PitchState
from allears.nn.network import Network, State

FEATURES = 20

_BINS = 180
_PER_OCTAVE = 60
_AROUND = 2
"""Bins on either side of the strongest that count in the pitch."""


class FeatureState(NamedTuple):
    """What of the signal so far the next frame needs."""

    pitch: PitchState
    network: State


class Extractor:
    """`network` is PitchDNN: (turns, lags) → logits of 180 bins."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def initial_state(self, batch: int) -> FeatureState:
        """Before the first sample of `batch` signals: silence."""
        return FeatureState(pitch.initial_state(batch), self._network.initial_state(batch))

    def __call__(
        self, samples: Float32[np.ndarray, "batch samples"], state: FeatureState
    ) -> tuple[Float32[np.ndarray, "batch frames 20"], FeatureState]:
        """Features of samples in ±1, whole hops of them. Raises ValueError where they are not."""
        analysis, after = pitch.analyse(samples, state.pitch)
        frames = analysis.turns.shape[1]
        pitches = np.zeros((len(samples), frames), np.float32)
        network = state.network
        for frame in range(frames):
            heard = [analysis.turns[:, frame], analysis.lags[:, frame]]
            (logits,), network = self._network(heard, network)
            pitches[:, frame] = _octaves(logits)
        periodic = pitch.correlation(analysis, pitches)
        features = np.concatenate(
            (analysis.cepstra, pitches[..., None], periodic[..., None]), axis=2
        )
        return features, FeatureState(after, network)


def _octaves(logits: Float32[np.ndarray, "batch bins"]) -> Float32[np.ndarray, " batch"]:
    """The mean of the five bins around the strongest, by their probability, in octaves."""
    logits = logits[:, :_BINS]
    strongest = logits.argmax(1)[:, None]
    near = strongest + np.arange(-_AROUND, _AROUND + 1)
    inside = (near >= 0) & (near < _BINS)
    near = np.clip(near, 0, _BINS - 1)
    level = np.take_along_axis(logits, near, 1) - np.take_along_axis(logits, strongest, 1)
    weight = np.exp(level) * inside
    mean: Float32[np.ndarray, " batch"] = (weight * near).sum(1) / weight.sum(1)
    return (mean / _PER_OCTAVE - pitch.CENTRE).astype(np.float32)
