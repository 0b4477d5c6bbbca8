"""Which group a verifier refuses, or lets others in as, more often than it does the other groups.

Trials count whose both speakers are in one group. Speakers are drawn anew as in `verification`; the difference
of a group's rate and the rest's is held against its spread with Student's t of as many speakers as the smaller
side has, less one, and against Fisher's exact test over trials, which knows that no error seen is not none at
all. The less sure of the two counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64
from scipy import stats

from allears.fairness.statistics import bootstrap, multiplicity
from allears.fairness.trial_findings import Against
from allears.fairness.verification import Draw, Trials, weights
from allears.score.bootstrap import Estimate

LEVEL, POWER = 0.05, 0.8

Counts = Float64[np.ndarray, "draws groups"]


@dataclass(frozen=True, slots=True)
class Errors:
    """Of one kind: how many errors of how many trials each group has, as they are (first) and in draws.

    `people` are speakers that have such trials, by group.
    """

    wrong: Counts
    trials: Counts
    people: Int64[np.ndarray, " groups"]

    def against(self, group: int) -> Against:
        """A group and all others, not corrected for anything."""
        others = np.arange(self.wrong.shape[1]) != group
        mine = self.wrong[:, group], self.trials[:, group]
        theirs = self.wrong[:, others].sum(1), self.trials[:, others].sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            one, other = mine[0] / mine[1], theirs[0] / theirs[1]
            difference, ratio = one - other, one / other
        if not np.isfinite(difference[0]):
            return Against()
        spread = float(np.nanstd(difference[1:])) if len(difference) > 2 else np.nan
        fewest = min(self.people[group], self.people[others].sum())
        counts = [[wrong[0], trials[0] - wrong[0]] for wrong, trials in (mine, theirs)]
        return Against(
            _estimate(difference), _estimate(ratio),
            _chance(float(difference[0]), spread, int(fewest), counts), unseen=_shown(spread, int(fewest)),
        )  # fmt: skip


def judged(tables: Sequence[Sequence[Errors]]) -> list[list[list[Against]]]:
    """By grouping, by kind of error, each group; p corrected for all of them.

    Of two groups either says what the other does, and is looked at once.
    """
    found = [
        [[errors.against(each) for each in range(errors.wrong.shape[1])] for errors in kinds]
        for kinds in tables
    ]
    asked = [
        (grouping, kind, at)
        for grouping, kinds in enumerate(found)
        for kind, groups in enumerate(kinds)
        for at in range(1 if len(groups) == 2 else len(groups))
    ]
    p = np.array([found[grouping][kind][at].p for grouping, kind, at in asked], float)
    corrected = multiplicity.adjusted(p, "holm")
    tests = max(1, int(np.isfinite(p).sum()))
    for (grouping, kind, at), value in zip(asked, corrected, strict=True):
        groups = found[grouping][kind]
        for each in range(2) if len(groups) == 2 else (at,):
            groups[each] = replace(
                groups[each], p=float(value), significant=bool(value <= LEVEL),
                unseen=groups[each].unseen * _factor(tests),
            )  # fmt: skip
    return found


def counted(
    trials: Trials, labels: Int64[np.ndarray, " speakers"], groups: int, threshold: float, drawn: list[Draw]
) -> tuple[Errors, Errors]:  # fmt: skip
    """Who is refused and who is let in, of groups by speaker; −1 is of none."""
    first, second = labels[trials.enrolled], labels[trials.spoke]
    own = (first == second) & (first >= 0)
    accepted = trials.scores >= threshold
    group = first[own]
    kinds = (trials.target, ~accepted), (~trials.target, accepted)
    masks = [(kind & wrong)[own] for kind, wrong in kinds] + [kind[own] for kind, _ in kinds]
    sums = np.empty((1 + len(drawn), len(masks), groups))
    for at, each in enumerate((np.ones(len(trials.speakers)), *drawn)):
        times = weights(trials, each)[own]
        sums[at] = [np.bincount(group, times * mask, groups) for mask in masks]
    heard = [np.union1d(trials.enrolled[own & kind], trials.spoke[own & kind]) for kind, _ in kinds]
    refused, let_in = (
        Errors(sums[:, at], sums[:, at + 2], np.bincount(labels[heard[at]], minlength=groups))
        for at in (0, 1)
    )
    return refused, let_in


def _estimate(values: Float64[np.ndarray, " draws"]) -> Estimate:
    if not np.isfinite(values[0]):
        return Estimate(float("nan"), float("nan"), float("nan"))
    return bootstrap.percentiles(float(values[0]), values[1:])


def _chance(difference: float, spread: float, fewest: int, counts: list[list[float]]) -> float:
    """Two-sided p of no difference; NaN where one side is a single speaker."""
    if fewest < 2 or not np.isfinite(spread):
        return float("nan")
    exact = float(stats.fisher_exact(np.array(counts, np.int64)).pvalue)
    if spread == 0:
        return exact if difference else 1.0
    return max(exact, float(2 * stats.t.sf(abs(difference) / spread, fewest - 1)))


def _shown(spread: float, fewest: int) -> float:
    """The difference that one look would find so often; NaN where nothing is known of its spread."""
    if fewest < 2 or not spread > 0:
        return float("nan")
    return float(spread * (stats.t.isf(LEVEL / 2, fewest - 1) + stats.norm.ppf(POWER)))


def _factor(tests: int) -> float:
    """By how much it grows where as many are looked at."""
    once, often = (stats.norm.isf(LEVEL / 2 / each) + stats.norm.ppf(POWER) for each in (1, tests))
    return float(often / once)
