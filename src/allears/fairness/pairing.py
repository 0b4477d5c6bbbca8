"""Rows of two systems' results, joined: each system's rows with what they are paired by, then those of both.

What a row is paired by is a hash of its utterance and speaker, or its number. So rows can be dealt into slices
by it, each slice be joined apart, and the outcomes add up to the same bytes.
"""

# ruff: noqa: S608  every name and path in a query is quoted, in `tables`

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64

from allears.fairness import checking, embeddings, reduction, repeats
from allears.fairness.checking import COUNTED, Work
from allears.fairness.embeddings import Voices
from allears.fairness.reduction import SHOWN, Fault, Part, added_faults, collected, looked_at
from allears.fairness.tables import FILE_BITS, NUMBER, engine, quoted
from allears.fairness.unreadable import refused

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ALONE = "the utterance is not in the other table, or not counted there"
OTHER_REFERENCE = "the other table has another reference for the same utterance"
NAMES = ("ours", "theirs")
Numbers = Int64[np.ndarray, " rows"]


@dataclass(frozen=True, slots=True)
class Side:
    """One system's results: what to do with each file, and the numbers of rows that are there again."""

    works: tuple[Work, ...]
    surplus: Numbers

    @property
    def by_id(self) -> bool:
        """Whether rows are known by utterance and speaker, else by their numbers."""
        return self.works[0].columns.utterance is not None


@dataclass(frozen=True, slots=True)
class Paired:
    """The sums of either system over the rows of both. Of no ids, `differ` is the least row that has another
    reference in the other table, as file and row. `numbers` are the first system's rows, where voices are wanted.
    """

    first: Part
    second: Part
    differ: int | None
    numbers: Numbers


def joined(ours: Side, theirs: Side) -> Paired:
    """All rows at once, in one database."""
    paths = [str(side.works[0].table.path) for side in (ours, theirs)]
    with engine() as connection, refused(Path(" and ".join(paths))):
        for name, side in zip(NAMES, (ours, theirs), strict=True):
            for at, work in enumerate(side.works):
                with refused(work.table.path):
                    query = _keyed(connection, work, side)
                    verb = f"INSERT INTO {name}" if at else f"CREATE TEMP TABLE {name} AS"
                    connection.execute(f"{verb} {query}")
        return _paired(connection, ours.works[0])


def slices(
    work: Work, side: Side, number: int, threads: int | None = None
) -> bytes | tuple[bytes, ...]:
    """The rows of `work`, of one of `side.works`, dealt into so many Parquet files by what they are paired by."""
    found = []
    with (
        engine(threads) as connection,
        tempfile.TemporaryDirectory(prefix="allears-audit-") as folder,
        refused(work.table.path),
    ):
        query = _keyed(connection, work, side)
        connection.execute(f"CREATE TEMP TABLE keyed AS {query}")
        for at in range(number):
            path = Path(folder) / "slice.parquet"
            connection.execute(
                f"COPY (FROM keyed WHERE coalesce(key % {number}, 0) = {at}) "
                f"TO {quoted(str(path))} (FORMAT parquet)"
            )
            found.append(path.read_bytes())
    return tuple(found) if number > 1 else found[0]


def joined_slice(first: Work, ours: int, *files: bytes, threads: int | None = None) -> Paired:
    """One slice of all rows: as many files of the first system, and the second's."""
    with (
        engine(threads) as connection,
        tempfile.TemporaryDirectory(prefix="allears-audit-") as folder,
    ):
        for name, some in zip(NAMES, (files[:ours], files[ours:]), strict=True):
            paths = [Path(folder) / f"{name}-{at}.parquet" for at in range(len(some))]
            for path, data in zip(paths, some, strict=True):
                path.write_bytes(data)
            listed = ", ".join(quoted(str(path)) for path in paths)
            connection.execute(f"CREATE TEMP TABLE {name} AS FROM read_parquet([{listed}])")
        return _paired(connection, first)


def together(*slices: Paired) -> Paired:
    """Slices, added."""
    differ = [each.differ for each in slices if each.differ is not None]
    return Paired(
        reduction.merged([each.first for each in slices]),
        reduction.merged([each.second for each in slices]),
        min(differ, default=None),
        np.concatenate([each.numbers for each in slices]),
    )


def heard(work: Work, numbers: Numbers, threads: int | None = None) -> Voices:
    """The voices of those rows of `work` that have these numbers."""
    assert work.columns.speaker
    own = numbers[numbers >> FILE_BITS == work.file]
    with engine(threads) as connection, refused(work.table.path):
        connection.register("chosen", {"number": own})
        connection.execute(
            f"CREATE TEMP TABLE counted AS SELECT {NUMBER} AS number, {work.table.name(work.columns.speaker)} "
            f"AS speaker FROM {work.source} SEMI JOIN chosen ON chosen.number = {NUMBER}"
        )
        return embeddings.voices(connection, work)


