"""Regions between which word error rates differ most, found by cutting the map (arXiv 2207.07850).

A decision tree over latitude and longitude, grown best cut first on the sums of squares of a tenth of a degree:
what it costs depends on how many squares are lived in, not on how much was said. Regions are boxes between
parallels and meridians; longitudes are cut at ±180°, so a people on both sides of that meridian is two regions.
"""

from dataclasses import dataclass, field
from typing import Self, get_args

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numba import njit

from allears.fairness.cohorts.discovery import at_least, by_speaker, numbered, worst_first
from allears.fairness.cohorts.grid import CELL, Grid, grid, located, shape
from allears.fairness.cohorts.growth import LEAF, Growth
from allears.fairness.cohorts.split import Gain, Least
from allears.fairness.findings import Region, Rule
from allears.fairness.refusal import AuditError
from allears.fairness.sums import UNKNOWN, Groups, Sums

Box = tuple[float, float, float, float]


@dataclass
class GeographicTree:
    """Regions of word error rates that differ; region 1 is the worst of those it was fitted to.

    At most `max_regions`, each with at least so many speakers, words and utterances; fewer where no further cut
    is allowed or worth anything. `gain` is what a cut is judged by (see `split`), `cell` the squares' side in
    degrees.

    Fitted: `boxes_`, each region's south, west, north and east in degrees, within the box around all who had a
    part in it (the outermost regions go on to the poles and to ±180°); `names_`; `labels_`.
    """

    max_regions: int = 126
    gain: Gain = "words"
    min_speakers: int = 10
    min_words: int = 200
    min_utterances: int = 20
    cell: float = CELL
    names_: tuple[str, ...] = field(init=False, repr=False)
    boxes_: tuple[Box, ...] = field(init=False, repr=False)
    labels_: Int64[np.ndarray, " speakers"] = field(init=False, repr=False)
    _nodes: Int64[np.ndarray, "nodes 4"] = field(init=False, repr=False)
    """Axis (or LEAF), edge, the nodes on the near and far sides; of a leaf its region in place of the edge."""

    def fit(self, sums: Sums, among: Bool[np.ndarray, " speakers"] | None = None) -> Self:
        """Find regions. Raises AuditError where nobody's place is known."""
        places = _places(sums)
        chosen = slice(None) if among is None else among
        self.fit_grid(grid(places[chosen], by_speaker(sums)[chosen], self.cell))
        self.labels_ = self.predict(places)
        return self

    def fit_grid(self, where: Grid) -> Self:
        """Find regions in sums that may come from many machines; `labels_` is not set."""
        self._check(where)
        least = Least(self.min_speakers, self.min_words, self.min_utterances)
        tree = Growth(where, self.gain, least, self.max_regions)
        totals = np.array([where.counts[leaf.squares].sum(0) for leaf in tree.leaves])
        ranked = [tree.leaves[each] for each in worst_first(totals)]
        self._nodes = tree.nodes
        self._nodes[[leaf.node for leaf in ranked], 1] = np.arange(len(ranked))
        corners = np.array([leaf.box for leaf in ranked], np.int64).reshape(-1, 2)
        degrees = where.edges(corners).reshape(-1, 4)
        self.boxes_ = tuple((s, w, n, e) for s, w, n, e in degrees.tolist())
        self.names_ = numbered("region", len(ranked))
        return self

    def predict(self, places: Float64[np.ndarray, "places 2"]) -> Int64[np.ndarray, " places"]:
        """The regions of latitudes and longitudes; UNKNOWN for NaN, and for what is nowhere on Earth."""
        squares = located(places, self.cell)
        found: np.ndarray = _regions(squares, self._nodes)
        return found

    def groups(self, sums: Sums) -> Groups:
        """The regions' counts, speaker by speaker."""
        return sums.by_speaker(self.names_, self.predict(_places(sums)))

    @property
    def regions_(self) -> tuple[Region, ...]:
        """The same for a report's map."""
        boxes = zip(self.names_, self.boxes_, strict=True)
        return tuple(Region(name, (box,)) for name, box in boxes)

    @property
    def rules_(self) -> dict[str, Rule]:
        """Who is in each region: its box, going on to the poles and to ±180° where no cut stops it."""
        return {
            name: Rule(boxes=(area,)) for name, area in zip(self.names_, self._areas(), strict=True)
        }

    def _areas(self) -> list[Box]:
        """Of each region all that `predict` takes for it, in degrees."""
        areas: dict[int, Box] = {}
        waiting: list[tuple[int, list[int]]] = [(0, [0, 0, *shape(self.cell)])]
        while waiting:
            node, box = waiting.pop()
            axis, edge, near, far = self._nodes[node].tolist()
            if axis == LEAF:
                corners = np.array(box).reshape(2, 2) * self.cell - (90, 180)
                south, west, north, east = np.round(corners, 9).ravel().tolist()
                areas[edge] = south, west, min(90.0, north), min(180.0, east)
                continue
            below, above = box.copy(), box.copy()
            below[axis + 2], above[axis] = edge, edge
            waiting += [(near, below), (far, above)]
        return [areas[each] for each in range(len(areas))]

    def _check(self, where: Grid) -> None:
        at_least(self.max_regions, 1, "max_regions")
        at_least(self.min_speakers, 1, "min_speakers")
        if self.gain not in get_args(Gain):
            raise AuditError(f"gain {self.gain!r}: choose among {', '.join(get_args(Gain))}")
        if not len(where.squares):
            raise AuditError("nobody's place is known: latitude and longitude are empty throughout")


def _places(sums: Sums) -> Float64[np.ndarray, "speakers 2"]:
    if sums.places is None:
        raise AuditError(
            "there are no places: name the columns of latitude and longitude, or of zip codes"
        )
    return sums.places


@njit(cache=True)  # type: ignore[misc, unused-ignore]
def _regions(squares: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """The leaf of each square."""
    found = np.full(len(squares), UNKNOWN, np.int64)
    for each in range(len(squares)):
        node = 0
        while nodes[node, 0] != LEAF:
            node = nodes[node, 3 if squares[each, nodes[node, 0]] >= nodes[node, 1] else 2]
        if squares[each, 0] != UNKNOWN:
            found[each] = nodes[node, 1]
    return found
