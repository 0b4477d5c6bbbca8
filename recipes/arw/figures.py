"""Error rates of groups, and what becomes of them: as they are, and with speakers drawn anew.

Every figure is a row: first its value, then one for each draw. All models are drawn alike, so that what two
differ by is compared draw by draw. A trial of one speaker counts as often as they were drawn, one of two as often
as the first times as often as the second, as in `allears.fairness.verification`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from allears.fairness.statistics import bootstrap
from allears.fairness.verification import Trials, weights
from allears.score import trials as scoring
from allears.score.bootstrap import Estimate

Row = Float64[np.ndarray, " values"]
Key = tuple[str, str, str]
"""The figure ("EER", "minDCF", "FMR", "FNMR"), what speakers are divided by, and the group; both "" for all."""
Figures = Mapping[Key, Row]
ALL = ("", "")
PRIOR = 0.01
DRAWS, SEED = 300, 0


def of_trials(trials: Trials, draws: int = DRAWS) -> dict[Key, Row]:
    """Of all trials and of those within each group, at one threshold for all.

    The threshold is where errors of both kinds are equal over all trials as they are.
    """
    drawn = [np.ones(len(trials.speakers))]
    drawn += [bootstrap.drawn(len(trials.speakers), SEED, each) for each in range(draws)]
    whole = scoring.curve(trials.scores, trials.target)
    threshold = scoring.equal_error_threshold(whole)
    found: dict[Key, Row] = {}
    for part in [ALL, *groups(trials)]:
        rows = _rows(_within(trials, part), threshold, drawn)
        found |= {(name, *part): row for name, row in rows.items()}
    return found


def groups(trials: Trials) -> list[tuple[str, str]]:
    """Of each grouping each group, by name."""
    return [
        (by, name)
        for by, labels in trials.labels.items()
        for name in sorted({str(each) for each in labels if each})
    ]


def mean(several: Sequence[Figures]) -> dict[Key, Row]:
    """Over seeds."""
    return {key: np.mean([each[key] for each in several], 0) for key in several[0]}


def gap(figures: Figures, by: str, figure: str = "EER") -> Row:
    """The highest rate of a group less the lowest: of two groups their absolute difference."""
    rates = _of_groups(figures, by, figure)
    return np.asarray(rates.max(0) - rates.min(0))


def deviation(figures: Figures, by: str, figure: str = "EER") -> Row:
    """The population's standard deviation over groups, each counting alike."""
    return np.asarray(_of_groups(figures, by, figure).std(0))


def change(after: Row, before: Row) -> Row:
    """Relative: −0.1 is a tenth less."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(after / before - 1)


def estimate(row: Row) -> Estimate:
    """The value, and where 95 % of draws are."""
    return bootstrap.percentiles(float(row[0]), row[1:])


def verdict(found: Estimate) -> str:
    """What a change does, as far as it can be told."""
    if not found.bounded:
        return "cannot be judged"
    if found.high < 0:
        return "falls"
    if found.low > 0:
        return "rises"
    return "cannot be told from unchanged"


def _of_groups(figures: Figures, by: str, figure: str) -> Float64[np.ndarray, "groups values"]:
    return np.stack([row for key, row in figures.items() if key[:2] == (figure, by)])


def _within(trials: Trials, part: tuple[str, str]) -> Trials:
    """Those of which both speakers are in the group."""
    by, name = part
    if not by:
        return trials
    theirs = np.array([each == name for each in trials.labels[by]])
    kept = theirs[trials.enrolled] & theirs[trials.spoke]
    return replace(
        trials, scores=trials.scores[kept], target=trials.target[kept],
        enrolled=trials.enrolled[kept], spoke=trials.spoke[kept],
    )  # fmt: skip


def _rows(trials: Trials, threshold: float, drawn: Sequence[np.ndarray]) -> dict[str, Row]:
    """All figures of these trials; NaN in draws without trials of both kinds.

    Scores are few values, so that each draw is a histogram of them.
    """
    values, codes = np.unique(trials.scores, return_inverse=True)
    # A score that targets and others have stands twice, so that both may weigh.
    scores, target = np.repeat(values, 2), np.tile([False, True], len(values))
    bins = 2 * codes + trials.target
    found = {name: np.full(len(drawn), np.nan) for name in ("EER", "minDCF", "FMR", "FNMR")}
    for at, each in enumerate(drawn):
        counts = np.bincount(bins, weights(trials, each), len(scores))
        if counts[target].any() and counts[~target].any():
            curve = scoring.sorted_curve(scores, target, counts)
            found["EER"][at] = scoring.equal_error_rate(curve)
            found["minDCF"][at] = scoring.detection_cost(curve, PRIOR)[0]
            found["FMR"][at], found["FNMR"][at] = scoring.rates_at(
                scores, target, threshold, counts
            )
    return found
