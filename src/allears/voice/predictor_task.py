"""Training the predictor: frames are lost in bursts, and those lost are to be guessed."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int16

from allears.audio.bark import HOP
from allears.train.task import Batch
from allears.voice.burg import CEPSTRA, cepstra
from allears.voice.predictor import Predictor

_FRAMES = 300
_TOLD_SHARE = 0.2
"""How many of the bursts are told of by features alone, as by redundancy."""

_MEAN_HEARD, _MEAN_LOST = 25, 8
"""Frames between bursts and in them, on average."""


class PredictorTask:
    """Samples (int16) and features (frames, 20) of the same recordings."""

    def __init__(
        self,
        samples: Int16[np.ndarray, " samples"],
        features: Float32[np.ndarray, "frames 20"],
        batch: int = 16,
    ) -> None:
        self._samples, self._features, self._batch = samples, features, batch
        self.model = Predictor()

    def groups(self) -> list[dict[str, Any]]:
        """All weights alike."""
        return [{"params": list(self.model.parameters())}]

    def loss(self, random: np.random.Generator, _number: int) -> Batch:
        """How far the guesses of lost frames are off: cepstra, pitch where voiced, correlation."""
        starts = random.integers(0, len(self._features) - _FRAMES, self._batch)
        features = np.stack([self._features[at : at + _FRAMES] for at in starts])
        samples = np.stack([self._samples[at * HOP : (at + _FRAMES) * HOP] for at in starts])
        envelopes = cepstra(samples.reshape(-1, HOP).astype(np.float32) / 32768)
        lost, told = _bursts(random, self._batch)
        heard = np.concatenate(
            (
                envelopes.reshape(self._batch, _FRAMES, CEPSTRA) * ~lost[..., None],
                features * (~lost | told)[..., None],
                np.where(lost, -1.0 * told, 1.0)[..., None],
            ),
            axis=2,
        )
        x, true = torch.from_numpy(heard.astype(np.float32)), torch.from_numpy(features)
        guess, _ = self.model(x, self.model.initial_state(self._batch))
        off = guess - true
        voiced = torch.relu(true[..., 19] + 0.5).square()
        error = (
            off[..., :18].abs().sum(-1) + 0.2 * off[..., :18].square().sum(-1).clamp(max=50)
            + 10 * off[..., 18].abs() * voiced + 3 * off[..., 19].abs()
        )  # fmt: skip
        guessed = torch.from_numpy(lost & ~told)
        loss = error[guessed].mean()
        with torch.no_grad():
            figures = {
                "cepstra": off[..., :18][guessed].abs().mean().item(),
                "pitch": (off[..., 18].abs() * voiced)[guessed].mean().item(),
            }
        return Batch(loss / 10, figures)


def _bursts(random: np.random.Generator, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Which frames are lost, and which of those are told of; two states, geometric stays."""
    lost, told = np.zeros((2, batch, _FRAMES), bool)
    for stream in range(batch):
        at = 10 + int(random.geometric(1 / _MEAN_HEARD))
        while at < _FRAMES:
            end = at + 1 + int(random.geometric(1 / _MEAN_LOST))
            lost[stream, at:end] = True
            told[stream, at:end] = random.random() < _TOLD_SHARE
            at = end + int(random.geometric(1 / _MEAN_HEARD))
    return lost, told
