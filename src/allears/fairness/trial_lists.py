"""Lists of trials as tables: a row has a score, two speakers, and what is known of either.

Columns `score`, `label` (target or nontarget, 1 or 0), `enrolled`, `spoke`, and for any attribute `enrolled_…` and
`spoke_…`. Without `label`, a trial is a target where both names are the same.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from allears.fairness.refusal import AuditError
from allears.fairness.verification import Trials

TARGET = {
    "target": True,
    "1": True,
    "true": True,
    "nontarget": False,
    "0": False,
    "false": False,
    "impostor": False,
}
SIDES = ("enrolled", "spoke")
Row = Mapping[str, str]


def read(path: Path) -> Trials:
    """All trials of a CSV file. Raises AuditError, naming the row (from 1, the header not counted) and the
    remedy.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [
                {name: (value or "").strip() for name, value in row.items() if name}
                for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AuditError(f"{path}: cannot be read as CSV in UTF-8: {error}") from error
    if not rows:
        raise AuditError(f"{path}: there are no trials in it")
    missing = [name for name in ("score", *SIDES) if name not in rows[0]]
    if missing:
        raise AuditError(f"{path}: no column {' or '.join(missing)}; it has {', '.join(rows[0])}")
    return _trials(path, rows)


def _trials(path: Path, rows: list[dict[str, str]]) -> Trials:
    for number, row in enumerate(rows, 1):
        for side in SIDES:
            if not row[side]:
                raise AuditError(
                    f"{path}: row {number}: nobody is named in {side}; give a speaker or leave the row out"
                )
    speakers = tuple(sorted({row[side] for row in rows for side in SIDES}))
    numbers = {name: number for number, name in enumerate(speakers)}
    enrolled, spoke = (np.array([numbers[row[side]] for row in rows], np.int64) for side in SIDES)
    scores = np.array([_score(path, number, row) for number, row in enumerate(rows, 1)], float)
    target = np.array([_target(path, number, row) for number, row in enumerate(rows, 1)], bool)
    return Trials(scores, target, enrolled, spoke, speakers, _labels(path, rows, numbers))


def _score(path: Path, number: int, row: Row) -> float:
    try:
        score = float(row["score"])
    except ValueError:
        score = float("nan")
    if not np.isfinite(score):
        raise AuditError(
            f"{path}: row {number}: {row['score']!r} is no score; write a number or leave the row out"
        )
    return score


def _target(path: Path, number: int, row: Row) -> bool:
    if "label" not in row:
        return row["enrolled"] == row["spoke"]
    if row["label"].lower() not in TARGET:
        raise AuditError(
            f"{path}: row {number}: {row['label']!r} is no label; write target or nontarget"
        )
    return TARGET[row["label"].lower()]


def _labels(
    path: Path, rows: list[dict[str, str]], numbers: Mapping[str, int]
) -> dict[str, tuple[str | None, ...]]:
    """By attribute, each speaker's."""
    names = sorted(
        {name.partition("_")[2] for name in rows[0] if name.partition("_")[0] in SIDES} - {""}
    )
    found: dict[str, list[str | None]] = {name: [None] * len(numbers) for name in names}
    for number, row in enumerate(rows, 1):
        for name in names:
            for side in SIDES:
                value, who = row.get(f"{side}_{name}", ""), numbers[row[side]]
                if value and found[name][who] not in (None, value):
                    raise AuditError(
                        f"{path}: row {number}: {row[side]} has {name} {value!r}, "
                        f"but {found[name][who]!r} in a row before; one speaker has one"
                    )
                found[name][who] = value or found[name][who]
    return {name: tuple(values) for name, values in found.items()}
