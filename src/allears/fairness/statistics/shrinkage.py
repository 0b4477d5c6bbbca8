"""Rates pulled towards what all groups are like, the more the less is known of each: for ranking.

Logarithms of rates as normal around a common mean with a variance between groups (Paule and Mandel, "Consensus
values and weighting factors", 1982), each seen with its own robust variance. A few speakers no longer make the
top of a list by chance; the figure shown with an interval stays the raw one.
"""

import numpy as np
from jaxtyping import Float64
from scipy import optimize

from allears.fairness.statistics.spread import ByGroup, spread
from allears.fairness.sums import ERRORS, WORDS, Groups

HALF = 0.5
"""Errors added where there are none, for the logarithm."""


def shrunk(groups: Groups) -> ByGroup:
    """Each group's rate as the others let expect it; where one speaker was heard the common mean, NaN if none."""
    totals = groups.totals()
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.maximum(totals[:, ERRORS], HALF) / totals[:, WORDS])
    variance = spread(groups).variance
    empty = (totals[:, ERRORS] == 0) & (groups.speakers() >= 2)
    variance[empty] = 1 / HALF
    known = np.isfinite(variance) & np.isfinite(logs)
    if not known.any():
        return groups.rates()
    between = between_groups(logs[known], variance[known])
    mean = float(np.average(logs[known], weights=1 / (between + variance[known])))
    trust = np.where(known, between / (between + np.where(known, variance, 1.0)), 0.0)
    found = np.exp(mean + trust * (np.where(known, logs, mean) - mean))
    return np.where(totals[:, WORDS] > 0, found, np.nan)


def between_groups(
    values: Float64[np.ndarray, " groups"], variances: Float64[np.ndarray, " groups"]
) -> float:
    """The variance between groups at which the values differ as much as is to be expected; 0 if they do not."""

    def beyond(between: float) -> float:
        weights = 1 / (between + variances)
        mean = np.average(values, weights=weights)
        return float((weights * (values - mean) ** 2).sum()) - (len(values) - 1)

    if len(values) < 2 or beyond(0.0) <= 0:
        return 0.0
    return float(optimize.brentq(beyond, 0.0, float(np.ptp(values) ** 2 * len(values))))
