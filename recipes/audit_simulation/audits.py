"""One audit of simulated speakers, as the product does it: accents and ages named beforehand, the rest found."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Int64

from allears.fairness import judging, questions
from allears.fairness.judging import Settings
from allears.fairness.statistics import halves
from allears.fairness.sums import Groups, Sums
from allears.score.bootstrap import Estimate

ROUNDS = 199
NAMED = ("accent", "age", "accent*age")


@dataclass(frozen=True, slots=True)
class Found:
    """One grouping: its counts, of `who`, which groups stand out, and its gap."""

    by: str
    groups: Groups
    who: Int64[np.ndarray, " people"]
    significant: tuple[str, ...]
    gap: Estimate


class Auditor(Protocol):
    """Whatever audits: sums in, groupings out."""

    def __call__(self, sums: Sums, seed: int) -> list[Found]:
        """The same for the same seed."""
        ...


def audited(sums: Sums, seed: int) -> list[Found]:
    """Named groups of all speakers; regions and combinations of those who had no part in finding them."""
    half = halves.split(len(sums.speakers), seed)
    asked = [each.question for each in questions.asked(sums, NAMED, None, None, seed)]
    found = judging.judged(asked, Settings(rounds=ROUNDS, seed=seed))
    everybody = np.arange(len(half))
    return [
        Found(
            "region" if grouping.kind == "place" else grouping.by,
            question.groups,
            everybody[half] if grouping.held_out else everybody,
            tuple(each.name for each in grouping.groups if each.significant),
            grouping.gap,
        )
        for question, grouping in zip(asked, found, strict=True)
    ]
