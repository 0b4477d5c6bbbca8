"""One audit of simulated speakers: groupings named beforehand and a map, each with what it calls significant."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Int64

from allears.fairness.cohorts.tree import GeographicTree
from allears.fairness.statistics import halves, intervals, multiplicity, permutation
from allears.fairness.sums import Groups, Sums
from allears.score.bootstrap import Estimate

ROUNDS = 199


@dataclass(frozen=True, slots=True)
class Found:
    """One grouping: its counts, of `who`, which groups stand out, and its gap; worst and best chosen elsewhere."""

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
    """Accent, age and their combinations on all speakers, regions on the half that had no part in finding them.

    Worst and best are chosen on the other half throughout, so that gaps are as held out as regions.
    """
    half = halves.split(len(sums.speakers), seed)
    trees = [_regions(sums, among, measured) for among, measured in ((~half, half), (half, ~half))]
    named = [sums.by(by) for by in (("accent",), ("age",), ("accent", "age"))]
    any_ps = [permutation.any_of(each, ROUNDS, seed) for each in named]
    any_ps.append(
        halves.any_p(*(multiplicity.any_of(intervals.p_values(each)) for each, _ in trees))
    )
    shown = [*named, trees[0][0]]
    ps = [intervals.p_values(each) for each in shown]
    everybody = np.arange(len(half))
    whose = [everybody, everybody, everybody, everybody[half]]
    corrected = multiplicity.throughout(any_ps, ps, ["holm", "holm", "holm", "bh"])
    stand = [p <= intervals.LEVEL for p in corrected]
    gaps = [intervals.gap(each.of(half), *halves.extremes(each.of(~half))) for each in named]
    gaps.append(intervals.gap(shown[-1], *trees[0][1]))
    return [
        Found(by, groups, who, tuple(np.array(groups.names)[which].tolist()), gap)
        for by, groups, who, which, gap in zip(
            ("accent", "age", "accent*age", "region"), shown, whose, stand, gaps, strict=True
        )
    ]


def _regions(sums: Sums, among: np.ndarray, measured: np.ndarray) -> tuple[Groups, tuple[int, int]]:
    """Counts of the regions that `among` have, of the `measured`; and which were worst and best when found."""
    tree = GeographicTree(max_regions=12, min_speakers=15).fit(sums, among)
    groups = tree.groups(sums)
    return groups.of(measured), halves.extremes(groups.of(among))
