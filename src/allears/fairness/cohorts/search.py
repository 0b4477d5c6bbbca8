"""The few combinations of labels that are served worst, where there are too many to name beforehand.

All combinations of up to three columns are scored (see `crossing`), from one column upwards; where the columns
are many, a column is added only to the best combinations so far. What is returned explains what went wrong step
by step: once a combination is chosen, its error rate is expected of it, and what was bad only because it
overlaps is no longer.

Scores say where to look, not how sure it is: that is for speakers who had no part in the search.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import comb
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Int64

from allears.fairness.cohorts.crossing import Scored, Table
from allears.fairness.cohorts.discovery import at_least, column, joined
from allears.fairness.findings import Rule
from allears.fairness.refusal import AuditError
from allears.fairness.sums import UNKNOWN, Groups, Sums, summed

_POOL = 300


class Subgroup(NamedTuple):
    """Columns and labels that its members have in common; figures of those that it was found among."""

    labels: tuple[tuple[str, str], ...]
    score: float
    speakers: int
    words: int

    def __str__(self) -> str:
        return joined([f"{name}: {label}" for name, label in self.labels])


@dataclass
class SubgroupSearch:
    """At most `most` subgroups of up to `depth` labels, the clearest first; groups may overlap.

    None has fewer than `min_speakers` or `min_words`, nor a score below `least` standard deviations. Of
    `columns` (all by default) every combination is tried, unless they are so many that none of the `beam` best
    combinations leads to some of them.

    Fitted: `subgroups_`; `names_`; `labels_`, the first subgroup that a speaker has a part in, UNKNOWN for none;
    `tried_`, how many combinations were large enough to be looked at; `exhaustive_`, whether these were all.
    """

    columns: Sequence[str] | None = None
    depth: int = 3
    most: int = 5
    beam: int = 100
    min_speakers: int = 10
    min_words: int = 200
    least: float = 2.0
    names_: tuple[str, ...] = field(init=False, repr=False)
    labels_: Int64[np.ndarray, " speakers"] = field(init=False, repr=False)
    subgroups_: tuple[Subgroup, ...] = field(init=False, repr=False)
    tried_: int = field(init=False, repr=False)
    exhaustive_: bool = field(init=False, repr=False)

    def fit(self, sums: Sums, among: Bool[np.ndarray, " speakers"] | None = None) -> Self:
        """Search. Raises AuditError where there is no column to search in."""
        at_least(self.depth, 1, "depth")
        at_least(self.min_speakers, 1, "min_speakers")
        at = [column(sums, each) for each in self.columns or sums.columns]
        if not at:
            raise AuditError(
                "there are no columns to search in but those that were read: name some"
            )
        table = Table.of(sums, among)
        chosen = _chosen(table, self._pool(table, at), self.most, self.least)
        self.subgroups_ = tuple(_named(each, sums) for each in chosen)
        self.names_ = tuple(map(str, self.subgroups_))
        self.labels_ = self.predict(sums)
        return self

    def groups(self, sums: Sums) -> Groups:
        """The subgroups' counts, speaker by speaker; a speaker may be in several."""
        parts = [_rows(each, sums) for each in self.subgroups_]
        rows = np.concatenate([np.empty(0, np.int64), *parts])
        group = np.repeat(np.arange(len(parts)), [len(each) for each in parts])
        return summed(self.names_, len(sums.speakers), sums.speaker[rows], group, sums.counts[rows])

    def predict(self, sums: Sums) -> Int64[np.ndarray, " speakers"]:
        """The first subgroup each speaker has a part in; UNKNOWN for none."""
        found = self.groups(sums)
        labels = np.full(found.people, len(self.names_), np.int64)
        np.minimum.at(labels, found.speaker, found.group)
        labels[labels == len(self.names_)] = UNKNOWN
        return labels

    @property
    def rules_(self) -> dict[str, Rule]:
        """Who is in each subgroup."""
        return {str(each): Rule(labels=each.labels) for each in self.subgroups_}

    def _pool(self, table: Table, at: Sequence[int]) -> list[Scored]:
        """The best combinations of all depths."""
        sets: list[tuple[int, ...]] = sorted((each,) for each in at)
        pool = list[Scored]()
        self.tried_, self.exhaustive_ = 0, True
        for depth in range(1, min(self.depth, len(at)) + 1):
            level = list[Scored]()
            for columns in sets:
                found, count = table.crossed(columns, self.min_speakers, self.min_words)
                self.tried_ += count
                level = _best([*level, *found], max(self.beam, _POOL))
            pool = _best([*pool, *level], _POOL)
            self.exhaustive_ &= len(sets) == comb(len(at), depth)
            sets = _longer(level[: self.beam], at)
        return pool


def _best(found: Iterable[Scored], most: int) -> list[Scored]:
    """Highest scores first; of equals the fewest labels, then the first columns."""
    return heapq.nsmallest(
        most, found, key=lambda each: (-each.score, len(each.labels), each.labels)
    )


def _longer(found: Iterable[Scored], at: Sequence[int]) -> list[tuple[int, ...]]:
    """Sets of one column more."""
    columns = {tuple(name for name, _ in each.labels) for each in found}
    return sorted({tuple(sorted((*one, new))) for one in columns for new in at if new not in one})


def _chosen(table: Table, pool: Sequence[Scored], most: int, least: float) -> list[Scored]:
    """One after the other what deviates most from what those before it explain."""
    members = [table.members(each.labels) for each in pool]
    chosen = list[Scored]()
    for _ in range(min(most, len(pool))):
        now = [table.score(rows) for rows in members]
        best = int(np.argmax(now))
        if now[best] < least:
            break
        chosen.append(pool[best]._replace(score=now[best]))
        table.explain(members[best])
    return chosen


def _named(found: Scored, sums: Sums) -> Subgroup:
    labels = tuple((sums.columns[name], sums.values[name][code]) for name, code in found.labels)
    return Subgroup(labels, found.score, found.speakers, found.words)


def _rows(subgroup: Subgroup, sums: Sums) -> Int64[np.ndarray, " rows"]:
    """Its rows in any sums; none where a label is not there."""
    found = np.ones(len(sums.speaker), bool)
    for name, label in subgroup.labels:
        at = column(sums, name)
        codes = sums.codes[:, at]
        found &= codes == (
            sums.values[at].index(label) if label in sums.values[at] else UNKNOWN - 1
        )
    return np.flatnonzero(found)
