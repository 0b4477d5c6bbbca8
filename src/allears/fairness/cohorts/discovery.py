"""What every way of finding groups has in common, and how speakers are summed for it.

A discovery is fitted to the counts of some speakers and then divides any speakers the same way, so that a group
found among one half of them can be measured on the other.
"""

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
from jaxtyping import Bool, Float64, Int64

from allears.fairness.refusal import AuditError
from allears.fairness.sums import ERRORS, WORDS, Groups, Sums


class Discovery(Protocol):
    """A way to divide speakers into groups; attributes that end in `_` are there once it is fitted.

    `names_` are the groups' names, `labels_` the group of each speaker of the sums that it was fitted to,
    whether or not they had a part in it; `UNKNOWN` where it cannot be said.
    """

    names_: tuple[str, ...]
    labels_: Int64[np.ndarray, " speakers"]

    def fit(self, sums: Sums, among: Bool[np.ndarray, " speakers"] | None = None) -> Self:
        """Find groups in the counts of the speakers `among` (all of them by default)."""
        ...

    def groups(self, sums: Sums) -> Groups:
        """The same groups of any speakers."""
        ...


def by_speaker(
    sums: Sums, among: Bool[np.ndarray, " speakers"] | None = None
) -> Int64[np.ndarray, "speakers 3"]:
    """Errors, words and utterances of each speaker; nothing of those not `among`."""
    # Sums of whole numbers are exact in double precision up to 2⁵³.
    columns = [np.bincount(sums.speaker, each, len(sums.speakers)) for each in sums.counts.T]
    found = np.stack(columns, 1).astype(np.int64)
    if among is not None:
        found[~among] = 0
    return found


def rates(counts: Int64[np.ndarray, "groups columns"]) -> Float64[np.ndarray, " groups"]:
    """Errors through words, NaN where nothing was said."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = counts[:, ERRORS] / counts[:, WORDS]
    return found


def worst_first(
    counts: Int64[np.ndarray, "groups columns"],
) -> Int64[np.ndarray, " groups"]:
    """Groups by falling rate; those alike stay in order, those of nothing said come last."""
    with np.errstate(invalid="ignore"):
        return np.argsort(-rates(counts), kind="stable").astype(np.int64)


def column(sums: Sums, name: str) -> int:
    """Where a column is. Raises AuditError where there is none of that name."""
    if name not in sums.columns:
        there = ", ".join(sums.columns) or "none"
        raise AuditError(f"no column {name!r} among the labels; there are: {there}")
    return sums.columns.index(name)


def at_least(number: float, least: float, name: str) -> None:
    """Raises AuditError where a wish is less than can be granted."""
    if not number >= least:
        raise AuditError(f"{name} = {number} cannot be; the least is {least}")


def numbered(what: str, count: int) -> tuple[str, ...]:
    """Names that sort as their numbers do."""
    digits = len(str(count))
    return tuple(f"{what} {each:0{digits}}" for each in range(1, count + 1))


def joined(parts: Sequence[str]) -> str:
    """The name of what several labels have in common."""
    return " × ".join(parts)
