"""Results in files become sums: the whole way, on this machine or on whatever runs the parts.

Rows are looked through twice: for those that are there twice, then for sums; each time part by part, so that
the parts may run anywhere and their number changes nothing.
"""

# ruff: noqa: S608  every name and path in a query is quoted, in `tables`

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from jaxtyping import Bool, Int64

from allears.fairness import checking, counting, embeddings, pairing, reduction, repeats
from allears.fairness.checking import Work
from allears.fairness.columns import Columns, find
from allears.fairness.findings import Example, LeftOut
from allears.fairness.pairing import Paired, Side
from allears.fairness.reduction import Fault, Heard, Part
from allears.fairness.refusal import AuditError
from allears.fairness.sums import UNKNOWN, Sums
from allears.fairness.tables import FILE_BITS, engine, opened, same_columns
from allears.fairness.unreadable import refused

UNTOLD = (
    "there are no utterance ids: rows that are there twice could not be told from utterances alike"
)


class Runner(Protocol):
    """What carries out the parts of a reading."""

    def each(self, function: Callable[..., Any], works: Sequence[Work], *rest: Any) -> list[Any]:
        """`function` of each of `works` and `rest`, in order."""

    def merged(self, works: Sequence[Work], surplus: Int64[np.ndarray, " rows"]) -> Part:
        """All of `works` reduced and added."""

    def paired(self, ours: Side, theirs: Side) -> Paired:
        """Two systems' rows joined."""


