"""Regions between which the base's errors differ most, and which of them are adapted to.

They are found by speakers whom the base has not heard, those to be adapted to and those to be decided by; test
speakers have no part in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allears.fairness.cohorts.tree import GeographicTree
from allears.fairness.cohorts.voices import hardest
from allears.mitigation.choosing import Candidate, Count
from recipes.ewc.population import TOWNS, Home, sums
from recipes.recognition.judge import Heard

HALF, LEAST = 0.5, 2
"""The worst regions have this part of the speakers at most, and so many to adapt to at least."""


@dataclass(frozen=True, slots=True)
class Regions:
    """Names, worst first, each speaker's number, and how many from the first on are adapted to."""

    names: tuple[str, ...]
    of: dict[str, int]
    worst: int

    def members(self, speakers: Sequence[str]) -> tuple[str, ...]:
        """Those of these speakers who live in the worst regions."""
        return tuple(each for each in speakers if self.of[each] < self.worst)


def found(heard: Sequence[Heard], home: Home, adaptation: Sequence[str]) -> Regions:
    """By the audit's tree, small regions allowed: there are few speakers."""
    tree = GeographicTree(TOWNS, min_speakers=3, min_words=100, min_utterances=10)
    tree.fit(sums(heard, home))
    speakers = sorted(home.places)
    numbers = tree.predict(np.array([home.places[each] for each in speakers])).tolist()
    of = dict(zip(speakers, numbers, strict=True))
    worst = hardest(tree.labels_, HALF)
    while worst < len(tree.names_) and sum(of[each] < worst for each in adaptation) < LEAST:
        worst += 1
    return Regions(tree.names_, of, worst)


def candidate(heard: Sequence[Heard], regions: Regions, strength: float) -> Candidate:
    """A model as it is chosen by: its errors overall and by region."""
    counts = {name: Count(0, 0) for name in regions.names}
    for each in heard:
        name = regions.names[regions.of[each.speaker]]
        counts[name] = _more(counts[name], each)
    overall = Count(sum(each.errors for each in heard), sum(each.words for each in heard))
    return Candidate(strength, overall, counts)


def _more(count: Count, each: Heard) -> Count:
    return Count(count.errors + each.errors, count.words + each.words)
