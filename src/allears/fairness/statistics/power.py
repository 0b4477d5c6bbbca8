"""What these data could have seen: the smallest gap that would have been called significant, most of the time.

With a standard error of the logarithm and a t test at the level that is left after correction, an effect of
(t(1 − level / 2) + t(power)) · standard error is found with that power (Bloom, "Minimum detectable effects",
1995).
"""

import numpy as np
from jaxtyping import Float64
from scipy import stats

from allears.fairness.statistics import intervals
from allears.fairness.statistics.spread import ByGroup
from allears.fairness.sums import Groups

POWER = 0.8


def smallest(
    errors: Float64[np.ndarray, " n"],
    freedoms: Float64[np.ndarray, " n"],
    tests: int,
    level: float = intervals.LEVEL,
    power: float = POWER,
) -> Float64[np.ndarray, " n"]:
    """Of each standard error of a log ratio: ratio − 1 that is found with `power` beside `tests` − 1 others."""
    far = stats.t.ppf(1 - level / tests / 2, freedoms) + stats.t.ppf(power, freedoms)
    with np.errstate(over="ignore", invalid="ignore"):
        found: Float64[np.ndarray, " n"] = np.expm1(far * errors)
    return found


def by_group(groups: Groups, tests: int | None = None) -> ByGroup:
    """The smallest excess over the rest that each group would have shown; NaN where it has no standard error."""
    errors, freedoms = intervals.standard_errors(groups)
    return smallest(errors, freedoms, tests or max(1, int(np.isfinite(errors).sum())))


def unseen(groups: Groups, tests: int | None = None) -> float:
    """That of the middle one of the groups; NaN where none has a standard error."""
    found = by_group(groups, tests)
    known = found[np.isfinite(found)]
    return float(np.median(known)) if len(known) else float("nan")
