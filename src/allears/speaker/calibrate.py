"""Scores as likelihood ratios: a line through them, by weighted logistic regression.

Brümmer and du Preez, "Application-independent evaluation of speaker detection", Computer Speech and Language 2006:
trials of one speaker weigh as the prior says, however many there are of either kind.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

from allears.speaker.refusal import SpeakerError

_ROUNDS, _ENOUGH = 100, 1e-10
_DAMPING = 1e-4
"""A little weight on a slope of 0: without it scores that never err would be worth infinitely much."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """`slope` · score + `offset` is the natural logarithm of the likelihood ratio of one speaker to two."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, scores: Float[np.ndarray, " trials"]) -> Float64[np.ndarray, " trials"]:
        """Of scores."""
        found: np.ndarray = self.slope * np.asarray(scores, np.float64) + self.offset
        return found


def fit(
    scores: Float[np.ndarray, " trials"],
    target: Bool[np.ndarray, " trials"],
    *,
    prior: float = 0.5,
    weights: Float[np.ndarray, " trials"] | None = None,
) -> Calibration:
    """The best line at this prior of one speaker; trials count as `weights` say, within their kind.

    Raises SpeakerError for scores that are no numbers, trials of one kind only, and priors outside 0 to 1.
    """
    weighed = np.ones(len(scores)) if weights is None else np.asarray(weights, np.float64)
    x = np.asarray(scores, np.float64)
    _check(x, target, prior, weighed)
    centre, spread = x.mean(), max(float(x.std()), 1e-12)
    share = np.where(target, prior, 1 - prior) * weighed
    share /= np.where(target, weighed[target].sum(), weighed[~target].sum())
    features = np.stack(((x - centre) / spread, np.ones(len(x))), 1)
    slope, offset = _regressed(features, target, share, np.log(prior / (1 - prior)))
    return Calibration(float(slope / spread), float(offset - slope * centre / spread))


def _regressed(
    features: Float64[np.ndarray, "trials 2"],
    target: Bool[np.ndarray, " trials"],
    share: Float64[np.ndarray, " trials"],
    odds: float,
) -> Float64[np.ndarray, " 2"]:
    """Newton's steps, halved while they lead up."""
    damping = np.diag([_DAMPING, 0.0])

    def cost(line: Float64[np.ndarray, " 2"]) -> float:
        sign = np.where(target, -1.0, 1.0)
        losses = share * np.logaddexp(0, sign * (features @ line + odds))
        return float(losses.sum() + line @ damping @ line / 2)

    line = np.zeros(2)
    for _ in range(_ROUNDS):
        likely = 1 / (1 + np.exp(-np.clip(features @ line + odds, -500, 500)))
        gradient = features.T @ (share * (likely - target)) + damping @ line
        curvature = (features * (share * likely * (1 - likely))[:, None]).T @ features + damping
        step = np.linalg.solve(curvature + 1e-12 * np.eye(2), gradient)
        while cost(line - step) > cost(line) and np.abs(step).max() > _ENOUGH:
            step = step / 2
        line = line - step
        if np.abs(step).max() < _ENOUGH:
            break
    return line


def _check(
    scores: Float64[np.ndarray, " trials"],
    target: Bool[np.ndarray, " trials"],
    prior: float,
    weights: Float64[np.ndarray, " trials"],
) -> None:
    if not np.isfinite(scores).all():
        raise SpeakerError("a score is no number; leave such trials out")
    if not 0 < prior < 1:
        raise SpeakerError(f"a prior of {prior}: give more than 0 and less than 1")
    if scores.shape != target.shape or weights.shape != target.shape:
        raise SpeakerError("scores, labels and weights are not as many; give one of each a trial")
    if not ((weights >= 0).all() and weights[target].sum() > 0 and weights[~target].sum() > 0):
        raise SpeakerError("trials of one speaker and of two are needed, with weights from 0 up")
