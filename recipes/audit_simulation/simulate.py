"""Many audits: how often something is called significant, and how often intervals hold what they are of."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from allears.fairness.statistics import intervals, poisson
from allears.fairness.sums import Groups
from allears.score.bootstrap import Estimate
from recipes.audit_simulation.audits import Auditor, Found, audited
from recipes.audit_simulation.speakers import EXCESS, RATE, Cohort, cohort

FEW, MANY = 20, 100
"""Speakers of groups that are few, and that are many."""


@dataclass
class Tally:
    """Times something was so, of the times it could have been, by what it is."""

    held: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)

    def add(self, what: str, held: bool) -> None:
        """One more."""
        self.held[what] += int(held)
        self.of[what] += 1

    def covers(self, what: str, found: Estimate, truth: float) -> None:
        """One more interval, where there is one."""
        if found.bounded:
            self.add(what, found.low <= truth <= found.high)

    def share(self, what: str) -> float:
        """NaN where it could never have been."""
        return self.held[what] / self.of[what] if self.of[what] else float("nan")


def nothing_planted(seeds: Iterable[int], people: int, auditor: Auditor = audited) -> Tally:
    """Audits of speakers who are served alike."""
    tally = Tally()
    for seed in seeds:
        found = auditor(cohort(seed, people).sums, seed)
        tally.add("anything significant", any(each.significant for each in found))
        for each in found:
            tally.add(f"{each.by} significant", bool(each.significant))
            tally.covers(
                f"gap, {'regions' if each.by == 'region' else 'named groups'}", each.gap, 0.0
            )
            _rates(tally, each.groups, RATE)
    return tally


def planted(seeds: Iterable[int], people: int, share: float, auditor: Auditor = audited) -> Tally:
    """Audits of speakers of whom a cohort errs more: is it called out, by its accent, by where it lives?"""
    tally = Tally()
    for seed in seeds:
        given = cohort(seed, people, share)
        found = {each.by: each for each in auditor(given.sums, seed)}
        accent, region = "accent 8" in found["accent"].significant, _region(given, found["region"])
        tally.add("by accent", accent)
        tally.add("by region", region)
        tally.add("either", accent or region)
        _effects(tally, found["accent"].groups)
    return tally


def _region(given: Cohort, found: Found) -> bool:
    """Whether half of those in some significant region are of the cohort, and half of the cohort are in it."""
    groups, theirs = found.groups, given.planted[found.who]
    for name in found.significant:
        there = theirs[groups.speaker[groups.group == groups.names.index(name)]]
        if 2 * there.sum() >= max(len(there), theirs.sum()):
            return True
    return False


def _rates(tally: Tally, groups: Groups, truth: float) -> None:
    """Of all groups, by how many speakers they have."""
    for number, (found, speakers) in enumerate(
        zip(intervals.rates(groups), groups.speakers(), strict=True)
    ):
        size = "few" if speakers < FEW else "many" if speakers >= MANY else "some"
        if speakers >= 10 and groups.names[number]:
            tally.covers(f"rate, {size} speakers", found, truth)


def _effects(tally: Tally, groups: Groups) -> None:
    """The cohort's rate and its ratio to the rest, of whom nobody else differs."""
    if "accent 8" not in groups.names:
        return
    number = groups.names.index("accent 8")
    tally.covers("rate of the cohort", intervals.rates(groups)[number], RATE * EXCESS)
    tally.covers("ratio, robust", intervals.against_rest(groups)[number], EXCESS)
    tally.covers("ratio, mixed Poisson", poisson.effects(groups).ratios[number], EXCESS)


def paired(seeds: Iterable[int], people: int) -> Tally:
    """A second system that errs a tenth less, and in its own way a tenth by speaker: the difference's interval."""
    tally = Tally()
    for seed in seeds:
        first = cohort(seed, people).sums.by(("accent",))
        random = np.random.default_rng([seed, 1])
        own = 0.9 * np.exp(random.normal(0, 0.1, len(first.counts)) - 0.005)
        counts = first.counts.copy()
        counts[:, 0] = random.binomial(counts[:, 0], np.minimum(1.0, own))
        second = Groups(first.names, first.people, first.speaker, first.group, counts)
        truth = RATE * float(
            np.minimum(1.0, 0.9 * np.exp(random.normal(0, 0.1, 100_000) - 0.005)).mean() - 1
        )
        for found, speakers in zip(
            intervals.differences(first, second), first.speakers(), strict=True
        ):
            if speakers >= 10:
                tally.covers("difference of two systems", found, truth)
    return tally
