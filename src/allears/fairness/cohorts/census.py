"""A table of what is known of the people in each zip code, as the user brings it: nothing of the kind ships.

The first line names the columns. One is `zip`; `lat` and `lon` (or `latitude` and `longitude`) are degrees;
columns of numbers are amounts or shares, all others are kinds.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from allears.fairness.cohorts.zips import zip_code
from allears.fairness.refusal import AuditError, quoted
from allears.fairness.sums import UNKNOWN

_PLACES = ("lat", "lon"), ("latitude", "longitude")
_NAMES = frozenset({"zip", "city", "county", *_PLACES[0], *_PLACES[1]})
"""Columns that name a place and are no attribute."""


@dataclass(frozen=True, slots=True)
class Census:
    """Zip codes, sorted, and by column their amounts (NaN where unknown) or kinds ("" where unknown)."""

    zips: tuple[str, ...]
    amounts: Mapping[str, Float64[np.ndarray, " zips"]]
    kinds: Mapping[str, np.ndarray]
    where: Float64[np.ndarray, "zips 2"] | None = None

    @classmethod
    def read(cls, path: Path) -> "Census":
        """A table in CSV; of a zip code given twice the first row counts. Raises AuditError."""
        names, rows = _read(path)
        at = names.index("zip")
        first: dict[str, list[str]] = {}
        for number, row in enumerate(rows, 1):
            code = zip_code(row[at])
            if code is None:
                raise AuditError(
                    f"{path}: row {number}: {quoted(row[at])} is no zip code of five digits"
                )
            first.setdefault(code, row)
        zips = tuple(sorted(first))
        columns = dict(zip(names, zip(*(first[code] for code in zips), strict=True), strict=True))
        found = {name: (_amounts(texts), texts) for name, texts in columns.items()}
        amounts = {name: each for name, (each, _) in found.items() if each is not None}
        kinds = {name: np.array(texts) for name, (each, texts) in found.items() if each is None}
        places = [[amounts[each] for each in pair] for pair in _PLACES if set(pair) <= set(amounts)]
        where = np.stack(places[0], 1) if places else None
        if where is not None:
            _possible(path, zips, where)
        return cls(zips, _attributes(amounts), _attributes(kinds), where)

    def rows(self, zips: Sequence[str]) -> Int64[np.ndarray, " speakers"]:
        """Where zip codes stand in the table, UNKNOWN for those that do not."""
        numbers = {code: number for number, code in enumerate(self.zips)}
        found = [numbers.get(zip_code(each) or "", UNKNOWN) for each in zips]
        return np.array(found, np.int64)

    def places(self, zips: Sequence[str]) -> Float64[np.ndarray, "speakers 2"]:
        """Latitude and longitude of the middle of zip codes, NaN where unknown."""
        if self.where is None:
            raise AuditError("the census table has no columns lat and lon")
        rows = self.rows(zips)
        return np.where((rows == UNKNOWN)[:, None], np.nan, self.where[rows])


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    """Names of columns, and rows of as many texts."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            names, *rows = [[text.strip() for text in row] for row in csv.reader(file) if row] or [
                []
            ]
    except OSError as error:
        raise AuditError(
            f"{path}: cannot be read ({error.strerror}); give a table in CSV"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise AuditError(f"{path}: cannot be read as a table in CSV ({error})") from None
    if "zip" not in names:
        raise AuditError(f"{path}: no column zip; a census table has one row for each zip code")
    if not rows:
        raise AuditError(f"{path}: no rows; a census table has one for each zip code")
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise AuditError(f"{path}: row {number}: {len(row)} fields under {len(names)} names")
    return names, rows


def _possible(path: Path, zips: Sequence[str], where: Float64[np.ndarray, "zips 2"]) -> None:
    """Raises AuditError for a zip code that is nowhere on Earth; one whose place is not known may be."""
    wrong = np.flatnonzero((np.abs(where) > (90, 180)).any(1))
    if len(wrong):
        latitude, longitude = where[wrong[0]]
        raise AuditError(
            f"{path}: zip code {zips[wrong[0]]}: latitude {latitude:g} and longitude {longitude:g} are no place; "
            "give degrees, or leave both empty"
        )


def _amounts(texts: Sequence[str]) -> Float64[np.ndarray, " zips"] | None:
    """Numbers, if all that is written down are some."""
    try:
        found = np.array([float(text) if text else np.nan for text in texts])
    except ValueError:
        return None
    return found if np.isfinite(found).any() else None


def _attributes(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: column for name, column in columns.items() if name not in _NAMES}
