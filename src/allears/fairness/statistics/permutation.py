"""Is there any group that differs? Speakers' labels are dealt anew among speakers, and all is done again.

With (1 + number of deals at least as uneven) / (1 + deals), a p-value that holds for any number of speakers
(Phipson and Smyth, "Permutation p-values should never be zero", 2010), if speakers are alike but for their
group.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64, Int64

from allears.fairness.statistics import multiplicity
from allears.fairness.statistics.intervals import p_values
from allears.fairness.sums import ERRORS, WORDS, Groups

ROUNDS, SEED = 999, 0
WHOLE = 0.9
"""Part of the speakers who have to be of one group only, for labels to be dealt."""

Largest = Callable[[Int64[np.ndarray, " people"]], float]


def any_p(largest: Largest, people: int, rounds: int = ROUNDS, seed: int = SEED) -> float:
    """For what was searched for: `largest(order)` searches again, and says how large the largest difference is.

    There the speaker i has the place, the voice or the labels of the speaker `order[i]`, and said what i said.
    """
    seen = largest(np.arange(people))
    if not np.isfinite(seen):
        return float("nan")
    random = np.random.default_rng(seed)
    dealt = [largest(random.permutation(people)) for _ in range(rounds)]
    return (1 + sum(each >= seen for each in dealt)) / (1 + rounds)


def any_of(groups: Groups, rounds: int = ROUNDS, seed: int = SEED) -> float:
    """For groups named beforehand; NaN where there are not two.

    The largest of the groups' |Σ d| / √(k (1 − k / n)), k of n speakers in the group, d what speakers erred beyond
    what all did, weighted as in a mixed Poisson model. Where more than a tenth of the speakers are in several
    groups a deal would break what belongs together, and the smallest p after Holm says it instead.
    """
    if (groups.speakers() > 0).sum() < 2:
        return float("nan")
    if not dealable(groups):
        return multiplicity.any_of(p_values(groups))
    there = np.bincount(groups.speaker, minlength=groups.people) > 0
    group = _main_group(groups)[there]
    off = excess(groups)[there]
    sizes = np.bincount(group, minlength=len(groups.names))

    def largest(order: Int64[np.ndarray, " people"]) -> float:
        return float(scaled(off, group[order], sizes).max())

    return any_p(largest, len(group), rounds, seed)


def dealable(groups: Groups) -> bool:
    """Whether nearly all speakers are of one group only."""
    rows = np.bincount(groups.speaker, minlength=groups.people)
    return bool((rows[rows > 0] > 1).mean() <= 1 - WHOLE)


def scaled(
    off: Float64[np.ndarray, " people"],
    group: Int64[np.ndarray, " people"],
    sizes: Int64[np.ndarray, " groups"],
) -> Float64[np.ndarray, " groups"]:
    """Each group's |Σ off| in its own standard deviations under dealing, but for a factor that all share."""
    spread = sizes * (1 - sizes / len(off))
    sums = np.abs(np.bincount(group, off, len(sizes)))
    found: Float64[np.ndarray, " groups"] = sums / np.sqrt(np.where(spread > 0, spread, np.inf))
    return found


def excess(groups: Groups) -> Float64[np.ndarray, " people"]:
    """What each speaker erred beyond what all did: (errors − rate · words) / (1 + differ · rate · words).

    `differ` is the squared coefficient of variation of speakers' rates, by moments over all, groups or not.
    Adds up to 0; 0 for those who are in no group.
    """
    errors, words = (
        np.bincount(groups.speaker, groups.counts[:, each], groups.people)
        for each in (ERRORS, WORDS)
    )
    expected = words * errors.sum() / max(1.0, words.sum())
    beyond = ((errors - expected) ** 2).sum() - errors.sum()
    differ = max(0.0, beyond / max(1.0, (expected**2).sum()))
    weights = 1 / (1 + differ * expected)
    rate = (weights * errors).sum() / max(1.0, (weights * words).sum())
    found: Float64[np.ndarray, " people"] = weights * (errors - rate * words)
    return found


def _main_group(groups: Groups) -> Int64[np.ndarray, " people"]:
    """Where most of a speaker's words are; 0 for those who are in none."""
    found = np.zeros(groups.people, np.int64)
    order = np.lexsort((-groups.group, groups.counts[:, WORDS]))
    found[groups.speaker[order]] = groups.group[order]  # of several rows the last one stays
    return found
