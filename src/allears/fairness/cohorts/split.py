"""The best cut of a region in two, from sums along one axis.

Every cut between two squares in which somebody lives is looked at. `words` is what the cut takes from the
squares of deviations of rates, weighted by words: N_L·N_R/(N_L+N_R)·(r_L−r_R)². `poisson` is what it takes from
the deviance of errors that come at one rate; `difference` is |r_L−r_R|, which likes small regions.
"""

from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Int64
from numba import njit

from allears.fairness.cohorts.grid import SPEAKERS
from allears.fairness.sums import ERRORS, WORDS

Gain = Literal["words", "difference", "poisson"]
_WORDS, _DIFFERENCE = range(2)


class Least(NamedTuple):
    """What a region must have to be one."""

    speakers: int
    words: int
    utterances: int


class Cut(NamedTuple):
    """Squares whose step along `axis` is `edge` or more are on the far side."""

    gain: float
    axis: int
    edge: int


def best_cut(
    squares: Int64[np.ndarray, "squares 2"],
    counts: Int64[np.ndarray, "squares 4"],
    members: Int64[np.ndarray, " members"],
    gain: Gain,
    least: Least,
) -> Cut | None:
    """The cut of these squares that gains most; None where none may be, or gains anything.

    Of equals the southernmost between parallels, then the westernmost between meridians.
    """
    kind = get_args(Gain).index(gain)
    least = Least(max(1, least.speakers), max(1, least.words), least.utterances)
    found, axis, edge = _best(squares, counts, members, kind, *least)
    return Cut(float(found), int(axis), int(edge)) if found > 0 else None


def gained(left: tuple[int, int], right: tuple[int, int], gain: Gain) -> float:
    """What parting these errors and words is worth."""
    return float(_gained(*left, *right, get_args(Gain).index(gain)))


@njit(cache=True)  # type: ignore[misc, unused-ignore]
def _best(
    squares: np.ndarray,
    counts: np.ndarray,
    members: np.ndarray,
    kind: int,
    speakers: int,
    words: int,
    utterances: int,
) -> tuple[float, int, int]:
    best, best_axis, edge = 0.0, 0, 0
    least = np.array([0, words, utterances, speakers])
    for axis in range(2):
        sums, first = _along(squares[:, axis], counts, members)
        left, right, before = np.zeros(4, np.int64), sums.sum(0), -1
        for step in range(len(sums)):
            if not sums[step, SPEAKERS]:
                continue
            if before >= 0 and (left >= least).all() and (right >= least).all():
                found = _gained(left[ERRORS], left[WORDS], right[ERRORS], right[WORDS], kind)
                if found > best:
                    # In the middle of where nobody lives.
                    best, best_axis, edge = found, axis, first + (before + 1 + step) // 2
            left += sums[step]
            right -= sums[step]
            before = step
    return best, best_axis, edge


@njit(cache=True)  # type: ignore[misc, unused-ignore]
def _along(
    steps: np.ndarray, counts: np.ndarray, members: np.ndarray
) -> tuple[Int64[np.ndarray, "steps 4"], int]:
    """Sums by step, and the first of these."""
    first, last = steps[members[0]], steps[members[0]]
    for each in members:
        first, last = min(first, steps[each]), max(last, steps[each])
    sums = np.zeros((last - first + 1, 4), np.int64)
    for each in members:
        for what in range(4):
            sums[steps[each] - first, what] += counts[each, what]
    return sums, first


@njit(cache=True)  # type: ignore[misc, unused-ignore]
def _gained(left_errors: int, left: int, right_errors: int, right: int, kind: int) -> float:
    """Of errors and words on either side, none without words."""
    apart = abs(left_errors / left - right_errors / right)
    if kind == _DIFFERENCE:
        return apart
    if kind == _WORDS:
        return left * right / (left + right) * apart**2
    rate = (left_errors + right_errors) / (left + right)
    found = 0.0
    for errors, words in ((left_errors, left), (right_errors, right)):
        if errors:
            found += 2 * errors * np.log(errors / (words * rate))
    return max(found, 0.0)
