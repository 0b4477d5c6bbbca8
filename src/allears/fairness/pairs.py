"""Two systems on the same speech: only utterances that count in both, so that what differs is the system.

They are joined by utterance id and speaker; without ids row by row, if the references are the same throughout.
Who speaks, where and with what voice is as the first table has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from allears.fairness import checking, counting, pairing, reading
from allears.fairness.checking import Work
from allears.fairness.columns import Columns
from allears.fairness.embeddings import added
from allears.fairness.pairing import ALONE, OTHER_REFERENCE, Numbers, Paired, Side
from allears.fairness.reading import Here, Read, Runner
from allears.fairness.reduction import SHOWN, Fault, Part, added_faults, with_voices
from allears.fairness.refusal import AuditError
from allears.fairness.tables import FILE_BITS

__all__ = ["ALONE", "OTHER_REFERENCE", "Pair", "read_pair"]


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
    runner: Runner | None = None,
) -> Pair:
    """Read two systems' results; arguments as for `reading.read`. What does not pair is counted as left out.

    Raises AuditError where that does, and where rows cannot be paired.
    """
    runner = runner or Here()
    ours = reading.planned(first, columns, normaliser, texts, vectors)
    theirs = _second(ours, second, columns)
    by_id = ours[0].columns.utterance is not None
    sides = [
        Side(tuple(works), reading.twice(works, runner) if by_id else _NONE)
        for works in (ours, theirs)
    ]
    found = runner.paired(*sides)
    if found.differ is not None:
        raise _other_references(found.differ, ours, theirs)
    parts = _voiced(found, ours, runner)
    again = [fault for each in sides for fault in _again(each.surplus)]
    parts = [replace(each, faults=added_faults([*each.faults, *again])) for each in parts]
    return Pair(*(reading.finished(each, [*ours, *theirs], _NONE) for each in parts))


_NONE: Numbers = np.zeros(0, np.int64)


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


def _again(surplus: Numbers) -> list[Fault]:
    first = tuple(surplus[:SHOWN].tolist())
    return [Fault(checking.REPEATED, len(surplus), first)] if first else []


def _other_references(differ: int, ours: Sequence[Work], theirs: Sequence[Work]) -> AuditError:
    file, row = differ >> FILE_BITS, differ & ((1 << FILE_BITS) - 1)
    paths = " and ".join(
        str(works[min(file, len(works) - 1)].table.path) for works in (ours, theirs)
    )
    return AuditError(
        f"{paths}: row {row}: the references are not the same, and there are no utterance ids to pair by; "
        "say which column has them with --utterance COLUMN"
    )


def _voiced(found: Paired, ours: Sequence[Work], runner: Runner) -> list[Part]:
    """Both parts, with the voices of the rows of both."""
    parts = [found.first, found.second]
    if not (ours[0].columns.embedding or ours[0].vectors):
        return parts
    heard = runner.each(pairing.heard, ours, found.numbers)
    voices = added(heard)
    if voices is None:
        return parts
    whole = replace(voices, faults=tuple(fault for each in heard for fault in each.faults))
    return [with_voices(part, whole) for part in parts]
