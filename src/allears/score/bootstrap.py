"""Figures with 95 % intervals: speakers are drawn anew, since clips of one speaker are alike.

Every figure is a function of sums over clips (counts add, rates derive), so a draw of speakers costs one
product of matrices.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

DRAWS, SEED = 10_000, 0
PERCENTILES = (2.5, 97.5)

Rate = Callable[[Float64[np.ndarray, "draws columns"]], Float64[np.ndarray, " draws"]]


class Estimate(NamedTuple):
    """A figure and the ends of its interval; NaN for what cannot be had."""

    value: float
    low: float
    high: float

    @property
    def bounded(self) -> bool:
        """Whether there is an interval: it takes two speakers."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


def estimate(
    speakers: Sequence[str], counts: Float64[np.ndarray, "clips columns"], rate: Rate
) -> Estimate:
    """`rate` of the sums of `counts` over the clips; `speakers` says whose each clip is."""
    if not len(counts):
        return Estimate(np.nan, np.nan, np.nan)
    names = sorted(set(speakers))
    sums = np.zeros((len(names), counts.shape[1]))
    np.add.at(sums, [names.index(each) for each in speakers], counts)
    value = float(rate(sums.sum(0, keepdims=True))[0])
    if len(names) < 2:
        return Estimate(value, np.nan, np.nan)
    even = np.full(len(names), 1 / len(names))
    drawn = np.random.default_rng(SEED).multinomial(len(names), even, DRAWS)
    low, high = np.percentile(rate(drawn @ sums), PERCENTILES)
    return Estimate(value, float(low), float(high))


def ratio(sums: Float64[np.ndarray, "draws 2"]) -> Float64[np.ndarray, " draws"]:
    """First column through second: a mean, or errors through words."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: np.ndarray = sums[:, 0] / sums[:, 1]
    return quotient
