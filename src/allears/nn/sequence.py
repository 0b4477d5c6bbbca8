"""A network over several frames: step by step, or, where streams are few, many frames in one call.

A step of a small network is mostly overhead, and reads all weights. A graph of many frames pays for both once,
but for what recurs; in a large batch there is nothing to be gained.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from allears.nn.network import Network, State

FEW = 4
"""Streams up to which many frames at once are quicker."""


class Frames:
    """`long`, where there is one, is `step` of many frames; they stand end to end in each row of its inputs."""

    def __init__(self, step: Network, long: Network | None = None) -> None:
        self._step, self._long = step, long or step
        self.size = self._long.widths[0] // step.widths[0]
        """Frames that `long` takes."""

    def initial_state(self, batch: int) -> State:
        """Before the first frame."""
        return self._step.initial_state(batch)

    def __call__(
        self, inputs: Sequence[Float32[np.ndarray, "batch frames size"]], state: State
    ) -> tuple[Float32[np.ndarray, "batch frames size"], State]:
        """The one output for each of at least one frame, and the state after the last."""
        batch, frames = inputs[0].shape[:2]
        parts, at = [], 0
        while at < frames:
            several = batch <= FEW and frames - at >= self.size
            size = self.size if several else 1
            given = [each[:, at : at + size].reshape(batch, -1) for each in inputs]
            (found,), state = (self._long if several else self._step)(given, state)
            parts.append(found.reshape(batch, size, -1))
            at += size
        return parts[0] if len(parts) == 1 else np.concatenate(parts, 1), state
