"""Rows of trial lists that cannot be counted, and trials that are there twice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64

from allears.fairness.findings import LeftOut
from allears.fairness.refusal import AuditError, quoted
from allears.fairness.trial_columns import TrialColumns

LABELS = dict.fromkeys(
    ("1", "1.0", "true", "yes", "target", "tar", "same", "genuine", "match"), True
) | dict.fromkeys(
    (
        "0", "0.0", "-1", "false", "no", "nontarget", "non-target", "non_target", "non", "different",
        "impostor", "imposter", "nonmatch", "non-match",
    ),
    False,
)  # fmt: skip
AGAIN = "a trial that is there already"
SHOWN = 3

Texts = np.ndarray
"""Of objects: one text for each row, empty where there is none."""


@dataclass(slots=True)
class Rows:
    """Columns of one file."""

    path: Path
    scores: Float64[np.ndarray, " rows"]
    texts: Mapping[str, Texts]
    """By field or column."""


def checked(file: Rows, columns: TrialColumns) -> Bool[np.ndarray, " rows"]:
    """Whether each row's is of one speaker. Raises AuditError for the first row that cannot be counted."""
    score, label = file.texts["score"], file.texts["target"]
    enrolled, tested = file.texts["enrolled"], file.texts["tested"]
    for side, column in (("enrolled", columns.enrolled), ("tested", columns.tested)):
        for at in _first(file.texts[side] == ""):
            raise AuditError(
                f"{file.path}: row {at + 1}: {column} names nobody; give the speaker or leave the row out"
            )
    for at in _first(~np.isfinite(file.scores)):
        raise AuditError(
            f"{file.path}: row {at + 1}: {columns.score} {quoted(score[at])} is no number; "
            "write one or leave the row out"
        )
    kinds, which = np.unique(label, return_inverse=True)
    for at in _first(np.array([each not in LABELS for each in kinds])[which]):
        raise AuditError(
            f"{file.path}: row {at + 1}: {columns.target} {quoted(label[at])} says not whether it is one speaker; "
            "write 1 or 0, or target or nontarget"
        )
    target: Bool[np.ndarray, " rows"] = np.array([LABELS[each] for each in kinds])[which]
    for at in _first(target != (enrolled == tested)):
        raise AuditError(
            f"{file.path}: row {at + 1}: {columns.target} says {'one speaker' if target[at] else 'two speakers'}, "
            f"{columns.enrolled} {quoted(enrolled[at])} and {columns.tested} {quoted(tested[at])} say otherwise; "
            "correct one of them"
        )
    return target


def _first(wrong: Bool[np.ndarray, " rows"]) -> Iterator[int]:
    """The first row of which it is so, if it is of any."""
    found = np.flatnonzero(wrong)
    if len(found):
        yield int(found[0])


def told_apart(
    files: Sequence[Rows], columns: TrialColumns
) -> tuple[list[Bool[np.ndarray, " _"]], tuple[LeftOut, ...]]:
    """Which rows of each file count: the first of those that are the same trial."""
    kept = [np.ones(len(file.scores), bool) for file in files]
    if not columns.told:
        return kept, ()
    seen: dict[tuple[str, ...], float] = {}
    again: list[tuple[Path, int]] = []
    for file, keep in zip(files, kept, strict=True):
        sides = (file.texts[each] for each in ("enrolled", "tested", *columns.told))
        for at, (key, score) in enumerate(zip(zip(*sides, strict=True), file.scores, strict=True)):
            # Without a name it cannot be the same as another.
            if not all(key) or key not in seen:
                seen[key] = score
                continue
            if seen[key] != score:
                raise AuditError(
                    f"{file.path}: row {at + 1}: scores {score:g} a trial that was scored {seen[key]:g} before "
                    f"({', '.join(map(quoted, key))}); leave one out"
                )
            keep[at] = False
            again.append((file.path, at + 1))
    if not again:
        return kept, ()
    first = again[0][0]
    rows = tuple(row for path, row in again if path == first)[:SHOWN]
    where = "" if len(files) == 1 else f" (first in {first})"
    return kept, (LeftOut(f"{AGAIN}{where}", len(again), rows),)
