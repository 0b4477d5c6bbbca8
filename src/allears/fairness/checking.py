"""What is wrong with a row, in SQL: rows that cannot be counted, each with the first thing that speaks against it.

A hypothesis that is empty or null is one in which nothing was recognised, in every form of table, as text tables
cannot tell the two apart: all words of the reference are errors. So is one that is only what programs write for
null, unless the reference says it. A reference that is only that is taken at its word. Such rows are told of. Half
a place, NaN, and what lies beyond the poles or ±180° is no place; the row counts, but not on the map.
"""

# ruff: noqa: S608  every name and path in a query is quoted, in `tables`

from dataclasses import dataclass
from pathlib import Path

from allears.fairness import counting
from allears.fairness.columns import Columns
from allears.fairness.tables import NUMBER, UNKNOWN, Table, quoted

COUNTED = 0
NO_SPEAKER, NO_REFERENCE, NO_TEXT, BAD_ERRORS, BAD_WORDS, NO_COUNT, TOO_MANY = range(1, 8)
REASONS = {
    counting.NO_WORDS: "the reference has no words once normalised, so its errors cannot be divided",
    counting.NOT_NORMAL: "the texts cannot be normalised",
    counting.TOO_LONG: "the texts are too long to be aligned",
    NO_SPEAKER: "the speaker is missing",
    NO_REFERENCE: "the reference is empty, so its errors cannot be divided",
    NO_TEXT: "the reference or the hypothesis is no text but a list or an object",
    BAD_ERRORS: "errors is not a whole number from 0",
    BAD_WORDS: "words is not a whole number from 0 to a million",
    NO_COUNT: "words is 0, so its errors cannot be divided",
    TOO_MANY: "there are far more errors than words",
}
"""Why a row is not counted, in the order in which it is asked."""

NO_PLACE, BAD_PLACE = 1, 2
PLACE_REASONS = {
    NO_PLACE: "counted, but not on the map: latitude or longitude is missing",
    BAD_PLACE: "counted, but not on the map: latitude or longitude is NaN or impossible",
}
TWO_PLACES = "counted, but not on the map: the speaker is in two places"
REPEATED = "the same utterance again (counted once)"

UNHEARD = (
    "counted, all words as errors: the hypothesis is empty, or no more than NA, NaN, None or null"
)
DOUBTFUL = "counted, but the reference may be missing: it is no more than NA, NaN, None or null"

MOST_WORDS, MOST_INSERTED = 1_000_000, 1_000
NOWHERE = -(2**31)
"""In place of a coordinate that is not known."""
MICRODEGREES = 1_000_000
"""Coordinates are whole numbers of these parts of a degree (11 cm), so that places compare exactly."""
NULLS = tuple(dict.fromkeys(each.lower() for each in UNKNOWN))
"""What programs write for a text that they do not have; a whole column of it is refused."""


@dataclass(frozen=True, slots=True)
class Work:
    """Rows `begin` … `end` − 1 of a table (all, where `end` is None), the `file`th, and what to do with them.

    `vectors` is a .npy file of embeddings, a row for each row of the table.
    """

    table: Table
    columns: Columns
    file: int = 0
    begin: int = 0
    end: int | None = None
    normaliser: str = counting.DEFAULT
    texts: bool = False
    vectors: Path | None = None

    @property
    def source(self) -> str:
        """SQL of the rows as they are in the file."""
        return self.table.source(self.file, self.begin, self.end)


def rows(work: Work) -> str:
    """SQL of every row: number, why, speaker, label0 …, latitude, longitude, place, errors, words, heard and
    doubtful.

    `why` is a key of `REASONS` or `COUNTED`; `place` of `PLACE_REASONS` or 0; coordinates are whole
    microdegrees or `NOWHERE`; `heard` says whether there is a hypothesis of any use, `doubtful` whether there may
    be no reference. Reference and hypothesis stand beside them where `work.texts`.
    """
    labels = [f"label{at}" for at in range(len(work.columns.labels))]
    kept = ["number", "speaker", *labels, "latitude", "longitude", "place", "heard", "doubtful"]
    if work.texts:
        kept += ["reference", "hypothesis"]
    known = f"(SELECT *, {_places(work.columns)}, {_counts(work.columns)} FROM ({_fields(work)}))"
    if work.columns.counted:
        found = "why, e::BIGINT AS errors, w::BIGINT AS words"
        return f"SELECT {', '.join(kept)}, {found} FROM {known}"
    found = f"CASE WHEN why = {COUNTED} THEN word_errors(reference, hypothesis) END AS found"
    bits = counting.WORD_BITS
    return (
        f"SELECT {', '.join(kept)}, CASE WHEN found < 0 THEN found ELSE why END AS why, "
        f"found >> {bits} AS errors, found & {(1 << bits) - 1} AS words "
        f"FROM (SELECT *, {found} FROM {known})"
    )


