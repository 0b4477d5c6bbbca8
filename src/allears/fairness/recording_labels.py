"""What a list of recordings says of their speakers, and of its trials, besides what they are."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from allears.fairness.recording_columns import RecordingColumns
from allears.fairness.refusal import AuditError, listed, quoted

FEWEST, MOST = 2, 20
"""Values of a column that is taken for an attribute where none is named."""

Numbers = Int64[np.ndarray, " rows"]
Texts = np.ndarray
"""Of objects: one text for each row, empty where there is none."""


def numbered(one: Texts, other: Texts) -> tuple[tuple[str, ...], tuple[Numbers, Numbers]]:
    """Texts in the order in which they come, and the number of each on either side."""
    both = np.stack((one, other), 1).ravel().tolist()
    numbers = {text: number for number, text in enumerate(dict.fromkeys(both))}
    found = np.array([numbers[each] for each in both], np.int64).reshape(-1, 2)
    return tuple(map(str, numbers)), (found[:, 0].copy(), found[:, 1].copy())


def of_speakers(
    path: Path,
    columns: RecordingColumns,
    texts: Mapping[str, Texts],
    who: tuple[Numbers, Numbers],
    speakers: tuple[str, ...],
    asked: bool,
) -> tuple[dict[str, tuple[str | None, ...]], tuple[str, ...]]:
    """By attribute what is known of each speaker, and what to know of attributes that were not taken.

    Raises AuditError where an attribute that was `asked` for has two values for one speaker.
    """
    found: dict[str, tuple[str | None, ...]] = {}
    skipped = []
    for name, both in columns.sides.items():
        values, sides = numbered(*(texts[each] for each in both))
        known = [each for each in values if each]
        label, odd = _each(sides, who, values, len(speakers))
        if asked and odd:
            row, speaker, value = odd
            raise AuditError(
                f"{path}: row {row}: speaker {quoted(speakers[speaker])} has {name} {quoted(values[value])}, but "
                f"{quoted(values[label[speaker]])} before; one speaker has one: correct it or leave it empty"
            )
        if asked or (not odd and FEWEST <= len(known) <= MOST):
            found[name] = tuple(values[each] or None if each >= 0 else None for each in label)
        elif known:
            skipped.append(name)
    return found, _skipped(skipped)


def _each(
    sides: tuple[Numbers, Numbers], who: tuple[Numbers, Numbers], values: tuple[str, ...], speakers: int
) -> tuple[Numbers, tuple[int, int, int] | None]:  # fmt: skip
    """Each speaker's value, −1 where none is known, and the first row, speaker and value that say otherwise."""
    empty = np.array([not each for each in values])
    rows, said = np.repeat(np.arange(len(sides[0])), 2), np.stack(sides, 1).ravel()
    speaker = np.stack(who, 1).ravel()
    known = ~empty[said]
    rows, said, speaker = rows[known], said[known], speaker[known]
    label = np.full(speakers, -1, np.int64)
    label[speaker[::-1]] = said[::-1]  # of several the first stays
    odd = np.flatnonzero(label[speaker] != said)
    if not len(odd):
        return label, None
    at = odd[0]
    return label, (int(rows[at]) + 1, int(speaker[at]), int(said[at]))


def of_trials(
    columns: RecordingColumns, texts: Mapping[str, Texts], asked: bool
) -> tuple[dict[str, Texts], tuple[str, ...]]:
    """By attribute what is known of each row, and what to know of columns that were not taken."""
    found, skipped = {}, []
    for name in columns.single:
        values = {each for each in texts[name].tolist() if each}
        if asked or FEWEST <= len(values) <= MOST:
            found[name] = texts[name]
        elif values:
            skipped.append(name)
    return found, _skipped(skipped)


def _skipped(names: list[str]) -> tuple[str, ...]:
    if not names:
        return ()
    return (
        f"not taken for attributes, since they have but one value, more than {MOST}, or several for one speaker: "
        f"{listed(names)}; name some with --by",
    )
