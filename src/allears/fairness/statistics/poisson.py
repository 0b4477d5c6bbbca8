"""Rate ratios of groups from a mixed Poisson model: how much worse, people being different anyway.

By `mixed`: a coefficient for each group's logarithm, one spread for all speakers, a speaker's rows in several
groups belonging together.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy import sparse

from allears.fairness.statistics import mixed
from allears.fairness.statistics.intervals import around
from allears.fairness.sums import ERRORS, WORDS, Groups
from allears.score.bootstrap import Estimate

HALF = 0.5


@dataclass(frozen=True, slots=True)
class Effects:
    """Each group's rate through that of the rest, and the spread σ of the logarithms of speakers' rates.

    The rest is all other groups, by their words. NaN for groups without words.
    """

    ratios: tuple[Estimate, ...]
    spread: float


def effects(groups: Groups, nodes: int = mixed.NODES) -> Effects:
    """Of all groups in one fit; intervals by the curvature, with Student's t of the group's speakers − 1."""
    there = np.flatnonzero(groups.totals()[:, WORDS] > 0)
    nothing = Estimate(np.nan, np.nan, np.nan)
    found = [nothing] * len(groups.names)
    if len(there) < 2 or not groups.totals()[:, ERRORS].any():
        return Effects(tuple(found), float("nan"))
    some = groups.only(there.tolist())
    fit = mixed.fit(data(some), first_guess(some), nodes)
    totals, speakers = some.totals(), some.speakers()
    for number, each in enumerate(there):
        value, variance = against_rest(fit, number, totals[:, WORDS].astype(float))
        certain = totals[number, ERRORS] > 0 and speakers[number] > 1
        found[each] = around(
            float(np.exp(value)), variance if certain else np.nan, float(speakers[number] - 1)
        )
    return Effects(tuple(found), fit.spread)


def data(groups: Groups) -> mixed.Data:
    """A column of the design for each group; rows without words are left out, as are speakers without rows."""
    said = groups.counts[:, WORDS] > 0
    group = groups.group[said]
    who, speaker = np.unique(groups.speaker[said], return_inverse=True)
    design = sparse.csr_array(
        (np.ones(len(group)), (np.arange(len(group)), group)), shape=(len(group), len(groups.names))
    )
    errors, words = (groups.counts[said, each].astype(float) for each in (ERRORS, WORDS))
    return mixed.Data(design, words, errors, speaker.astype(np.int64), len(who))


def first_guess(groups: Groups) -> Float64[np.ndarray, " groups"]:
    """Logarithms of the groups' rates as they are."""
    totals = groups.totals()
    found: Float64[np.ndarray, " groups"] = np.log(
        np.maximum(totals[:, ERRORS], HALF) / totals[:, WORDS]
    )
    return found


def against_rest(
    fit: mixed.Fit, group: int, words: Float64[np.ndarray, " groups"]
) -> tuple[float, float]:
    """log of a group's rate through that of the others by their words, and its variance (delta method)."""
    others = words * np.exp(fit.coefficients)
    others[group] = 0.0
    rest = words.sum() - words[group]
    contrast = -others / others.sum()
    contrast[group] = 1.0
    value = fit.coefficients[group] - np.log(others.sum() / rest)
    return float(value), float(contrast @ fit.covariance @ contrast)
