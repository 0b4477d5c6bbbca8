"""Counts on the map: squares of a tenth of a degree, which add up whatever machine they come from.

A place belongs to the square whose south-west corner it is on. Longitudes are cut at ±180°, where 180 is −180;
no square, and so no region, crosses that meridian.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32, Int64
from numba import njit

from allears.fairness.sums import UNKNOWN

CELL = 0.1
"""Degrees."""
SPEAKERS = 3
"""Column of counts beside errors, words and utterances. Speakers add, since each has one place."""
_FEW, _DENSE = 2**17, 2**24
"""Between them counting is faster than sorting."""
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Grid:
    """Squares in which somebody lives, in the order of latitude, then longitude; no two alike."""

    cell: float
    squares: Int64[np.ndarray, "squares 2"]
    """Steps north of −90° and east of −180°."""
    counts: Int64[np.ndarray, "squares 4"]

    def __add__(self, other: "Grid") -> "Grid":
        if self.cell != other.cell:
            raise ValueError("grids of different squares do not add")
        keys = np.concatenate((_keys(self.squares, self.cell), _keys(other.squares, self.cell)))
        return _summed(keys, np.concatenate((self.counts, other.counts)), self.cell)

    def edges(self, squares: Int64[np.ndarray, "boxes 2"]) -> Float64[np.ndarray, "boxes 2"]:
        """Latitude and longitude, in degrees, of south-west corners."""
        return np.round(squares * self.cell - (90, 180), 9)


def grid(
    places: Float64[np.ndarray, "speakers 2"],
    counts: Int64[np.ndarray, "speakers 3"],
    cell: float = CELL,
) -> Grid:
    """The sums of speakers at latitudes and longitudes (degrees); those of unknown places are left out."""
    squares = located(places, cell)
    known = squares[:, 0] != UNKNOWN
    counts = np.concatenate((counts, np.ones((len(counts), 1), np.int64)), 1)
    return _summed(_keys(squares[known], cell), counts[known], cell)


def located(
    places: Float64[np.ndarray, "places 2"], cell: float = CELL
) -> Int64[np.ndarray, "places 2"]:
    """The squares of places; UNKNOWN twice where one is NaN or nowhere on Earth."""
    rows, columns = shape(cell)
    found: np.ndarray = _located(np.ascontiguousarray(places, np.float64), cell, rows, columns)
    return found


def shape(cell: float) -> tuple[int, int]:
    """How many squares there are from south to north, and around."""
    return int(np.ceil(180 / cell - _SLACK)), int(np.ceil(360 / cell - _SLACK))


def _keys(squares: Int64[np.ndarray, "any 2"], cell: float) -> Int64[np.ndarray, " any"]:
    found: np.ndarray = squares[:, 0] * shape(cell)[1] + squares[:, 1]
    return found


def _summed(
    keys: Int64[np.ndarray, " any"], counts: Int64[np.ndarray, "any 4"], cell: float
) -> Grid:
    """Add what is in the same square."""
    rows, columns = shape(cell)
    if len(keys) > _FEW and rows * columns <= _DENSE:
        there, place = _numbered(keys, rows * columns)
        at = place[keys]
    else:
        there, at = np.unique(keys, return_inverse=True)
    squares = np.stack((there // columns, there % columns), 1).astype(np.int64)
    return Grid(cell, squares, _added(at, counts, len(there)))


def _numbered(
    keys: Int64[np.ndarray, " any"], size: int
) -> tuple[Int64[np.ndarray, " there"], Int32[np.ndarray, " size"]]:
    """Which keys there are, sorted, and the number of each."""
    place = np.zeros(size, np.int32)
    place[keys] = 1
    there = np.flatnonzero(place)
    place[there] = np.arange(len(there))
    return there, place


@njit(cache=True)  # type: ignore[misc, unused-ignore]
def _located(places: np.ndarray, cell: float, rows: int, columns: int) -> np.ndarray:
    found = np.full(places.shape, UNKNOWN, np.int64)
    for each in range(len(places)):
        latitude, longitude = places[each]
        # False for NaN, too.
        if abs(latitude) <= 90 and abs(longitude) <= 180:
            found[each, 0] = min(rows - 1, int((latitude + 90) / cell + _SLACK))
            found[each, 1] = int((longitude + 180) / cell + _SLACK) % columns
    return found


@njit(cache=True)  # type: ignore[misc, unused-ignore]
def _added(at: np.ndarray, counts: np.ndarray, size: int) -> np.ndarray:
    found = np.zeros((size, counts.shape[1]), np.int64)
    for each in range(len(at)):
        for what in range(counts.shape[1]):
            found[at[each], what] += counts[each, what]
    return found
