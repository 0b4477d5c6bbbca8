"""FARGAN live: many streams of speech from features, 10 ms at a time, each continuing from what was heard."""

import numpy as np
from jaxtyping import Float32, Int64

from allears.audio import pitch
from allears.audio.bark import HOP
from allears.audio.features import FEATURES
from allears.nn.network import Network, State
from allears.voice import fargan_loops
from allears.weights.store import Weights, graph

_PITCH = 18
"""Which of the features is the pitch."""


class FarganVoice:
    """`weights` of kind "fargan"."""

    def __init__(self, weights: Weights) -> None:
        self._begin = Network(graph("fargan_begin"), weights.arrays)
        self._step = Network(graph("fargan"), weights.arrays)
        self._layers = fargan_loops.layers(weights.arrays)
        self._periods = np.ascontiguousarray(weights.arrays[fargan_loops.PERIODS], np.float32)
        # What is compiled is compiled now, and not in the middle of a call.
        self._alone(np.zeros((1, FEATURES), np.float32), self._step.initial_state(1))

    def begin(
        self,
        past: Float32[np.ndarray, "batch 320"],
        features: Float32[np.ndarray, "batch 5 20"],
        previous: State | None = None,
    ) -> State:
        """Continue from the last 20 ms heard, in ±1.

        `features` are the last three frames heard, then those centred 0 and 10 ms after the end of
        `past`. Where the streams have been spoken before, `previous` keeps what the networks know of
        the voices.
        """
        batch = len(past)
        before = self._begin.initial_state(batch) if previous is None else previous
        told = features.reshape(batch, -1)
        _, state = self._begin([past, told, _period(features)], before)
        return state

    def step(
        self, features: Float32[np.ndarray, "batch 20"], state: State
    ) -> tuple[Float32[np.ndarray, "batch 160"], State]:
        """10 ms in ±1, told the features centred 20 ms after the end of what has been spoken."""
        if len(features) == 1:
            return self._alone(features, state)
        (samples,), state = self._step([features, _period(features)[:, None]], state)
        return samples, state

    def _alone(
        self, features: Float32[np.ndarray, "1 20"], state: State
    ) -> tuple[Float32[np.ndarray, "1 160"], State]:
        """A single stream: in compiled loops, since a graph's nodes cost more than its one row does."""
        samples = np.empty((1, HOP), np.float32)
        after = tuple(part.copy() for part in state)
        (period,) = _period(features)
        fargan_loops.step(self._layers, self._periods, features[0], period, after, samples[0])
        return samples, after


def _period(features: Float32[np.ndarray, "*shape 20"]) -> Int64[np.ndarray, "*shape"]:
    return pitch.period(features[..., _PITCH])
