"""Groups by what is written down of speakers: a column, or several at once (`accent*gender`)."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from jaxtyping import Bool, Int64

from allears.fairness.cohorts.discovery import column
from allears.fairness.refusal import AuditError
from allears.fairness.sums import UNKNOWN, Groups, Sums, summed


def columns(by: str) -> tuple[str, ...]:
    """What `a*b` names. Raises AuditError where a name is missing or there twice."""
    names = tuple(each.strip() for each in by.split("*"))
    if not all(names) or len(set(names)) < len(names):
        raise AuditError(
            f"--by {by!r}: write a column's name, or different ones with * between them"
        )
    return names


@dataclass
class Attributes:
    """The labels of a column, or the combinations of several that somebody has; nothing is searched for.

    `labels_` has a speaker's group only where all that was said is of one.
    """

    by: str
    names_: tuple[str, ...] = field(init=False, repr=False)
    labels_: Int64[np.ndarray, " speakers"] = field(init=False, repr=False)

    def fit(self, sums: Sums, among: Bool[np.ndarray, " speakers"] | None = None) -> Self:
        """Look which labels there are. Raises AuditError where there is no such column."""
        found = self._all(sums)
        there = found.group if among is None else found.group[among[found.speaker]]
        self.names_ = tuple(found.names[each] for each in np.unique(there))
        self.labels_ = self.predict(sums)
        return self

    def groups(self, sums: Sums) -> Groups:
        """The counts of the labels that were there when it was fitted; others are left out."""
        found = self._all(sums)
        numbers = {name: number for number, name in enumerate(self.names_)}
        group = np.array([numbers.get(name, UNKNOWN) for name in found.names], np.int64)[
            found.group
        ]
        known = group != UNKNOWN
        return summed(
            self.names_, found.people, found.speaker[known], group[known], found.counts[known]
        )

    def predict(self, sums: Sums) -> Int64[np.ndarray, " speakers"]:
        """Each speaker's group; UNKNOWN where nothing is written down, or different things are."""
        found = self.groups(sums)
        labels = np.full(found.people, UNKNOWN, np.int64)
        labels[found.speaker] = found.group
        labels[np.bincount(found.speaker, minlength=found.people) > 1] = UNKNOWN
        return labels

    def _all(self, sums: Sums) -> Groups:
        names = columns(self.by)
        for each in names:
            column(sums, each)
        return sums.by(names)
