"""Lists of trials that are to be scored yet: two recordings each, whether one speaker is in both, and attributes.

Speakers are named by two columns, or by nobody: then recordings that trials say are of one speaker are taken for
one's, all others for somebody else's each. What two columns say (`gender_1`, `gender_2`) is of speakers, what one
says (`noise`) of trials.
"""

# ruff: noqa: S608  every name and path in a query is quoted, in `tables`

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy import sparse

from allears.fairness import recording_labels
from allears.fairness.findings import LeftOut
from allears.fairness.recording_columns import RecordingColumns, find
from allears.fairness.recording_labels import Numbers, Texts, numbered
from allears.fairness.refusal import AuditError, quoted
from allears.fairness.tables import NUMBER, Table, engine, opened
from allears.fairness.trial_checks import AGAIN, LABELS, SHOWN
from allears.fairness.trial_tables import Listed
from allears.fairness.unreadable import refused
from allears.fairness.verification import Trials

ITSELF = "a recording held against itself"
UNNAMED = (
    "speakers are not named (first_speaker and second_speaker): recordings that trials say are of one speaker are "
    "taken for one's, all others for somebody else's each"
)


@dataclass(frozen=True, slots=True)
class Unscored:
    """Trials as read, and the row of each, from 1.

    `first` and `second` point into `recordings`, as they are named there; `enrolled` and `spoke` into `speakers`.
    `labels` are by attribute, then by speaker; `marks` by attribute, then by trial, empty where unknown.
    """

    columns: RecordingColumns
    rows: Numbers
    recordings: tuple[str, ...]
    first: Numbers
    second: Numbers
    target: Bool[np.ndarray, " trials"]
    speakers: tuple[str, ...]
    enrolled: Numbers
    spoke: Numbers
    labels: Mapping[str, tuple[str | None, ...]]
    marks: Mapping[str, Texts]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    def scored(self, scores: Float64[np.ndarray, " trials"]) -> Listed:
        """As an audit wants them."""
        trials = Trials(scores, self.target, self.enrolled, self.spoke, self.speakers, self.labels)
        return Listed(trials, self.left_out, self.notes)

    def first_rows(self) -> Int64[np.ndarray, " recordings"]:
        """The first row that names each recording."""
        found = np.full(len(self.recordings), np.iinfo(np.int64).max)
        for side in (self.first, self.second):
            np.minimum.at(found, side, self.rows)
        return found


def read(path: Path, by: tuple[str, ...] = ()) -> Unscored:
    """The list in a table; attributes are those of `by`, or all that tell few groups apart.

    Raises AuditError, which names file, row (from 1, the header not counted), field and remedy.
    """
    with engine() as connection:
        table = opened(path, connection)
        columns = find(str(path), table.columns, by)
        fields = _fields(table, columns)
        chosen = ", ".join(
            f"coalesce({sql}, '') AS f{at}" for at, sql in enumerate(fields.values())
        )
        with refused(path):
            found = connection.execute(
                f"SELECT {chosen} FROM {table.source()} ORDER BY {NUMBER}"
            ).fetchnumpy()
    texts = {name: np.asarray(found[f"f{at}"], object) for at, name in enumerate(fields)}
    return _read(path, columns, texts, bool(by))


def _fields(table: Table, columns: RecordingColumns) -> dict[str, str]:
    fields = {each: table.name(each) for each in columns.names}
    fields |= {each: table.text(each) for each in columns.recordings}
    return fields | {columns.same: f"lower({table.text(columns.same)})"}


def _read(
    path: Path, columns: RecordingColumns, texts: Mapping[str, Texts], asked: bool
) -> Unscored:
    target = _target(path, columns, texts)
    recordings, (first, second) = numbered(*(texts[each] for each in columns.recordings))
    keep, left_out = _kept(path, columns.same, first, second, target, len(recordings))
    if columns.speakers:
        speakers, (enrolled, spoke) = numbered(*(texts[each] for each in columns.speakers))
        _agree(path, columns, target, enrolled, spoke, speakers)
        _one_each(path, (first, second), (enrolled, spoke), recordings, speakers)
    else:
        speakers, enrolled, spoke = _grouped(path, columns, first, second, target, recordings)
    labels, notes = recording_labels.of_speakers(
        path, columns, texts, (enrolled, spoke), speakers, asked
    )
    marks, more = recording_labels.of_trials(columns, texts, asked)
    unnamed = () if columns.speakers else (UNNAMED,)
    found = Unscored(
        columns, np.flatnonzero(keep) + 1, recordings, first[keep], second[keep], target[keep],
        speakers, enrolled[keep], spoke[keep], labels,
        {name: each[keep] for name, each in marks.items()}, left_out, (*unnamed, *notes, *more),
    )  # fmt: skip
    for there, missing in ((found.target, "of one speaker"), (~found.target, "of two speakers")):
        if not there.any():
            raise AuditError(
                f"{path}: has no trials {missing}; error rates need trials of both kinds"
            )
    return found


