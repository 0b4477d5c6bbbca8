"""How far every combination of labels is from what was to be expected, in units of its own uncertainty.

Errors of a speaker are taken as Poisson about what their words make expected, times an effect of their own
(mixed Poisson): variance μ + α·μ². α is estimated by moments over all speakers, so a small group is not judged
by itself, and a talkative speaker does not make one. All combinations of some columns are counted in one pass
over the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

from allears.fairness.sums import ERRORS, UNKNOWN, WORDS, Sums

Labels = tuple[tuple[int, int], ...]
"""Columns, rising, and their codes."""


class Scored(NamedTuple):
    """A combination: (errors − expected) / standard deviation, and its size."""

    labels: Labels
    score: float
    speakers: int
    words: int


@dataclass(slots=True)
class Table:
    """Rows in the order of speakers: what is known, what went wrong, and what was to be expected."""

    speaker: Int64[np.ndarray, " rows"]
    codes: Int64[np.ndarray, "rows columns"]
    sizes: tuple[int, ...]
    errors: Float64[np.ndarray, " rows"]
    words: Float64[np.ndarray, " rows"]
    expected: Float64[np.ndarray, " rows"]
    spread: float
    """α."""

    @classmethod
    def of(cls, sums: Sums, among: Bool[np.ndarray, " speakers"] | None) -> "Table":
        """The rows of the speakers `among`; expected is one rate for all."""
        kept = np.ones(len(sums.speaker), bool) if among is None else among[sums.speaker]
        errors, words = (sums.counts[kept, each].astype(np.float64) for each in (ERRORS, WORDS))
        rate = errors.sum() / max(1.0, words.sum())
        sizes = tuple(max(1, len(each)) for each in sums.values)
        table = cls(sums.speaker[kept], sums.codes[kept], sizes, errors, words, words * rate, 0.0)
        table.spread = table.moments()
        return table

    def moments(self) -> float:
        """α from the squares of deviations, over speakers."""
        first = _first(self.speaker)
        if not len(first):
            return 0.0
        errors, expected = (np.add.reduceat(each, first) for each in (self.errors, self.expected))
        beyond = ((errors - expected) ** 2 - expected).sum()
        return max(0.0, float(beyond / max((expected**2).sum(), np.finfo(float).tiny)))

    def members(self, labels: Labels) -> Int64[np.ndarray, " members"]:
        """The rows of a combination."""
        found = np.ones(len(self.speaker), bool)
        for column, code in labels:
            found &= self.codes[:, column] == code
        return np.flatnonzero(found)

    def score(self, rows: Int64[np.ndarray, " members"]) -> float:
        """How far these are from what is expected of them now."""
        expected = np.add.reduceat(self.expected[rows], _first(self.speaker[rows]))
        variance = (expected + self.spread * expected**2).sum()
        return float((self.errors[rows].sum() - expected.sum()) / np.sqrt(variance))

    def explain(self, rows: Int64[np.ndarray, " members"]) -> None:
        """From now on expect of these what was found."""
        self.expected[rows] *= self.errors[rows].sum() / self.expected[rows].sum()
        self.spread = self.moments()

    def crossed(
        self, columns: Sequence[int], min_speakers: int, min_words: int
    ) -> tuple[list[Scored], int]:
        """All combinations of these columns that are large enough, and how many those are."""
        rows, cell, labels = self._cells(columns, min_speakers)
        if not len(rows):
            return [], 0
        first = _first(cell, self.speaker[rows])
        theirs = cell[first]
        errors, words, expected = (
            np.add.reduceat(each[rows], first) for each in (self.errors, self.words, self.expected)
        )
        speakers, all_errors, all_words, mean, variance = (
            np.bincount(theirs, each, len(labels))
            for each in (
                np.ones(len(first)),
                errors,
                words,
                expected,
                expected + self.spread * expected**2,
            )
        )
        enough = (speakers >= min_speakers) & (all_words >= max(1, min_words)) & (variance > 0)
        scores = (all_errors - mean) / np.sqrt(np.where(enough, variance, 1))
        worse = np.flatnonzero(enough & (scores > 0))
        found = [
            Scored(
                tuple(zip(columns, labels[each].tolist(), strict=True)),
                float(scores[each]), int(speakers[each]), int(all_words[each]),
            )
            for each in worse
        ]  # fmt: skip
        return found, int(enough.sum())

    def _cells(
        self, columns: Sequence[int], least: int
    ) -> tuple[np.ndarray, np.ndarray, Int64[np.ndarray, "cells columns"]]:
        """Rows by combination, then speaker; each one's combination; the combinations' codes."""
        codes = self.codes[:, columns]
        rows = np.flatnonzero((codes != UNKNOWN).all(1))
        sizes = [self.sizes[each] for each in columns]
        keys = np.ravel_multi_index(tuple(codes[rows].T), sizes)
        there, cell, count = np.unique(keys, return_inverse=True, return_counts=True)
        kept = count[cell] >= least
        rows, cell = rows[kept], cell[kept]
        order = np.argsort(cell, kind="stable")
        labels = np.stack(np.unravel_index(there, sizes), 1)
        return rows[order], cell[order], labels


def _first(*keys: np.ndarray) -> Int64[np.ndarray, " runs"]:
    """Where runs of equal keys begin."""
    changed = np.zeros(len(keys[0]), bool)
    changed[:1] = True
    for each in keys:
        changed[1:] |= each[1:] != each[:-1]
    return np.flatnonzero(changed)
