"""Batches of utterances of like length, as a pure function of the seed and the step.

A resumed training asks for the step it had reached and goes on as if it had never stopped.
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int64

from allears.corpus.recordings import CorpusError

WINDOW = 24
"""Batches' worth of utterances that are sorted together: more would pad less, and mix less."""

_ROUNDING = 1e-9


class Batches:
    """Epochs of batches; one epoch at a time is worked out, when it is asked for.

    An epoch is a permutation, sorted by length within windows, packed into batches and shuffled once
    more. How many batches it takes differs by a few from one to the next.

    Args:
        durations: seconds of each utterance, above 0.
        seconds: padded audio in a batch at most: the longest utterance times how many there are. One
            that is longer makes a batch alone.
        seed: of everything random.
        shares: how often each is drawn, relative to the others; None draws each once an epoch. Then an
            epoch has as many draws as there are utterances, each a whole number of times next to
            its due.
        longest: seconds; longer utterances are left out.

    Raises ValueError for arguments outside their range, CorpusError where no utterance is left.
    """

    def __init__(
        self,
        durations: Sequence[float] | Float[np.ndarray, " utterances"],
        seconds: float,
        seed: int,
        shares: Sequence[float] | Float[np.ndarray, " utterances"] | None = None,
        longest: float | None = None,
    ) -> None:
        self._durations = np.asarray(durations, np.float64)
        if not seconds > 0 or not (self._durations > 0).all():
            raise ValueError("durations and the seconds of a batch are above 0")
        weights = np.ones(len(self._durations)) if shares is None else np.array(shares, np.float64)
        if weights.shape != self._durations.shape or not (weights >= 0).all():
            raise ValueError(f"{len(self._durations)} utterances need as many shares, from 0 up")
        if longest is not None:
            weights[self._durations > longest] = 0
        if not weights.any():
            raise CorpusError("no utterance to learn from: all are too long, or there are none")
        self._seconds, self._seed = seconds, seed
        # A draw of an epoch is one of equal parts of the whole weight.
        draws = int(np.count_nonzero(weights))
        self._ends = np.cumsum(weights) * (draws / weights.sum())
        self._draws = draws
        self._equal = bool((weights[weights > 0] == weights.max()).all())
        self._kept = np.flatnonzero(weights)
        self._window = max(2, round(WINDOW * seconds / self._durations[self._kept].mean()))
        self._begins = [0]
        self._cached: tuple[int, list[list[int]]] = (-1, [])

    def at(self, step: int) -> list[int]:
        """The utterances of a step, from 0."""
        epoch, number = self.place(step)
        return self._epoch(epoch)[number]

    def place(self, step: int) -> tuple[int, int]:
        """The epoch of a step, and which of its batches it is."""
        if step < 0:
            raise ValueError(f"steps count from 0, not {step}")
        while self._begins[-1] <= step:
            self._epoch(len(self._begins) - 1)
        epoch = bisect_right(self._begins, step) - 1
        return epoch, step - self._begins[epoch]

    @property
    def per_epoch(self) -> int:
        """Batches of the first epoch."""
        self.place(0)
        return self._begins[1]

    def _epoch(self, epoch: int) -> list[list[int]]:
        if self._cached[0] != epoch:
            random = np.random.default_rng((self._seed, epoch))
            batches = self._packed(self._sorted(random.permutation(self._drawn(random))))
            order = random.permutation(len(batches))
            self._cached = epoch, [batches[each] for each in order]
            if epoch == len(self._begins) - 1:
                self._begins.append(self._begins[-1] + len(batches))
        return self._cached[1]

    def _drawn(self, random: np.random.Generator) -> Int64[np.ndarray, " draws"]:
        """The utterances of an epoch: drawn at even distances along the weights (systematic sampling)."""
        if self._equal:
            return self._kept
        drawn = np.searchsorted(self._ends, np.arange(self._draws) + random.random(), "right")
        inside: np.ndarray = np.minimum(drawn, self._kept[-1])
        return inside

    def _sorted(self, order: Int64[np.ndarray, " draws"]) -> Int64[np.ndarray, " draws"]:
        """By length within windows, up and down in turn, so that lengths are alike across their borders."""
        place = np.arange(len(order)) // self._window
        lengths = self._durations[order] * np.where(place % 2, -1, 1)
        return order[np.lexsort((lengths, place))]

    def _packed(self, order: Int64[np.ndarray, " draws"]) -> list[list[int]]:
        batches: list[list[int]] = []
        batch: list[int] = []
        longest = 0.0
        for index, duration in zip(order.tolist(), self._durations[order].tolist(), strict=True):
            longest = max(longest, duration)
            if batch and longest * (len(batch) + 1) > self._seconds + _ROUNDING:
                batches.append(batch)
                batch, longest = [], duration
            batch.append(index)
        return [*batches, batch]
