"""The 20 features of speech that libopus' neural codecs speak of, live: 18 cepstra, pitch, correlation.

`pitch.analyse` does what is arithmetic, a network (PitchDNN) reads the pitch from it. Frames of 10 ms at
16 kHz, centred on the first sample of their hop; many streams in a batch.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from allears.audio import pitch
from allears.audio.bark import HOP
from allears.audio.pitch import PitchState
from allears.nn.network import Network, State
from allears.nn.sequence import Frames

FEATURES = 20

_BINS = 180
_PER_OCTAVE = 60


class FeatureState(NamedTuple):
    """What of the signal so far the next frame needs."""

    pitch: PitchState
    network: State


class Extractor:
    """`network` is PitchDNN: (turns, lags) → logits of 180 bins; `long` the same over many frames at once."""

    def __init__(self, network: Network, long: Network | None = None) -> None:
        self._network = Frames(network, long)
        # Compiled now, and not in the middle of a call.
        self(np.zeros((1, HOP), np.float32), self.initial_state(1))

    def initial_state(self, batch: int) -> FeatureState:
        """Before the first sample of `batch` signals: silence."""
        return FeatureState(pitch.initial_state(batch), self._network.initial_state(batch))

    def __call__(
        self, samples: Float32[np.ndarray, "batch samples"], state: FeatureState
    ) -> tuple[Float32[np.ndarray, "batch frames 20"], FeatureState]:
        """Features of samples in ±1, whole hops of them. Raises ValueError where they are not."""
        analysis, after = pitch.analyse(samples, state.pitch)
        if not analysis.turns.shape[1]:
            return np.zeros((len(samples), 0, FEATURES), np.float32), state
        logits, network = self._network((analysis.turns, analysis.lags), state.network)
        pitches = _octaves(logits)
        periodic = pitch.correlation(analysis, pitches)
        features = np.concatenate(
            (analysis.cepstra, pitches[..., None], periodic[..., None]), axis=2
        )
        return features, FeatureState(after, network)


def _octaves(
    logits: Float32[np.ndarray, "*shape bins"],
) -> Float32[np.ndarray, "*shape"]:
    """The mean of the five bins around the strongest, by their probability, in octaves."""
    from allears.audio import loops

    found = np.empty(logits.shape[:-1], np.float32)
    loops.peaks(logits.reshape(-1, logits.shape[-1]), _BINS, found.reshape(-1))
    return found / np.float32(_PER_OCTAVE) - np.float32(pitch.CENTRE)
