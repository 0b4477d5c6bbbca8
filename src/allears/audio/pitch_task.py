"""Training PitchNet to say live what the offline tracker says of whole recordings."""

from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from allears.audio.pitch import TURNS
from allears.audio.pitchnet import BINS, PitchNet
from allears.audio.pitchnet import pitch as read
from allears.train.task import Batch

_SECONDS = 3
_FRAMES = 100 * _SECONDS


class PitchTask:
    """`heard` (frames, 312) and the true pitch and correlation of each frame, `features` (frames, 20).

    Frames count by how periodic they are: where nothing is, no pitch is right or wrong.
    """

    def __init__(self, heard: np.ndarray, features: np.ndarray, batch: int = 16) -> None:
        self._heard, self._features, self._batch = heard, features, batch
        self.model = PitchNet()

    def groups(self) -> list[dict[str, Any]]:
        """All weights alike."""
        return [{"params": list(self.model.parameters())}]

    def loss(self, random: np.random.Generator, _number: int) -> Batch:
        """Cross-entropy with a bell around the true bin."""
        starts = random.integers(0, len(self._heard) - _FRAMES, self._batch)
        heard = np.stack([self._heard[at : at + _FRAMES] for at in starts]).astype(np.float32)
        features = np.stack([self._features[at : at + _FRAMES] for at in starts])
        x, true = torch.from_numpy(heard), torch.from_numpy(features)
        weight = torch.relu(true[..., 19] + 0.5).square() + 0.01
        logits, _ = self.model(
            x[..., :TURNS], x[..., TURNS:], self.model.initial_state(self._batch)
        )
        place = (true[..., 18] + 1.5) * 60
        bell = torch.exp(-0.5 * (torch.arange(BINS) - place[..., None]).square())
        bell = bell / bell.sum(-1, keepdim=True)
        loss = cross_entropy(logits.flatten(0, 1), bell.flatten(0, 1), reduction="none").unflatten(
            0, weight.shape
        )
        loss = (loss * weight).sum() / weight.sum()
        with torch.no_grad():
            voiced = true[..., 19] > 0.2
            close = (read(logits) - true[..., 18]).abs() < 0.07
            right = close[voiced].float().mean().item() if voiced.any() else 1.0
        return Batch(loss, {"right": right})
