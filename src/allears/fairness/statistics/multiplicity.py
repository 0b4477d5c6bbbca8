"""Many looked at, some stand out by chance: p-values for all that was looked at together.

Holm ("A simple sequentially rejective multiple test procedure", 1979) for groups named beforehand: the chance that
any is called different and is not. Benjamini and Hochberg ("Controlling the false discovery rate", 1995) for
exploring: the share of those called different that are not.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64

Correction = Literal["holm", "bh"]


def adjusted(p: Float64[np.ndarray, " tests"], by: Correction) -> Float64[np.ndarray, " tests"]:
    """To be held against the level as they are; NaN stays, and does not count as a test."""
    found = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    rising = known[np.argsort(p[known], kind="stable")]
    rank = np.arange(1, len(rising) + 1)
    if by == "holm":
        steps = np.maximum.accumulate(p[rising] * (len(rising) + 1 - rank))
    else:
        steps = np.minimum.accumulate((p[rising] * len(rising) / rank)[::-1])[::-1]
    found[rising] = np.minimum(steps, 1.0)
    return found


def significant(
    p: Float64[np.ndarray, " tests"], by: Correction, level: float = 0.05
) -> Bool[np.ndarray, " tests"]:
    """Which stand out; none of those whose p is not known."""
    with np.errstate(invalid="ignore"):
        found: Bool[np.ndarray, " tests"] = adjusted(p, by) <= level
    return found


def any_of(p: Float64[np.ndarray, " tests"]) -> float:
    """How likely so small a p is anywhere among them, whatever they have to do with each other; NaN of none."""
    known = p[np.isfinite(p)]
    return float(adjusted(known, "holm").min()) if len(known) else float("nan")


def throughout(
    any_ps: Sequence[float],
    groups: Sequence[Float64[np.ndarray, " _"]],
    by: Sequence[Correction],
) -> list[Float64[np.ndarray, " _"]]:
    """p-values of groups of several groupings, corrected for all that was looked at: with nothing anywhere none is
    under 0.05, 19 times in 20.

    A group's is the larger of that of its grouping, for any difference in it (`any_ps`, Holm over all groupings),
    and its own among the groups of its grouping. The more ways to look there are, the more each has to show.
    """
    anywhere = adjusted(np.array(any_ps, float), "holm")
    return [
        np.maximum(adjusted(p, correction), there)
        for p, correction, there in zip(groups, by, anywhere, strict=True)
    ]
