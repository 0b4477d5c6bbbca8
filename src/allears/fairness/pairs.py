"""Two systems on the same speech: only utterances that count in both, so that what differs is the system.

They are joined by utterance id and speaker; without ids row by row, if the references are the same throughout.
Who speaks, where and with what voice is as the first table has it.
"""

# ruff: noqa: S608  every name and path in a query is quoted, in `tables`

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from allears.fairness import checking, counting, reading, repeats
from allears.fairness.checking import COUNTED, Work
from allears.fairness.columns import Columns
from allears.fairness.embeddings import added, voices
from allears.fairness.reading import Read
from allears.fairness.reduction import (
    SHOWN,
    Fault,
    Part,
    added_faults,
    collected,
    looked_at,
    prepare,
    with_voices,
)
from allears.fairness.refusal import AuditError
from allears.fairness.tables import FILE_BITS, NUMBER, engine, refused

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ALONE = "the utterance is not in the other table, or not counted there"
OTHER_REFERENCE = "the other table has another reference for the same utterance"


@dataclass(frozen=True, slots=True)
class Pair:
    """What two systems made of the same utterances: sums whose rows, speakers and labels are the same."""

    first: Read
    second: Read


def read_pair(
    first: Sequence[Path],
    second: Sequence[Path],
    columns: Columns | None = None,
    *,
    normaliser: str = counting.DEFAULT,
    texts: bool = False,
    vectors: Sequence[Path] = (),
) -> Pair:
    """Read two systems' results; arguments as for `reading.read`. What does not pair is counted as left out.

    Raises AuditError where that does, and where rows cannot be paired.
    """
    ours = reading.planned(first, columns, normaliser, texts, vectors)
    theirs = _second(ours, second, columns)
    ids = ours[0].columns.utterance is not None
    with engine() as connection, refused(Path(" and ".join(map(str, (first[0], second[0]))))):
        found = _relation(connection, ours, "ours", ids)
        found += _relation(connection, theirs, "theirs", ids)
        if not ids:
            _same_references(connection, ours, theirs)
        found += _paired(connection, ours[0])
        parts = [_part(connection, ours[0], name) for name in ("ours", "theirs")]
        if vectors or ours[0].columns.embedding:
            parts = _with_voices(connection, ours, parts)
    nothing = np.zeros(0, np.int64)
    every = [*ours, *theirs]
    parts = [replace(each, faults=added_faults([*each.faults, *found])) for each in parts]
    return Pair(*(reading.finished(each, every, nothing) for each in parts))


def _second(ours: Sequence[Work], paths: Sequence[Path], columns: Columns | None) -> list[Work]:
    """The second system's work; labels, places and voices are the first's."""
    wish = (
        replace(columns, by=(), zip=None, latitude=None, longitude=None, embedding=None)
        if columns
        else None
    )
    works = reading.planned(paths, wish, ours[0].normaliser, ours[0].texts, ())
    found = works[0].columns
    if found.counted != ours[0].columns.counted:
        raise AuditError(
            f"{paths[0]} and {ours[0].table.path}: one has texts, the other counts; "
            "name the same columns in both"
        )
    if (found.utterance is None) != (ours[0].columns.utterance is None):
        raise AuditError(
            f"{paths[0]} and {ours[0].table.path}: one has utterance ids, the other none; "
            "say which column has them with --utterance COLUMN"
        )
    plain = replace(found, zip=None, latitude=None, longitude=None, embedding=None)
    return [replace(work, columns=plain, file=work.file + len(ours)) for work in works]


def _relation(
    connection: "DuckDBPyConnection", works: Sequence[Work], name: str, ids: bool
) -> list[Fault]:
    """Make a table of all rows of a system with what they are paired by; what was wrong with them."""
    surplus = np.zeros(0, np.int64)
    if ids:
        twice = repeats.repeated([repeats.keys(work) for work in works])
        if len(twice):
            surplus = repeats.surplus([repeats.candidates(work, twice) for work in works])
    for at, work in enumerate(works):
        prepare(connection, work, surplus)
        keys = _keys(work, works, ids)
        query = f"SELECT counted.*, {_said(work)}, key, second FROM counted JOIN ({keys}) USING (number)"
        verb = f"INSERT INTO {name}" if at else f"CREATE TEMP TABLE {name} AS"
        connection.execute(f"{verb} {query}")
    again = tuple(surplus[:SHOWN].tolist())
    return [Fault(checking.REPEATED, len(surplus), again)] if again else []


