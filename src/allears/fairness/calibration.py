"""Cllr with intervals: what scores cost as natural logarithms of likelihood ratios, and at best.

After Brümmer and du Preez, "Application-independent evaluation of speaker detection", 2006; the best of a
rising function of scores is by pooling adjacent violators. Speakers are drawn anew as in `verification`.
"""

import numpy as np
from jaxtyping import Float64
from scipy.optimize import isotonic_regression

from allears.fairness.statistics import bootstrap
from allears.fairness.verification import Draw, Trials, weights
from allears.score.bootstrap import Estimate

Sums = Float64[np.ndarray, " scores"]


def costs(trials: Trials, drawn: list[Draw]) -> tuple[Estimate, Estimate]:
    """Cllr and the least Cllr, in bits; 1 is the cost of always saying 0."""
    scores, which = np.unique(trials.scores, return_inverse=True)
    found = []
    for each in (np.ones(len(trials.speakers)), *drawn):
        times = weights(trials, each)
        hits, others = (
            np.bincount(which, times * kind, len(scores))
            for kind in (trials.target, ~trials.target)
        )
        if hits.any() and others.any():
            hits, others = hits / hits.sum(), others / others.sum()
            found.append((_cllr(scores, hits, others), _least(hits, others)))
        else:
            found.append((np.nan, np.nan))
    values = np.array(found)
    one, least = (bootstrap.percentiles(float(values[0, at]), values[1:, at]) for at in (0, 1))
    return one, least


def _cllr(scores: Sums, hits: Sums, others: Sums) -> float:
    missed, accepted = np.logaddexp(0, -scores), np.logaddexp(0, scores)
    return float((hits @ missed + others @ accepted) / 2 / np.log(2))


def _least(hits: Sums, others: Sums) -> float:
    """Of shares of both kinds by rising score."""
    there = hits + others > 0
    mine, theirs = hits[there], others[there]
    p = isotonic_regression(mine / (mine + theirs), weights=mine + theirs).x
    inside = np.clip(p, 1e-300, 1.0)
    outside = np.clip(1 - p, 1e-300, 1.0)
    missed = np.where(mine > 0, np.log1p(outside / inside), 0)
    accepted = np.where(theirs > 0, np.log1p(inside / outside), 0)
    return float((mine @ missed + theirs @ accepted) / 2 / np.log(2))