class Here:
    """One part after the other, in this process, each on all its processors."""

    def each(self, function: Callable[..., Any], works: Sequence[Work], *rest: Any) -> list[Any]:
        """See `Runner`."""
        return [function(work, *rest) for work in works]

    def merged(self, works: Sequence[Work], surplus: Int64[np.ndarray, " rows"]) -> Part:
        """See `Runner`."""
        waiting: list[Part] = []
        for work in works:
            waiting.append(reduction.reduced(work, surplus))
            if len(waiting) == 16:
                waiting = [reduction.merged(waiting)]
        return reduction.merged(waiting)

    def paired(self, ours: Side, theirs: Side) -> Paired:
        """See `Runner`."""
        return pairing.joined(ours, theirs)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: the sums, what was left out of them, and what else there is to know.

    `examples` are of the worst utterances of each row of `sums`, with the row's number; only where asked for.
    """

    columns: Columns
    sums: Sums
    left_out: tuple[LeftOut, ...]
    rows: int
    notes: tuple[str, ...] = ()
    examples: tuple[tuple[int, Heard], ...] = ()

    def worst(
        self, group: str, among: Bool[np.ndarray, " rows"], most: int = 5
    ) -> tuple[Example, ...]:
        """The utterances with most errors among some rows of `sums`, one of a speaker at most."""
        found = sorted((each for row, each in self.examples if among[row]), key=_badness)
        seen: dict[str, Heard] = {}
        for each in found:
            seen.setdefault(each.speaker, each)
        return tuple(
            Example(group, each.reference, each.hypothesis, each.errors, each.words)
            for each in list(seen.values())[:most]
        )


def read(
    paths: Sequence[Path],
    columns: Columns | None = None,
    *,
    normaliser: str = counting.DEFAULT,
    texts: bool = False,
    vectors: Sequence[Path] = (),
    runner: Runner | None = None,
) -> Read:
    """Read tables of one kind; `columns` names those that are not to be found by their usual names.

    `texts` keeps the worst utterances; `vectors` are .npy files of embeddings, one for each of `paths`.
    Raises AuditError for what cannot be read, a column that is missing, and where no row is left.
    """
    runner = runner or Here()
    works = planned(paths, columns, normaliser, texts, vectors)
    surplus = twice(works, runner) if repeats.told_apart(works[0]) else np.zeros(0, np.int64)
    part = runner.merged(works, surplus)
    return finished(part, works, surplus)


def twice(works: Sequence[Work], runner: Runner) -> Int64[np.ndarray, " rows"]:
    """The numbers of rows that are there again."""
    found = repeats.repeated(runner.each(repeats.keys, works))
    if not len(found):
        return np.zeros(0, np.int64)
    return repeats.surplus(runner.each(repeats.candidates, works, found))


def planned(
    paths: Sequence[Path],
    columns: Columns | None,
    normaliser: str,
    texts: bool,
    vectors: Sequence[Path],
) -> list[Work]:
    """What there is to do, a part for each file."""
    if not paths:
        raise AuditError("no results to audit; give at least one file")
    if vectors and len(vectors) != len(paths):
        raise AuditError(
            f"{len(paths)} tables and {len(vectors)} files of embeddings; give one for each"
        )
    counting.normaliser(normaliser)
    with engine() as connection:
        tables = [opened(path, connection) for path in paths]
        same_columns(tables)
        found = find(str(paths[0]), tables[0].columns, columns)
        texts = texts and not found.counted
        works = [
            Work(table, found, file, 0, None, normaliser, texts, vectors[file] if vectors else None)
            for file, table in enumerate(tables)
        ]
        for work in works:
            if work.vectors:
                with refused(work.table.path):
                    rows = connection.execute(f"SELECT count(*) FROM {work.source}").fetchall()
                embeddings.matching(work, rows[0][0])
    return works


def finished(part: Part, works: Sequence[Work], surplus: Int64[np.ndarray, " rows"]) -> Read:
    """Sums of all parts together; places and voices by speaker. Raises AuditError where nothing is left."""
    source = ", ".join(str(work.table.path) for work in works[:3])
    columns = works[0].columns
    if part.rows and not part.heard:
        name = columns.errors if columns.counted else columns.hypothesis
        raise AuditError(
            f"{source}: the column {name!r} is empty in every row (from row 1 on); "
            "were the results written, and under this name?"
        )
    again = tuple(surplus[: reduction.SHOWN].tolist())
    faults = [*part.faults, *([Fault(checking.REPEATED, len(surplus), again)] if again else [])]
    places, moved = _places(part)
    faults = list(reduction.added_faults([*faults, *moved]))
    if not len(part.keys):
        why = "; ".join(f"{each.reason} ({each.rows} rows)" for each in faults)
        raise AuditError(f"{source}: no row is left to audit: {why or 'there are none'}")
    keys = np.ascontiguousarray(part.keys[:, :-2])
    begins = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(1)])
    sums = Sums(
        part.speakers, part.columns, part.values,
        keys[begins, 0], keys[begins, 1:], np.add.reduceat(part.counts, begins), places,
        part.voices.unit(part.speakers) if part.voices else None,
    )  # fmt: skip
    left_out = sorted((_left_out(each, works) for each in faults), key=lambda each: each.counted)
    return Read(
        columns, sums, tuple(left_out), part.rows + len(surplus),
        () if repeats.told_apart(works[0]) else (UNTOLD,), _examples(part, sums),
    )  # fmt: skip


def _places(part: Part) -> tuple[np.ndarray | None, list[Fault]]:
    """Latitude and longitude of each speaker, and who is in two places."""
    known = part.keys[:, -1] != checking.NOWHERE
    if not known.any():
        return None, []
    lines = part.keys[known][:, [0, -2, -1]]
    where = np.unique(lines, axis=0)
    several = np.bincount(where[:, 0], minlength=len(part.speakers)) > 1
    places = np.full((len(part.speakers), 2), np.nan)
    single = where[~several[where[:, 0]]]
    places[single[:, 0]] = single[:, 1:] / checking.MICRODEGREES
    moved = several[lines[:, 0]]
    if not moved.any():
        return places, []
    first = np.sort(part.first[known][moved])[: reduction.SHOWN]
    rows = int(part.counts[known][moved, -1].sum())
    return places, [Fault(checking.TWO_PLACES, rows, tuple(first.tolist()))]


def _left_out(fault: Fault, works: Sequence[Work]) -> LeftOut:
    """A fault with row numbers as a reader counts them; with several files, those in the first one named."""
    mask = (1 << FILE_BITS) - 1
    if len({work.file for work in works}) == 1:
        return LeftOut(fault.reason, fault.rows, tuple(each & mask for each in fault.first))
    file = fault.first[0] >> FILE_BITS
    name = next(work.table.path for work in works if work.file == file)
    rows = tuple(each & mask for each in fault.first if each >> FILE_BITS == file)
    return LeftOut(f"{fault.reason} (first in {name})", fault.rows, rows)


def _examples(part: Part, sums: Sums) -> tuple[tuple[int, Heard], ...]:
    if not part.examples:
        return ()
    row = {
        (sums.speakers[speaker], *(
            "" if code == UNKNOWN else values[code]
            for code, values in zip(codes, sums.values, strict=True)
        )): at
        for at, (speaker, codes) in enumerate(zip(sums.speaker, sums.codes, strict=True))
    }  # fmt: skip
    return tuple((row[(each.speaker, *each.labels)], each) for each in part.examples)


def _badness(each: Heard) -> tuple[int, int, str, str]:
    return (-each.errors, each.words, each.reference, each.hypothesis)
