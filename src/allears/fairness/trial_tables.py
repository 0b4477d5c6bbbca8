"""Trial lists in files become trials: scores, labels, speakers, and what is known of each.

What is known of speakers is in two columns of the list, one for either side, or in a table of its own.
"""

# ruff: noqa: S608  every name and path in a query is quoted, in `tables`

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float64

from allears.fairness import trial_columns
from allears.fairness.columns import USUAL
from allears.fairness.findings import LeftOut
from allears.fairness.refusal import AuditError, listed, quoted
from allears.fairness.tables import NUMBER, Table, engine, opened, same_columns
from allears.fairness.trial_checks import Rows, Texts, checked, told_apart
from allears.fairness.trial_columns import TrialColumns
from allears.fairness.unreadable import refused
from allears.fairness.verification import Trials

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

UNTOLD = (
    "neither trials nor recordings have names: "
    "trials that are there twice could not be told from trials alike"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """Trials as read: the attributes by which speakers can be told apart, what was left out, and what to know."""

    trials: Trials
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Known:
    """What is known of speakers, by attribute and name, and who said so first."""

    values: dict[str, dict[str, str]] = field(default_factory=dict)

    def learn(self, attribute: str, who: Texts, what: Texts, path: Path) -> None:
        """Raises AuditError where somebody has two values."""
        known = self.values.setdefault(attribute, {})
        for number, (speaker, value) in enumerate(zip(who, what, strict=True), 1):
            if not value or not speaker:
                continue
            if known.setdefault(speaker, value) != value:
                raise AuditError(
                    f"{path}: row {number}: speaker {quoted(speaker)} has {attribute} {quoted(value)}, but "
                    f"{quoted(known[speaker])} before; one speaker has one: correct it or leave it empty"
                )


def is_trials(path: Path) -> bool:
    """Whether a table is a list of trials, by its columns. Raises AuditError where it is no table."""
    with engine() as connection:
        return trial_columns.looks_like_trials(opened(path, connection).columns)


def read(
    paths: Sequence[Path],
    names: Mapping[str, str] | None = None,
    *,
    by: Sequence[str] | None = None,
    usual: Sequence[str] = (),
    speakers: Path | None = None,
) -> Listed:
    """Read trial lists of one kind.

    `names` are columns by their role (score, target, enrolled, tested; speaker, in the table `speakers`). `by`
    are attributes; None takes those of `usual` that are there. Raises AuditError, which names file, row (from 1,
    the header not counted), field and remedy.
    """
    names = names or {}
    with engine() as connection:
        tables = [opened(path, connection) for path in paths]
        same_columns(tables)
        columns = trial_columns.find(str(paths[0]), tables[0].columns, names)
        about = opened(speakers, connection) if speakers else None
        wanted = _wanted(columns, about, by, usual, str(paths[0]))
        files = [_rows(connection, table, columns, wanted) for table in tables]
        known = _Known()
        for file in files:
            for name in wanted:
                for side, column in zip(
                    ("enrolled", "tested"), columns.attributes.get(name, ()), strict=False
                ):
                    known.learn(name, file.texts[side], file.texts[column], file.path)
        if about:
            _learn(connection, about, names.get("speaker"), wanted, known)
    targets = [checked(file, columns) for file in files]
    kept, left_out = told_apart(files, columns)
    trials = _joined(files, targets, kept, known, wanted)
    if about and not any(any(each) for each in trials.labels.values()):
        raise AuditError(
            f"{about.path}: knows nobody of {paths[0]}, such as {quoted(trials.speakers[0])}; name speakers alike"
        )
    return Listed(trials, left_out, () if columns.told else (UNTOLD,))


def _wanted(
    columns: TrialColumns,
    about: Table | None,
    by: Sequence[str] | None,
    usual: Sequence[str],
    source: str,
) -> tuple[str, ...]:
    """Attributes as they are called here."""
    there = tuple(dict.fromkeys([*columns.attributes, *(about.columns if about else ())]))
    if by is None:
        return tuple(each for each in there if each.strip().lower() in usual)
    found = []
    for name in dict.fromkeys(by):
        same = [each for each in there if each == name] or [
            each for each in there if each.lower() == name.lower()
        ]
        if len(same) != 1:
            raise AuditError(
                f"{source}: nothing says the {name} (--by) of both speakers; give columns enrolled_{name} and "
                f"test_{name}, or a table of speakers with --speakers; there are: {listed(there) or 'none'}"
            )
        found += same
    return tuple(found)


def _rows(
    connection: "DuckDBPyConnection", table: Table, columns: TrialColumns, wanted: Sequence[str]
) -> Rows:
    attributes = [column for name in wanted for column in columns.attributes.get(name, ())]
    fields = {
        "score": table.text(columns.score),
        "target": f"lower({table.text(columns.target)})",
        "enrolled": table.name(columns.enrolled),
        "tested": table.name(columns.tested),
    }
    fields |= {each: table.name(each) for each in (*columns.told, *attributes)}
    scores, texts = _fetched(connection, table, fields, table.number(columns.score))
    if not len(scores):
        raise AuditError(f"{table.path}: has no rows; a trial list has one for each trial")
    return Rows(table.path, scores, texts)


def _fetched(
    connection: "DuckDBPyConnection", table: Table, fields: Mapping[str, str], number: str = "0"
) -> tuple[Float64[np.ndarray, " rows"], dict[str, Texts]]:
    """SQL as columns, rows in order; a number that is none is NaN, a text that is none empty."""
    chosen = ", ".join(f"coalesce({sql}, '') AS f{at}" for at, sql in enumerate(fields.values()))
    with refused(table.path):
        found = connection.execute(
            f"SELECT coalesce({number}, 'nan'::DOUBLE) AS number, {chosen} FROM {table.source()} "
            f"ORDER BY {NUMBER}"
        ).fetchnumpy()
    texts = {name: np.asarray(found[f"f{at}"], object) for at, name in enumerate(fields)}
    return np.asarray(found["number"], float), texts


def _learn(
    connection: "DuckDBPyConnection",
    about: Table,
    speaker: str | None,
    wanted: Sequence[str],
    known: _Known,
) -> None:
    """What a table of speakers says."""
    column = trial_columns.chosen(
        str(about.path), about.columns, "speaker", speaker, USUAL["speaker"]
    )
    own = [each for each in wanted if each in about.columns]
    fields = {"": about.name(column)} | {each: about.name(each) for each in own}
    _, texts = _fetched(connection, about, fields)
    for name in own:
        known.learn(name, texts[""], texts[name], about.path)


def _joined(
    files: Sequence[Rows],
    targets: Sequence[Bool[np.ndarray, " _"]],
    kept: Sequence[Bool[np.ndarray, " _"]],
    known: _Known,
    wanted: Sequence[str],
) -> Trials:
    """Raises AuditError where all trials are of one kind."""
    target = np.concatenate([each[keep] for each, keep in zip(targets, kept, strict=True)])
    for there, missing in ((target, "of one speaker"), (~target, "of two speakers")):
        if not there.any():
            raise AuditError(
                f"{files[0].path}: has no trials {missing}; error rates need trials of both kinds"
            )
    sides = [
        np.concatenate([file.texts[side][keep] for file, keep in zip(files, kept, strict=True)])
        for side in ("enrolled", "tested")
    ]
    names, numbers = np.unique(np.concatenate(sides), return_inverse=True)
    enrolled, tested = numbers.reshape(2, -1).astype(np.int64)
    scores = np.concatenate([file.scores[keep] for file, keep in zip(files, kept, strict=True)])
    labels = {
        name: tuple(known.values.get(name, {}).get(each) for each in names) for name in wanted
    }
    return Trials(scores, target, enrolled, tested, tuple(map(str, names)), labels)
