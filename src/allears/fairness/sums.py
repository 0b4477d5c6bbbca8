"""What an audit is made of: errors, words and utterances, summed by speaker and labels.

Whole numbers only, so that parts add up to the same in any order, on one machine or many. Rates come later, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

ERRORS, WORDS, UTTERANCES = range(3)
"""Columns of counts."""
UNKNOWN = -1
"""The code of a label that nobody wrote down."""


@dataclass(frozen=True, slots=True)
class Sums:
    """One row for each speaker and combination of labels, in the order of these; no two are alike.

    `values` are each column's labels, sorted; `codes` point into them. `places` are latitude and longitude in
    degrees, `voices` unit vectors of embeddings, each by speaker, NaN where unknown; None where nobody gave any.
    """

    speakers: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    speaker: Int64[np.ndarray, " rows"]
    codes: Int64[np.ndarray, "rows columns"]
    counts: Int64[np.ndarray, "rows 3"]
    places: Float64[np.ndarray, "speakers 2"] | None = None
    voices: Float64[np.ndarray, "speakers size"] | None = None

    def by(self, columns: Sequence[str]) -> "Groups":
        """Groups by the labels of a column, or by the combinations of several; rows without one are left out."""
        at = [self.columns.index(each) for each in columns]
        known = (self.codes[:, at] != UNKNOWN).all(1)
        sizes = [len(self.values[each]) for each in at]
        cells = np.ravel_multi_index(tuple(self.codes[known][:, at].T), sizes)
        there, group = np.unique(cells, return_inverse=True)
        labels = np.unravel_index(there, sizes)
        names = tuple(
            " × ".join(self.values[column][code] for column, code in zip(at, codes, strict=True))
            for codes in zip(*labels, strict=True)
        )
        return summed(names, len(self.speakers), self.speaker[known], group, self.counts[known])

    def everybody(self) -> "Groups":
        """All in one group."""
        zeros = np.zeros(len(self.speaker), np.int64)
        return summed(("everybody",), len(self.speakers), self.speaker, zeros, self.counts)

    def by_speaker(self, names: Sequence[str], group: Int64[np.ndarray, " speakers"]) -> "Groups":
        """Groups that a speaker belongs to as a whole; those of `UNKNOWN` are left out."""
        theirs = group[self.speaker]
        known = theirs != UNKNOWN
        return summed(
            tuple(names), len(self.speakers), self.speaker[known], theirs[known], self.counts[known]
        )


@dataclass(frozen=True, slots=True)
class Groups:
    """Counts of each speaker in each group; rows in the order of group, then speaker, no two alike.

    `people` is how many speakers there are to be drawn from; not all of them need to be in a group.
    """

    names: tuple[str, ...]
    people: int
    speaker: Int64[np.ndarray, " rows"]
    group: Int64[np.ndarray, " rows"]
    counts: Int64[np.ndarray, "rows 3"]

    def totals(self) -> Int64[np.ndarray, "groups 3"]:
        """Errors, words and utterances of each group."""
        found = np.zeros((len(self.names), 3), np.int64)
        np.add.at(found, self.group, self.counts)
        return found

    def rates(self) -> Float64[np.ndarray, " groups"]:
        """Errors through words of each group, NaN where nothing was said."""
        totals = self.totals()
        with np.errstate(divide="ignore", invalid="ignore"):
            found: np.ndarray = totals[:, ERRORS] / totals[:, WORDS]
        return found

    def speakers(self) -> Int64[np.ndarray, " groups"]:
        """How many speakers each group has."""
        return np.bincount(self.group, minlength=len(self.names)).astype(np.int64)

    def of(self, chosen: Bool[np.ndarray, " people"]) -> "Groups":
        """The same groups, of these speakers alone, numbered anew."""
        numbers = np.cumsum(chosen) - 1
        kept = chosen[self.speaker]
        return Groups(
            self.names,
            int(chosen.sum()),
            numbers[self.speaker[kept]],
            self.group[kept],
            self.counts[kept],
        )

    def only(self, groups: Sequence[int]) -> "Groups":
        """These groups alone, in the order given."""
        place = np.full(len(self.names), UNKNOWN, np.int64)
        place[list(groups)] = np.arange(len(groups))
        kept = place[self.group] != UNKNOWN
        return summed(
            tuple(self.names[each] for each in groups), self.people,
            self.speaker[kept], place[self.group[kept]], self.counts[kept],
        )  # fmt: skip


def summed(
    names: tuple[str, ...],
    people: int,
    speaker: Int64[np.ndarray, " rows"],
    group: Int64[np.ndarray, " rows"],
    counts: Int64[np.ndarray, "rows 3"],
) -> Groups:
    """Groups of rows in any order, of which several may be of one speaker and group."""
    keys, row = np.unique(group.astype(np.int64) * max(1, people) + speaker, return_inverse=True)
    found = np.zeros((len(keys), 3), np.int64)
    np.add.at(found, row, counts)
    return Groups(names, people, keys % max(1, people), keys // max(1, people), found)
