"""What marks cost that come at the wrong time, as penalties on the arcs of a transducer's lattice.

From log P of an arc that emits a mark in frame t, due at time r, is taken early · max(0, r − t) +
late · max(0, t − r − buffer), times in seconds, frames when they end. The paths that training makes likelier are
those on which a model says at once that a turn began or ended, and not before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from allears.parties.targets import EOT, SOT, Script


@dataclass(frozen=True, slots=True)
class Punctuality:
    """Nats a second of what comes early, and of what comes later than `buffer_s` after it was due."""

    early: float = 0.0
    late: float = 0.0
    buffer_s: float = 0.2

    def __post_init__(self) -> None:
        if not (self.early >= 0 and self.late >= 0 and np.isfinite(self.early + self.late)):
            raise ValueError(f"penalties of {self.early} and {self.late} nats a second")

    def of(self, due: float, times: Float[np.ndarray, " frames"]) -> Float[np.ndarray, " frames"]:
        """Nats in frames that end at these times."""
        after = times - due
        found: np.ndarray = self.early * np.maximum(0, -after) + self.late * np.maximum(
            0, after - self.buffer_s
        )
        return found


def penalties(
    scripts: Sequence[Script],
    frames: int,
    symbols: int,
    step: float,
    start: Punctuality,
    end: Punctuality,
) -> Float[Tensor, "rows frames symbols"] | None:
    """Of each row of a batch, whose frames take `step` seconds; None where nothing is taken off.

    `start` is for <sot>, `end` for <eot>.
    """
    rules = {SOT: start, EOT: end}
    if not any(rule.early or rule.late for rule in rules.values()):
        return None
    times = (np.arange(frames) + 1) * step
    found = np.zeros((len(scripts), frames, symbols))
    for row, script in zip(found, scripts, strict=True):
        for each in script.due:
            row[:, each.place] = rules[each.mark].of(each.time, times)
    return torch.from_numpy(found)
