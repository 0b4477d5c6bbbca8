"""Speaker verification, fairly: how often whom it is for is refused, and whom it is not for let in, by group.

One threshold for all, as in use: an equal error rate of each group's own hides that a group is let in too easily.
Subgroups are of trials whose both speakers are in the group; across two groups are the impostors of one as the
other.

Intervals draw speakers anew, with all their recordings. A trial of one speaker counts as often as they were
drawn, one of two as often as the first times as often as the second (Owen, "The pigeonhole bootstrap", 2007):
both speakers' share in what trials have in common is seen. They are percentiles, and too narrow for fewer than
some 20 speakers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from allears.fairness.refusal import AuditError
from allears.fairness.statistics import bootstrap
from allears.score import trials as scoring
from allears.score.bootstrap import Estimate

Draw = Float64[np.ndarray, " people"]
NOTHING = Estimate(np.nan, np.nan, np.nan)


@dataclass(frozen=True, slots=True)
class Trials:
    """A score for each trial, whether it is of one speaker, and who was enrolled and who spoke.

    `enrolled` and `spoke` point into `speakers`; `labels` are by attribute, then by speaker, None where unknown.
    """

    scores: Float64[np.ndarray, " trials"]
    target: Bool[np.ndarray, " trials"]
    enrolled: Int64[np.ndarray, " trials"]
    spoke: Int64[np.ndarray, " trials"]
    speakers: tuple[str, ...]
    labels: Mapping[str, tuple[str | None, ...]]


@dataclass(frozen=True, slots=True)
class Part:
    """Figures of one group, or of impostors across two. NaN where there are no trials of a kind.

    `eer` is at the group's own threshold; `false_match` and `false_non_match` are at the one of all.
    """

    name: str
    targets: int
    impostors: int
    speakers: int
    eer: Estimate
    false_match: Estimate
    false_non_match: Estimate


@dataclass(frozen=True, slots=True)
class Verification:
    """All trials: error rates, detection cost, Cllr of scores as they are and at best, and the groups' parts."""

    eer: Estimate
    cost: Estimate
    cllr: float
    least_cllr: float
    threshold: float
    parts: Mapping[str, tuple[Part, ...]]


def verify(
    trials: Trials,
    by: tuple[str, ...] = (),
    *,
    threshold: float | None = None,
    p_target: float = 0.01,
    draws: int = bootstrap.DRAWS,
    seed: int = bootstrap.SEED,
) -> Verification:
    """Figures of all trials and by attributes, at `threshold`, or where errors of both kinds are equal over all.

    Raises AuditError for scores that are no numbers, trials of one kind only, and attributes that nobody has.
    """
    check(trials)
    drawn = [bootstrap.drawn(len(trials.speakers), seed, each) for each in range(draws)]
    curve = scoring.curve(trials.scores, trials.target)
    at = scoring.equal_error_threshold(curve) if threshold is None else threshold

    def cost(curve: scoring.Curve) -> float:
        return scoring.detection_cost(curve, p_target)[0]

    return Verification(
        _of_curve(trials, scoring.equal_error_rate, drawn),
        _of_curve(trials, cost, drawn),
        scoring.cllr(trials.scores, trials.target),
        scoring.min_cllr(curve),
        at,
        {each: parts(trials, each, at, drawn) for each in by},
    )


def check(trials: Trials) -> None:
    """Raises AuditError where trials cannot be scored, naming rows from 1."""
    wrong = np.flatnonzero(~np.isfinite(trials.scores))
    if len(wrong):
        raise AuditError(
            f"trial {wrong[0] + 1}: the score is no number, nor are {len(wrong) - 1} more; leave them out"
        )
    for there, missing in ((trials.target, "of one speaker"), (~trials.target, "of two speakers")):
        if not there.any():
            raise AuditError(
                f"there are no trials {missing}: error rates need trials of both kinds"
            )
    odd = np.flatnonzero(trials.target != (trials.enrolled == trials.spoke))
    if len(odd):
        raise AuditError(
            f"trial {odd[0] + 1}: the label says {'one speaker' if trials.target[odd[0]] else 'two speakers'}, "
            f"the names say otherwise, as in {len(odd) - 1} more; correct the label or the names"
        )


def parts(trials: Trials, by: str, threshold: float, drawn: list[Draw]) -> tuple[Part, ...]:
    """Of each group, then across each two of them."""
    if by not in trials.labels:
        raise AuditError(
            f"no attribute {by!r} of speakers; there are: {', '.join(trials.labels) or 'none'}"
        )
    labels = np.array([each or "" for each in trials.labels[by]])
    names = sorted({str(each) for each in labels if each})
    if not names:
        raise AuditError(f"nobody's {by} is known: the column is empty")
    first, second = labels[trials.enrolled], labels[trials.spoke]
    found = [
        _part(_some(trials, (first == each) & (second == each)), each, threshold, drawn)
        for each in names
    ]
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            across = ((first == one) & (second == other)) | ((first == other) & (second == one))
            if across.any():
                found.append(_part(_some(trials, across), f"{one} – {other}", threshold, drawn))
    return tuple(found)


def _part(trials: Trials, name: str, threshold: float, drawn: list[Draw]) -> Part:
    def rates(weights: Float64[np.ndarray, " trials"]) -> tuple[float, float]:
        return scoring.rates_at(trials.scores, trials.target, threshold, weights)

    seen = rates(np.ones(len(trials.scores)))
    again = np.array([rates(weights(trials, each)) for each in drawn]).reshape(-1, 2)
    heard = np.union1d(trials.enrolled, trials.spoke)
    false_match, false_non_match = (
        bootstrap.percentiles(seen[kind], again[:, kind] if len(heard) > 1 else np.empty(0))
        for kind in (0, 1)
    )
    targets = int(trials.target.sum())
    both = 0 < targets < len(trials.target)
    eer = _of_curve(trials, scoring.equal_error_rate, drawn) if both else NOTHING
    return Part(
        name, targets, len(trials.target) - targets, len(heard), eer, false_match, false_non_match
    )


def _of_curve(
    trials: Trials, figure: Callable[[scoring.Curve], float], drawn: list[Draw]
) -> Estimate:
    """A figure of the curve, and of the curves of speakers drawn anew; scores are sorted once."""
    order = np.argsort(trials.scores, kind="stable")
    rising = _some(trials, order)
    again = []
    for each in drawn:
        weighed = weights(rising, each)
        if weighed[rising.target].any() and weighed[~rising.target].any():
            again.append(figure(scoring.sorted_curve(rising.scores, rising.target, weighed)))
    value = figure(scoring.sorted_curve(rising.scores, rising.target))
    return bootstrap.percentiles(value, np.array(again + [np.nan] * (len(drawn) - len(again))))


def weights(trials: Trials, drawn: Draw) -> Float64[np.ndarray, " trials"]:
    """How often each trial is there if speakers are there so often."""
    one = drawn[trials.enrolled]
    found: Float64[np.ndarray, " trials"] = np.where(trials.target, one, one * drawn[trials.spoke])
    return found


def _some(trials: Trials, chosen: np.ndarray) -> Trials:
    return Trials(
        trials.scores[chosen],
        trials.target[chosen],
        trials.enrolled[chosen],
        trials.spoke[chosen],
        trials.speakers,
        trials.labels,
    )
