"""Rows become sums: parts of a table are reduced apart, and parts add up to the same bytes in any order.

Everything in a part is a whole number or a name, kept in one order, so that adding is exact. What can only be
known of the whole (a speaker in two places, unit vectors) is settled once, in `finished`.
"""

# ruff: noqa: S608  every name and path in a query is quoted, in `tables`

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int64

from allears.fairness import checking, counting
from allears.fairness.checking import Work
from allears.fairness.embeddings import Voices, added, voices
from allears.fairness.sums import UNKNOWN
from allears.fairness.tables import engine
from allears.fairness.unreadable import refused

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SHOWN = 5
"""Row numbers that are kept for each reason."""
EXAMPLES = 3
"""Worst utterances that are kept of each speaker and combination of labels."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """How many rows something is wrong with, and the least of their numbers."""

    reason: str
    rows: int
    first: tuple[int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Heard:
    """An utterance in which much went wrong."""

    speaker: str
    labels: tuple[str, ...]
    """Empty where nobody wrote one down."""
    errors: int
    words: int
    reference: str
    hypothesis: str


@dataclass(frozen=True, slots=True)
class Part:
    """The sums of some rows: one line for each speaker, combination of labels and place, in the order of these.

    `keys` are the speaker's code, a code for each column (`UNKNOWN` where nobody wrote one down), latitude and
    longitude in microdegrees (`checking.NOWHERE`); `first` is the least number of the rows of a line; `rows`
    is how many were looked at, `heard` how many of them have a hypothesis of any use.
    """

    columns: tuple[str, ...]
    speakers: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    keys: Int64[np.ndarray, "lines keys"]
    counts: Int64[np.ndarray, "lines 3"]
    first: Int64[np.ndarray, " lines"]
    rows: int
    heard: int
    faults: tuple[Fault, ...] = ()
    voices: Voices | None = None
    examples: tuple[Heard, ...] = ()


def reduced(
    work: Work, surplus: Int64[np.ndarray, " rows"] | None = None, threads: int | None = None
) -> Part:
    """The sums of rows, without those whose numbers are in `surplus`. Raises AuditError."""
    with engine(threads) as connection, refused(work.table.path):
        prepare(connection, work, surplus)
        part = collected(connection, work)
        if work.columns.embedding or work.vectors:
            part = with_voices(part, voices(connection, work))
    return part


def prepare(
    connection: "DuckDBPyConnection",
    work: Work,
    surplus: Int64[np.ndarray, " rows"] | None = None,
    name: str = "counted",
) -> None:
    """Make a relation of all rows of `work`; where errors must be counted, they are, once."""
    query = checking.rows(work)
    if surplus is not None and len(surplus):
        connection.register("surplus", {"number": surplus})
        query = f"SELECT * FROM ({query}) ANTI JOIN surplus USING (number)"
    if work.columns.counted:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {query}")
        return
    count = counting.packed(counting.normaliser(work.normaliser))
    connection.create_function("word_errors", count, ["VARCHAR", "VARCHAR"], "BIGINT")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
    connection.remove_function("word_errors")


def collected(connection: "DuckDBPyConnection", work: Work, name: str = "counted") -> Part:
    """The sums of a relation that `prepare` made."""
    labels = [f"label{at}" for at in range(len(work.columns.labels))]
    keys = ["speaker", *labels, "latitude", "longitude"]
    found = connection.execute(
        f"SELECT {', '.join(keys)}, sum(errors)::BIGINT AS errors, sum(words)::BIGINT AS words, "
        f"count(*) AS utterances, min(number) AS first FROM {name} WHERE why = {checking.COUNTED} "
        f"GROUP BY ALL"
    ).fetchnumpy()
    speakers, speaker = coded(found["speaker"])
    coding = [coded(found[label]) for label in labels]
    places = [np.asarray(found[each], np.int64) for each in ("latitude", "longitude")]
    lines = [speaker, *(code for _, code in coding), *places]
    counts = [np.asarray(found[each], np.int64) for each in ("errors", "words", "utterances")]
    rows, heard, faults = looked_at(connection, name)
    return _summed(
        Part(
            work.columns.labels, speakers, tuple(values for values, _ in coding),
            np.stack(lines, 1), np.stack(counts, 1), np.asarray(found["first"], np.int64),
            rows, heard, faults, None, _worst(connection, labels, name, work.texts),
        )
    )  # fmt: skip


def merged(parts: Sequence[Part]) -> Part:
    """Parts of the same columns, added: the same bytes whatever the parts are and in whatever order."""
    if len(parts) == 1:
        return parts[0]
    speakers = _union(each.speakers for each in parts)
    values = tuple(_union(each.values[at] for each in parts) for at in range(len(parts[0].columns)))
    keys = []
    for each in parts:
        codings = zip((each.speakers, *each.values), (speakers, *values), strict=True)
        moved = [_moved(old, new, each.keys[:, at]) for at, (old, new) in enumerate(codings)]
        keys.append(np.concatenate([np.stack(moved, 1), each.keys[:, len(moved) :]], 1))
    return _summed(
        Part(
            parts[0].columns, speakers, values, np.concatenate(keys),
            np.concatenate([each.counts for each in parts]),
            np.concatenate([each.first for each in parts]),
            sum(each.rows for each in parts), sum(each.heard for each in parts),
            added_faults(fault for each in parts for fault in each.faults),
            added([each.voices for each in parts if each.voices]),
            _kept(example for each in parts for example in each.examples),
        )
    )  # fmt: skip


def with_voices(part: Part, found: Voices) -> Part:
    """The same part with voices, and with what was wrong with them."""
    own = [Fault(*each) for each in found.faults]
    return replace(part, voices=found.alone(), faults=added_faults([*part.faults, *own]))


def added_faults(every: Iterable[Fault]) -> tuple[Fault, ...]:
    """Faults with those of one reason made one, in the order of reasons."""
    rows: dict[str, int] = {}
    first: dict[str, list[int]] = {}
    for each in every:
        rows[each.reason] = rows.get(each.reason, 0) + each.rows
        first.setdefault(each.reason, []).extend(each.first)
    return tuple(
        Fault(reason, rows[reason], tuple(sorted(first[reason])[:SHOWN])) for reason in sorted(rows)
    )


def coded(texts: Any) -> tuple[tuple[str, ...], Int64[np.ndarray, " rows"]]:
    """Texts of a result as sorted values and codes, `UNKNOWN` for NULL."""
    known = ~np.ma.getmaskarray(texts)
    codes = np.full(len(texts), UNKNOWN, np.int64)
    plain = np.ma.getdata(texts)[known].tolist()
    values = tuple(sorted(set(plain)))
    place = {value: at for at, value in enumerate(values)}
    codes[known] = [place[each] for each in plain]
    return values, codes


def _summed(part: Part) -> Part:
    """The same lines, those alike made one, in order."""
    if not len(part.keys):
        return part
    order = np.lexsort(part.keys.T[::-1])
    keys = part.keys[order]
    begins = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(1)])
    return replace(
        part,
        keys=keys[begins],
        counts=np.add.reduceat(part.counts[order], begins),
        first=np.minimum.reduceat(part.first[order], begins),
    )


def _union(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted(set().union(*names)))


def _moved(
    old: tuple[str, ...], new: tuple[str, ...], codes: Int64[np.ndarray, " rows"]
) -> Int64[np.ndarray, " rows"]:
    """Codes into `old` as codes into `new`; the last place of the table is that of `UNKNOWN`."""
    place = {name: at for at, name in enumerate(new)}
    table = np.array([*(place[name] for name in old), UNKNOWN], np.int64)
    moved: np.ndarray = table[codes]
    return moved


def looked_at(connection: "DuckDBPyConnection", name: str) -> tuple[int, int, tuple[Fault, ...]]:
    """Rows of a relation that `prepare` made, those with a hypothesis, and what is wrong with them."""
    keys = "why, place, heard, doubtful"
    rows = connection.execute(
        f"SELECT {keys}, count(*), min(number, {SHOWN}) FROM {name} GROUP BY ALL"
    ).fetchall()
    found = [
        Fault(reason, count, tuple(first))
        for *kind, count, first in rows
        for reason in _wrong(*kind)
    ]
    return sum(row[-2] for row in rows), sum(row[-2] for row in rows if row[2]), added_faults(found)


def _wrong(why: int, place: int, heard: bool, doubtful: bool) -> Iterator[str]:
    """Reasons against rows; several, where they count all the same."""
    if why != checking.COUNTED:
        yield checking.REASONS[why]
        return
    if place:
        yield checking.PLACE_REASONS[place]
    if not heard:
        yield checking.UNHEARD
    if doubtful:
        yield checking.DOUBTFUL


def _worst(
    connection: "DuckDBPyConnection", labels: Sequence[str], name: str, texts: bool
) -> tuple[Heard, ...]:
    """The utterances with the most errors of each speaker and combination of labels."""
    if not texts:
        return ()
    whose = ", ".join(["speaker", *labels])
    found = connection.execute(
        f"SELECT {whose}, errors, words, reference, hypothesis FROM {name} "
        f"WHERE why = {checking.COUNTED} AND errors > 0 QUALIFY row_number() OVER "
        f"(PARTITION BY {whose} ORDER BY errors DESC, words, reference, hypothesis) <= {EXAMPLES}"
    ).fetchall()
    return _kept(Heard(row[0], tuple(each or "" for each in row[1:-4]), *row[-4:]) for row in found)


def _kept(examples: Iterable[Heard]) -> tuple[Heard, ...]:
    """The worst few of each speaker and combination of labels."""
    kept: list[Heard] = []
    ordered = sorted(
        examples,
        key=lambda each: (
            each.speaker, each.labels, -each.errors, each.words, each.reference, each.hypothesis
        ),
    )  # fmt: skip
    for each in ordered:
        whose = (each.speaker, each.labels)
        if sum((other.speaker, other.labels) == whose for other in kept[-EXAMPLES:]) < EXAMPLES:
            kept.append(each)
    return tuple(kept)