def _fields(work: Work) -> str:
    """SQL of the fields as they are, texts for all but numbers."""
    table, columns = work.table, work.columns
    assert columns.speaker
    fields = [f"{NUMBER} AS number", f"{table.name(columns.speaker)} AS speaker"]
    fields += [f"{label(work, name)} AS label{at}" for at, name in enumerate(columns.labels)]
    if columns.latitude and columns.longitude:
        for name, column in (("a", columns.latitude), ("o", columns.longitude)):
            fields.append(f"{table.missing(column)} AS {name}_missing")
            fields.append(f"{table.number(column)} AS {name}")
    if columns.counted:
        assert columns.errors and columns.words
        for name, column in (("e", columns.errors), ("w", columns.words)):
            fields.append(f"{table.number(column)} AS {name}")
    else:
        assert columns.reference and columns.hypothesis
        fields.append(f"{table.text(columns.reference)} AS reference")
        fields.append(f"coalesce({table.value(columns.hypothesis)}, '') AS hypothesis")
        strange = [table.none(each) for each in (columns.reference, columns.hypothesis)]
        fields.append(f"({' OR '.join(strange)}) AS strange")
    return f"SELECT {', '.join(fields)} FROM {work.source}"


def label(work: Work, column: str) -> str:
    """SQL of a label; a zip code of the United States in five digits, whatever programs made of it."""
    text = work.table.name(column)
    if column != work.columns.zip:
        return text
    short = f"regexp_replace({text}, '(\\.0+|-[0-9]{{4}})$', '')"
    return f"CASE WHEN regexp_matches({short}, '^[0-9]{{1,5}}$') THEN lpad({short}, 5, '0') ELSE {text} END"


def _places(columns: Columns) -> str:
    if not columns.latitude:
        return f"{NOWHERE} AS latitude, {NOWHERE} AS longitude, 0 AS place"
    possible = "(a BETWEEN -90 AND 90 AND o BETWEEN -180 AND 180)"
    parts = [
        f"CASE WHEN {possible} THEN CAST(round({at} * {MICRODEGREES}) AS BIGINT) ELSE {NOWHERE} END AS {name}"
        for at, name in (("a", "latitude"), ("o", "longitude"))
    ]
    why = (
        f"CASE WHEN {possible} THEN 0 WHEN a_missing OR o_missing THEN {NO_PLACE} "
        f"ELSE {BAD_PLACE} END AS place"
    )
    return ", ".join([*parts, why])


def _counts(columns: Columns) -> str:
    """SQL of `why`, `heard` and `doubtful`."""
    if columns.counted:
        cases = [
            ("speaker IS NULL", NO_SPEAKER),
            ("NOT coalesce(e >= 0 AND e = floor(e) AND isfinite(e), false)", BAD_ERRORS),
            (f"NOT coalesce(w BETWEEN 0 AND {MOST_WORDS} AND w = floor(w), false)", BAD_WORDS),
            ("w = 0", NO_COUNT),
            (f"e > w + {MOST_INSERTED}", TOO_MANY),
        ]
        told = "e IS NOT NULL AS heard, false AS doubtful"
    else:
        cases = [
            ("speaker IS NULL", NO_SPEAKER),
            ("strange", NO_TEXT),
            ("reference IS NULL", NO_REFERENCE),
        ]
        told = f"{_said('hypothesis', 'reference')} AS heard, NOT {_said('reference', 'hypothesis')} AS doubtful"
    whens = " ".join(f"WHEN {case} THEN {code}" for case, code in cases)
    return f"CASE {whens} ELSE {COUNTED} END AS why, {told}"


def _said(text: str, other: str) -> str:
    """SQL of whether there is a text, and not what programs write where there is none, unless the other has it."""
    plain = f"lower(trim(coalesce({text}, '')))"
    nulls = ", ".join(map(quoted, NULLS))
    return f"({plain} <> '' AND ({plain} NOT IN ({nulls}) OR contains(lower(coalesce({other}, '')), {plain})))"
