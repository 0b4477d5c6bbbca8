"""Speaker verification by its trials: how often a score accepts the wrong or misses the right.

The equal error rate is that of the receiver operating characteristic's convex hull, which does not depend on
ties or on how points are joined; detection cost as NIST's evaluations of speaker recognition have it, relative
to always deciding the same; Cllr is Brümmer and du Preez, "Application-independent evaluation of speaker
detection", 2006. Trials may weigh more than others: a bootstrap draws them so.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

Scores = Float64[np.ndarray, " trials"]
Labels = Bool[np.ndarray, " trials"]
Points = Float64[np.ndarray, " points"]


@dataclass(frozen=True, slots=True)
class Curve:
    """What can be had: shares of missed targets and of false accepts, from accepting all to accepting none.

    Scores of at least `thresholds` are accepted; the first is −∞, the last ∞.
    """

    thresholds: Points
    miss: Points
    false_accept: Points


def curve(scores: Scores, target: Labels, weights: Scores | None = None) -> Curve:
    """Of trials; `target` where both recordings are of one speaker.

    Raises ValueError where a score is not finite, or there are no targets or nothing but targets.
    """
    if not np.isfinite(scores).all():
        raise ValueError("a score is not a finite number")
    order = np.argsort(scores, kind="stable")
    return sorted_curve(scores[order], target[order], None if weights is None else weights[order])


def sorted_curve(scores: Scores, target: Labels, weights: Scores | None = None) -> Curve:
    """The same of scores that rise; sorting once is enough for many weights."""
    weighed = np.ones(len(scores)) if weights is None else weights
    hits, others = np.where(target, weighed, 0.0), np.where(target, 0.0, weighed)
    if not hits.sum() > 0 or not others.sum() > 0:
        raise ValueError("there must be trials of one speaker and trials of two")
    last = np.append(scores[1:] > scores[:-1], True)
    missed = np.cumsum(hits)[last] / hits.sum()
    accepted = np.cumsum(others[::-1])[::-1] / others.sum()
    thresholds = np.concatenate(([-np.inf], scores[last][1:], [np.inf]))
    return Curve(thresholds, np.append(0.0, missed), np.append(accepted[_first(last)], 0.0))


def _first(last: Bool[np.ndarray, " trials"]) -> Bool[np.ndarray, " trials"]:
    """Where a new score begins, from where each ends."""
    return np.concatenate(([True], last[:-1]))


def equal_error_rate(curve: Curve) -> float:
    """Where the convex hull of (false accepts, misses) crosses their diagonal.

    Between two of the hull's corners on either side of it the crossing is only ever too high; a point further
    below their line takes the place of one of them, until there is none.
    """
    left, right = 0, len(curve.miss) - 1
    while True:
        slope_miss = curve.false_accept[left] - curve.false_accept[right]
        slope_accept = curve.miss[right] - curve.miss[left]
        cost = slope_miss * curve.miss + slope_accept * curve.false_accept
        best = int(cost.argmin())
        if cost[best] >= cost[left] - 1e-12:
            return float(cost[left] / (slope_miss + slope_accept))
        if curve.miss[best] <= curve.false_accept[best]:
            left = best
        else:
            right = best


def detection_cost(
    curve: Curve, p_target: float = 0.01, c_miss: float = 1.0, c_false_accept: float = 1.0
) -> tuple[float, float]:
    """The least cost at any threshold, and that threshold; 1 is the cost of not listening."""
    miss, accept = c_miss * p_target, c_false_accept * (1 - p_target)
    cost = (miss * curve.miss + accept * curve.false_accept) / min(miss, accept)
    best = int(cost.argmin())
    return float(cost[best]), float(curve.thresholds[best])


def equal_error_threshold(curve: Curve) -> float:
    """Where misses first are no fewer than false accepts."""
    return float(curve.thresholds[int((curve.miss >= curve.false_accept).argmax())])


def cllr(scores: Scores, target: Labels) -> float:
    """Cost of scores as natural logarithms of likelihood ratios, in bits; 1 is the cost of always saying 0."""
    missed = np.logaddexp(0, -scores[target]).mean()
    accepted = np.logaddexp(0, scores[~target]).mean()
    return float((missed + accepted) / 2 / np.log(2))


def min_cllr(curve: Curve) -> float:
    """Cllr of the best that a rising function of the scores can be: the likelihood ratios of the hull's edges."""
    corners = _hull(curve)
    targets = np.diff(curve.miss[corners])
    others = -np.diff(curve.false_accept[corners])
    with np.errstate(divide="ignore"):
        missed = np.where(targets > 0, np.log1p(others / np.where(targets > 0, targets, 1)), 0)
        accepted = np.where(others > 0, np.log1p(targets / np.where(others > 0, others, 1)), 0)
    return float((targets @ missed + others @ accepted) / 2 / np.log(2))


def det(curve: Curve, points: int = 200) -> tuple[Points, Points]:
    """False accepts and misses for a drawing, at most so many of the hull's corners and what lies between."""
    which = np.unique(np.linspace(0, len(curve.miss) - 1, points).round().astype(int))
    return curve.false_accept[which], curve.miss[which]


def rates_at(
    scores: Scores, target: Labels, threshold: float, weights: Scores | None = None
) -> tuple[float, float]:
    """Shares of false accepts and of misses at one threshold; NaN of what there are no trials for."""
    weighed = np.ones(len(scores)) if weights is None else weights
    accepted = scores >= threshold
    with np.errstate(divide="ignore", invalid="ignore"):
        false_accept = (weighed * (accepted & ~target)).sum() / (weighed * ~target).sum()
        miss = (weighed * (~accepted & target)).sum() / (weighed * target).sum()
    return float(false_accept), float(miss)


def _hull(curve: Curve) -> list[int]:
    """Corners of the lower convex hull, false accepts falling (Andrew's monotone chain)."""
    corners: list[int] = []
    for each in range(len(curve.miss)):
        while len(corners) > 1 and not _below(curve, corners[-2], corners[-1], each):
            corners.pop()
        corners.append(each)
    return corners


def _below(curve: Curve, first: int, middle: int, last: int) -> bool:
    """Whether the middle one lies under the line of the other two."""
    across = curve.false_accept[first] - curve.false_accept[middle]
    up = curve.miss[middle] - curve.miss[first]
    far = curve.false_accept[first] - curve.false_accept[last]
    high = curve.miss[last] - curve.miss[first]
    return bool(up * far < high * across)