def _keyed(connection: "DuckDBPyConnection", work: Work, side: Side) -> str:
    """SQL of all rows but the surplus, with what they are paired by and what must be the same in both."""
    reduction.prepare(connection, work, side.surplus)
    return f"SELECT counted.*, {_said(work)}, key, second FROM counted JOIN ({_keys(work, side)}) USING (number)"


def _said(work: Work) -> str:
    return "words AS said" if work.columns.counted else "reference_hash AS said"


def _keys(work: Work, side: Side) -> str:
    reference = work.columns.reference
    said = f", hash({work.table.text(reference)}) AS reference_hash" if reference else ""
    if side.by_id:
        assert work.columns.utterance
        known = f"{work.table.text(work.columns.utterance)} IS NOT NULL"
        key, second = (f"CASE WHEN {known} THEN {each} END" for each in repeats.known_by(work))
    else:
        base = side.works[0].file << FILE_BITS
        key, second = f"{NUMBER} - {base}", "0"
    return f"SELECT {NUMBER} AS number, {key} AS key, {second} AS second{said} FROM {work.source}"


def _paired(connection: "DuckDBPyConnection", work: Work) -> Paired:
    """Of the relations `ours` and `theirs`; `work` is of the first system."""
    differ = None if work.columns.utterance else _differ(connection)
    if differ is not None:
        nothing = collected(connection, work, f"(FROM {NAMES[0]} LIMIT 0)")
        return Paired(nothing, nothing, differ, np.zeros(0, np.int64))
    found = _both(connection, work)
    first, second = (_part(connection, work, name, found) for name in NAMES)
    numbers = np.zeros(0, np.int64)
    if work.columns.embedding or work.vectors:
        rows = connection.execute("SELECT number FROM ours_paired").fetchnumpy()
        numbers = np.asarray(rows["number"], np.int64)
    return Paired(first, second, None, numbers)


def _differ(connection: "DuckDBPyConnection") -> int | None:
    """The least row that is in one alone, or has another reference in the other."""
    found: int | None = connection.execute(
        "SELECT min(key) FROM ours FULL JOIN theirs USING (key, second) "
        "WHERE ours.said IS DISTINCT FROM theirs.said OR ours.number IS NULL OR theirs.number IS NULL"
    ).fetchall()[0][0]
    return found


def _both(connection: "DuckDBPyConnection", work: Work) -> list[Fault]:
    """Make a relation for each system of the rows that count in both; why others do not."""
    good = f"SELECT * FROM {{}} WHERE why = {COUNTED}"
    connection.execute(
        "CREATE TEMP TABLE pairs AS SELECT a.number, b.number AS other, "
        "a.said IS NOT DISTINCT FROM b.said AS same "
        f"FROM ({good.format('ours')}) AS a JOIN ({good.format('theirs')}) AS b USING (key, second)"
    )
    labels = "".join(f"ours.label{at}, " for at in range(len(work.columns.labels)))
    texts = ", ours.reference, {0}.hypothesis" if work.texts else ""
    for name in NAMES:
        connection.execute(
            f"CREATE TEMP VIEW {name}_paired AS SELECT ours.number, ours.why, ours.speaker, "
            f"{labels}ours.latitude, ours.longitude, ours.place, "
            f"{name}.heard, ours.doubtful, {name}.errors, ours.words{texts.format(name)} FROM pairs "
            f"JOIN ours ON ours.number = pairs.number JOIN theirs ON theirs.number = pairs.other WHERE same"
        )
    queries = []
    for name, number in zip(NAMES, ("number", "other"), strict=True):
        rows = f"({good.format(name)}) AS a ANTI JOIN pairs ON a.number = pairs.{number}"
        queries.append((ALONE, f"SELECT count(*), min(a.number, {SHOWN}) FROM {rows}"))
    differ = f"SELECT count(*), min(number, {SHOWN}) FROM pairs WHERE NOT same"
    queries.append((OTHER_REFERENCE, differ))
    found = [(reason, connection.execute(query).fetchall()[0]) for reason, query in queries]
    return [Fault(reason, rows, tuple(first)) for reason, (rows, first) in found if rows]


def _part(connection: "DuckDBPyConnection", first: Work, name: str, found: Sequence[Fault]) -> Part:
    """The sums of a system; with what was wrong with the rows of both."""
    part = collected(connection, first, f"{name}_paired")
    seen = {each: looked_at(connection, each) for each in NAMES}
    own = [fault for _, _, faults in seen.values() for fault in faults]
    own = [each for each in own if each.reason in checking.REASONS.values()]
    (other,) = (each for each in NAMES if each != name)
    unheard = looked_at(connection, f"{other}_paired")[2]
    own += [each for each in unheard if each.reason == checking.UNHEARD]
    rows, heard, _ = seen[name]
    return replace(part, faults=added_faults([*part.faults, *own, *found]), rows=rows, heard=heard)
