"""What the encoder's steps have left behind, as far back as a payload may reach."""

import numpy as np
from jaxtyping import Float32

from allears.wire.dred import LATENT_SIZE, MAX_LATENTS, STATE_SIZE

_QUIET = 1020
"""Steps of silence that a payload can leave out at most: 20.4 s."""

_KEPT = 2 * MAX_LATENTS + _QUIET


class History:
    """The latents and states of the last steps of 20 ms, in arrays that are moved once a while."""

    def __init__(self) -> None:
        self._latents = np.zeros((2 * _KEPT, LATENT_SIZE), np.float32)
        self._states = np.zeros((2 * _KEPT, STATE_SIZE), np.float32)
        self._end = 0
        self.quiet = 0
        """How many of the newest steps hold nothing to say."""

    def add(
        self, latents: Float32[np.ndarray, " 25"], states: Float32[np.ndarray, " 50"], active: bool
    ) -> None:
        """One step more."""
        if self._end == 2 * _KEPT:
            for kept in (self._latents, self._states):
                kept[:_KEPT] = kept[_KEPT:]
            self._end = _KEPT
        self._latents[self._end], self._states[self._end] = latents, states
        self._end += 1
        self.quiet = 0 if active else self.quiet + 1

    def told(
        self, quiet: int, count: int
    ) -> tuple[Float32[np.ndarray, "latents 25"], Float32[np.ndarray, "1 50"]]:
        """Every second step's latents before the last `quiet` ones, newest first, `count` at most.

        With them the state to begin from.
        """
        newest = min(self._end, _KEPT) - quiet
        if newest <= 0 or count <= 0:
            return self._latents[:0], self._states[:0]
        last = self._end - quiet - 1
        oldest = self._end - quiet - newest
        return self._latents[oldest : last + 1][::-2][:count], self._states[last : last + 1]
