"""Who is in a conversation, who speaks next, and which of their recordings it is."""

from collections.abc import Mapping, Sequence

import numpy as np

Pool = Mapping[str, Sequence[int]]
"""Utterances, as numbers, by speaker."""


class Casting:
    """Draws speakers and utterances of one conversation; nobody says an utterance twice.

    Whoever holds the floor hands it on with the probability `turn_change`, to anyone else alike; but
    the last turns are of those who have not spoken yet.
    """

    def __init__(
        self, pool: Pool, speakers: int, turn_change: float, random: np.random.Generator
    ) -> None:
        names = list(pool)
        cast = [names[each] for each in random.permutation(len(names))[:speakers]]
        self._left = {name: random.permutation(pool[name]).tolist() for name in cast}
        self._silent = cast
        self._turn_change, self._random = turn_change, random

    def next(self, holder: str | None, remaining: int) -> tuple[str, int] | None:
        """Speaker and utterance, where so many turns remain, this one included; None where none is left."""
        speaker = self._speaker(holder, remaining)
        if speaker is None:
            return None
        self._silent = [name for name in self._silent if name != speaker]
        return speaker, int(self._left[speaker].pop())

    def _speaker(self, holder: str | None, remaining: int) -> str | None:
        others = [name for name, left in self._left.items() if left and name != holder]
        stays = holder is not None and bool(self._left[holder])
        hands_on = self._random.random() < self._turn_change
        if remaining <= len(self._silent):
            others = [name for name in self._silent if name != holder]
        elif stays and not (others and hands_on):
            return holder
        return others[int(self._random.integers(len(others)))] if others else None
