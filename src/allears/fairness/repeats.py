"""Rows that are in the tables twice: found by hashes, so that parts of the rows can look for them apart.

Two rows are one utterance if they have the same utterance id and speaker; where there is no id but text, if all
their fields are the same. Counts without ids say nothing: short utterances come out alike. Of rows that differ
under one id, the one is kept whose content has the least hash, in whatever order they come.
"""

# ruff: noqa: S608  every name and path in a query is quoted, in `tables`

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64, UInt64

from allears.fairness.checking import Work
from allears.fairness.tables import NUMBER, engine
from allears.fairness.unreadable import refused

Hashes = UInt64[np.ndarray, " rows"]
Candidates = tuple[Hashes, Hashes, Hashes, Int64[np.ndarray, " rows"]]
"""Key, second key, content and number of each row."""


def told_apart(work: Work) -> bool:
    """Whether a repeated row can be known in such a table."""
    return work.columns.utterance is not None or not work.columns.counted


def keys(work: Work, threads: int | None = None) -> Hashes:
    """A hash of what each row is known by, in any order; rows without an utterance id have none."""
    with engine(threads) as connection, refused(work.table.path):
        found = connection.execute(
            f"SELECT {known_by(work)[0]} AS key FROM {work.source}{_having(work)}"
        )
        return np.asarray(found.fetchnumpy()["key"], np.uint64)


def repeated(found: Sequence[Hashes]) -> Hashes:
    """Hashes that occur twice or more, in order."""
    every = np.concatenate(found) if found else np.zeros(0, np.uint64)
    every.sort()
    return np.unique(every[1:][every[1:] == every[:-1]])


def candidates(work: Work, twice: Hashes, threads: int | None = None) -> Candidates:
    """The rows with one of these hashes."""
    key, second = known_by(work)
    with engine(threads) as connection, refused(work.table.path):
        connection.register("twice", {"key": twice})
        every = f"SELECT {key} AS key, {second} AS second, {_content(work)} AS content, {NUMBER} AS number"
        found = connection.execute(
            f"SELECT * FROM ({every} FROM {work.source}{_having(work)}) SEMI JOIN twice USING (key)"
        ).fetchnumpy()
        connection.unregister("twice")
    hashes = (np.asarray(found[name], np.uint64) for name in ("key", "second", "content"))
    first, then, content = hashes
    return first, then, content, np.asarray(found["number"], np.int64)


def surplus(found: Sequence[Candidates]) -> Int64[np.ndarray, " rows"]:
    """The numbers of all rows but one of each utterance, in order."""
    if not found:
        return np.zeros(0, np.int64)
    first, second, content, number = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.lexsort((number, content, second, first))
    same = (first[order][1:] == first[order][:-1]) & (second[order][1:] == second[order][:-1])
    return np.sort(number[order][1:][same])


def known_by(work: Work) -> tuple[str, str]:
    """SQL of two hashes that are independent of one another."""
    columns, table = work.columns, work.table
    if columns.utterance is None:
        every = [table.field(each) for each in table.columns]
        return f"hash({', '.join(every)})", f"hash({', '.join([*every[::-1], '1'])})"
    assert columns.speaker
    utterance, speaker = (
        f"coalesce({table.text(each)}, '')" for each in (columns.utterance, columns.speaker)
    )
    return (
        f"hash({utterance} || chr(31) || {speaker})",
        f"hash({speaker} || chr(30) || {utterance})",
    )


def _content(work: Work) -> str:
    return f"hash({', '.join(work.table.field(each) for each in work.table.columns)})"


def _having(work: Work) -> str:
    utterance = work.columns.utterance
    return "" if utterance is None else f" WHERE {work.table.text(utterance)} IS NOT NULL"