def _target(
    path: Path, columns: RecordingColumns, texts: Mapping[str, Texts]
) -> Bool[np.ndarray, " rows"]:
    """Whether each row's is of one speaker. Raises AuditError for the first row that cannot be counted."""
    label = texts[columns.same]
    if not len(label):
        raise AuditError(f"{path}: has no rows; a list of trials has one for each trial")
    for name in (*columns.recordings, *(columns.speakers or ())):
        what = "recording" if name in columns.recordings else "speaker"
        _refuse(
            path,
            texts[name] == "",
            lambda _, name=name, what=what: f"{name} is empty; name a {what} or leave the row out",  # type: ignore[misc]
        )
    _refuse(
        path,
        np.array([each not in LABELS for each in label]),
        lambda at: (
            f"{columns.same} {quoted(label[at])} says not whether it is one speaker; write 1 or 0, or yes or no"
        ),
    )
    return np.array([LABELS[each] for each in label], np.bool_)


def _kept(
    path: Path, same: str, first: Numbers, second: Numbers, target: Bool[np.ndarray, " rows"], count: int
) -> tuple[Bool[np.ndarray, " rows"], tuple[LeftOut, ...]]:  # fmt: skip
    """Which rows count: those of two recordings, the first of those that are the same, whichever comes first."""
    key = np.minimum(first, second) * count + np.maximum(first, second)
    _, begins, which = np.unique(key, return_index=True, return_inverse=True)
    before = begins[which]
    _refuse(
        path,
        target != target[before],
        lambda at: (
            f"{same} says {'one speaker' if target[at] else 'two speakers'}, row {before[at] + 1} of the same "
            "recordings says otherwise; correct one of them"
        ),
    )
    itself = first == second
    again = ~itself & (before != np.arange(len(first)))
    left_out = tuple(
        LeftOut(reason, int(rows.sum()), tuple((np.flatnonzero(rows)[:SHOWN] + 1).tolist()))
        for reason, rows in ((ITSELF, itself), (AGAIN, again))
        if rows.any()
    )
    return ~itself & ~again, left_out


def _agree(
    path: Path, columns: RecordingColumns, target: Bool[np.ndarray, " rows"],
    enrolled: Numbers, spoke: Numbers, speakers: tuple[str, ...],
) -> None:  # fmt: skip
    """Labels and names of speakers."""
    _refuse(
        path,
        target != (enrolled == spoke),
        lambda at: (
            f"{columns.same} says {'one speaker' if target[at] else 'two speakers'}, the names "
            f"{quoted(speakers[enrolled[at]])} and {quoted(speakers[spoke[at]])} differ; correct one of them"
        ),
    )


def _one_each(
    path: Path, sides: tuple[Numbers, Numbers], who: tuple[Numbers, Numbers],
    recordings: tuple[str, ...], speakers: tuple[str, ...],
) -> None:  # fmt: skip
    """A recording has one speaker."""
    by_recording = np.empty(len(recordings), np.int64)
    for side, speaker in zip(sides[::-1], who[::-1], strict=True):
        by_recording[side[::-1]] = speaker[::-1]  # of several the first stays
    for side, speaker in zip(sides, who, strict=True):
        _refuse(
            path,
            by_recording[side] != speaker,
            lambda at, side=side, speaker=speaker: (  # type: ignore[misc]
                f"{quoted(recordings[side[at]])} is of {quoted(speakers[speaker[at]])} here and of "
                f"{quoted(speakers[by_recording[side[at]]])} elsewhere; a recording is of one speaker: correct one"
            ),
        )


def _grouped(
    path: Path, columns: RecordingColumns, first: Numbers, second: Numbers,
    target: Bool[np.ndarray, " rows"], recordings: tuple[str, ...],
) -> tuple[tuple[str, ...], Numbers, Numbers]:  # fmt: skip
    """Speakers by what trials say, each called as the first of their recordings."""
    size = len(recordings)
    links = sparse.coo_array(
        (np.ones(target.sum()), (first[target], second[target])), shape=(size, size)
    )
    _, group = sparse.csgraph.connected_components(links, directed=False)
    _refuse(
        path,
        ~target & (group[first] == group[second]) & (first != second),
        lambda at: (
            f"{columns.same} says two speakers, other rows together say that {quoted(recordings[first[at]])} and "
            f"{quoted(recordings[second[at]])} are of one; correct one of them"
        ),
    )
    _, begins = np.unique(group, return_index=True)
    speakers = tuple(recordings[each] for each in begins)
    return speakers, group[first].astype(np.int64), group[second].astype(np.int64)


def _refuse(path: Path, wrong: Bool[np.ndarray, " rows"], says: Callable[[int], str]) -> None:
    """Raise AuditError for the first row of which it is so, if it is of any."""
    found = np.flatnonzero(wrong)
    if len(found):
        raise AuditError(f"{path}: row {found[0] + 1}: {says(int(found[0]))}")
