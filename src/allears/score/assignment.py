"""Pairs of rows and columns, each at most once, whose sum is the greatest (the Hungarian method)."""

import numpy as np
from jaxtyping import Float64, Int64

from allears.score.quality import ScoreError


def heaviest_pairs(
    weights: Float64[np.ndarray, "rows columns"] | Int64[np.ndarray, "rows columns"],
) -> list[tuple[int, int]]:
    """Rows with their columns, by row; pairs of no weight are left out. Weights are not below 0.

    Raises `ScoreError` where scipy is missing.
    """
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        raise ScoreError("install allears[parties]") from None
    pairs = zip(*linear_sum_assignment(weights, maximize=True), strict=True)
    return [(int(row), int(column)) for row, column in pairs if weights[row, column] > 0]
