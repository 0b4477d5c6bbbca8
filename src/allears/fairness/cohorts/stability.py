"""Whether groups come out alike from other seeds: Hubert and Arabie's adjusted Rand index (1985)."""

import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64


def adjusted_rand(one: Int64[np.ndarray, " n"], other: Int64[np.ndarray, " n"]) -> float:
    """1 for the same groups under whatever names, 0 on average for groups dealt at random."""
    together = _pairs(np.stack((one, other), 1))
    first, second = _pairs(one), _pairs(other)
    every = len(one) * (len(one) - 1) // 2
    expected = first * second / max(1, every)
    most = (first + second) / 2
    # All in one group, or each alone, in both: the same.
    return 1.0 if most == expected else (together - expected) / (most - expected)


def mean_adjusted_rand(labels: Sequence[Int64[np.ndarray, " n"]]) -> float:
    """Of every two; NaN where there are not two."""
    found = [adjusted_rand(one, other) for one, other in itertools.combinations(labels, 2)]
    return float(np.mean(found)) if found else float("nan")


def _pairs(labels: np.ndarray) -> int:
    """How many two are in the same group."""
    sizes = np.unique(labels, axis=0, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())