def _said(work: Work) -> str:
    return "words AS said" if work.columns.counted else "reference_hash AS said"


def _keys(work: Work, works: Sequence[Work], ids: bool) -> str:
    reference = work.columns.reference
    said = f", hash({work.table.text(reference)}) AS reference_hash" if reference else ""
    if ids:
        assert work.columns.utterance
        known = f"{work.table.text(work.columns.utterance)} IS NOT NULL"
        key, second = (f"CASE WHEN {known} THEN {each} END" for each in repeats.known_by(work))
    else:
        base = works[0].file << FILE_BITS
        key, second = f"{NUMBER} - {base}", "0"
    return f"SELECT {NUMBER} AS number, {key} AS key, {second} AS second{said} FROM {work.source}"


def _same_references(
    connection: "DuckDBPyConnection", ours: Sequence[Work], theirs: Sequence[Work]
) -> None:
    """Raises AuditError unless both have the same references, row for row."""
    found = connection.execute(
        "SELECT min(key) FROM ours FULL JOIN theirs USING (key, second) "
        "WHERE ours.said IS DISTINCT FROM theirs.said OR ours.number IS NULL OR theirs.number IS NULL"
    ).fetchall()[0][0]
    if found is None:
        return
    file, row = found >> FILE_BITS, found & ((1 << FILE_BITS) - 1)
    paths = " and ".join(
        str(works[min(file, len(works) - 1)].table.path) for works in (ours, theirs)
    )
    raise AuditError(
        f"{paths}: row {row}: the references are not the same, and there are no utterance ids to pair by; "
        "say which column has them with --utterance COLUMN"
    )


def _paired(connection: "DuckDBPyConnection", work: Work) -> list[Fault]:
    """Make a relation for each system of the rows that count in both; why others do not."""
    good = f"SELECT * FROM {{}} WHERE why = {COUNTED}"
    connection.execute(
        "CREATE TEMP TABLE pairs AS SELECT a.number, b.number AS other, "
        "a.said IS NOT DISTINCT FROM b.said AS same "
        f"FROM ({good.format('ours')}) AS a JOIN ({good.format('theirs')}) AS b USING (key, second)"
    )
    labels = "".join(f"label{at}, " for at in range(len(work.columns.labels)))
    texts = ", ours.reference, {0}.hypothesis" if work.texts else ""
    for name in ("ours", "theirs"):
        connection.execute(
            f"CREATE TEMP VIEW {name}_paired AS SELECT ours.number, ours.why, ours.speaker, "
            f"{labels.replace('label', 'ours.label')}ours.latitude, ours.longitude, ours.place, "
            f"{name}.heard, {name}.errors, ours.words{texts.format(name)} FROM pairs "
            f"JOIN ours ON ours.number = pairs.number JOIN theirs ON theirs.number = pairs.other WHERE same"
        )
    queries = []
    for name, number in (("ours", "number"), ("theirs", "other")):
        rows = f"({good.format(name)}) AS a ANTI JOIN pairs ON a.number = pairs.{number}"
        queries.append((ALONE, f"SELECT count(*), min(a.number, {SHOWN}) FROM {rows}"))
    differ = f"SELECT count(*), min(number, {SHOWN}) FROM pairs WHERE NOT same"
    queries.append((OTHER_REFERENCE, differ))
    found = [(reason, connection.execute(query).fetchall()[0]) for reason, query in queries]
    return [Fault(reason, rows, tuple(first)) for reason, (rows, first) in found if rows]


def _part(connection: "DuckDBPyConnection", first: Work, name: str) -> Part:
    """The sums of a system; with what was wrong with the rows of both."""
    part = collected(connection, first, f"{name}_paired")
    seen = {each: looked_at(connection, each) for each in ("ours", "theirs")}
    own = [fault for _, _, faults in seen.values() for fault in faults]
    own = [each for each in own if each.reason in checking.REASONS.values()]
    rows, heard, _ = seen[name]
    return replace(part, faults=added_faults([*part.faults, *own]), rows=rows, heard=heard)


def _with_voices(
    connection: "DuckDBPyConnection", works: Sequence[Work], parts: Sequence[Part]
) -> list[Part]:
    found = [
        voices(
            connection,
            work,
            f"(SELECT * FROM ours_paired WHERE number >> {FILE_BITS} = {work.file})",
        )
        for work in works
    ]
    together = added(found)
    if together is None:
        return list(parts)
    whole = replace(together, faults=tuple(fault for each in found for fault in each.faults))
    return [with_voices(part, whole) for part in parts]
