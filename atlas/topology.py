"""Outlines out of TopoJSON (topojson-specification): arcs, once each, shared by the areas on both sides."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64

from allears.fairness.report.geometry import Box, cut_ring

EVERYWHERE = Box(-90.0, -180.0, 90.0, 180.0)
Line = Float64[np.ndarray, "points 2"]
"""Longitude and latitude in degrees."""


class Topology:
    """The arcs of a file, made simpler once, so that whoever shares a border still shares it.

    `tolerance` is how far, in degrees of latitude, a line may be from where it was.
    """

    def __init__(self, content: Mapping[str, Any], tolerance: float) -> None:
        self.objects = content["objects"]
        scale, move = (np.array(content["transform"][each]) for each in ("scale", "translate"))
        arcs = (np.cumsum(np.array(arc), 0) * scale + move for arc in content["arcs"])
        self.arcs = [simpler(arc, tolerance) for arc in arcs]

    def rings(self, name: str, least: float) -> list[Line]:
        """The outlines of an object's areas, those of less than `least` square degrees left out."""
        joined = (self._joined(ring) for ring in _rings(self.objects[name]))
        pieces = (piece for ring in joined if len(ring) > 3 for piece in unrolled(ring))
        return [ring for ring in pieces if area(ring) >= least]

    def borders(self, name: str, least: int = 2) -> list[Line]:
        """Arcs that `least` areas of an object have in common."""
        return [self.arcs[arc] for arc, areas in self._users(name).items() if len(areas) >= least]

    def within(self, name: str, larger: str) -> list[Line]:
        """Borders of an object that are none of the `larger` areas that these make up."""
        outer = self._users(larger)
        inner = self._users(name)
        return [
            self.arcs[arc] for arc, areas in inner.items() if len(areas) > 1 and arc not in outer
        ]

    def _users(self, name: str) -> dict[int, set[int]]:
        found: dict[int, set[int]] = {}
        for number, geometry in enumerate(self.objects[name]["geometries"]):
            for ring in _rings(geometry):
                for arc in ring:
                    found.setdefault(arc if arc >= 0 else ~arc, set()).add(number)
        return found

    def _joined(self, ring: Sequence[int]) -> Line:
        lines = [self.arcs[arc] if arc >= 0 else self.arcs[~arc][::-1] for arc in ring]
        return np.concatenate([lines[0], *(line[1:] for line in lines[1:])])


def _rings(geometry: Mapping[str, Any]) -> Iterator[Sequence[int]]:
    if geometry["type"] == "GeometryCollection":
        for each in geometry["geometries"]:
            yield from _rings(each)
    elif geometry["type"] == "Polygon":
        yield from geometry["arcs"]
    elif geometry["type"] == "MultiPolygon":
        for polygon in geometry["arcs"]:
            yield from polygon


def unrolled(ring: Line) -> Iterator[Line]:
    """The pieces of an area on either side of 180°; none of one that goes around a pole."""
    ring = np.stack([np.unwrap(ring[:, 0], period=360), ring[:, 1]], axis=1)
    if abs(ring[-1, 0] - ring[0, 0]) > 180:
        return
    for turn in (-360, 0, 360):
        piece = cut_ring(ring[:-1] + np.array([turn, 0]), EVERYWHERE)
        if len(piece) > 2:
            yield np.concatenate([piece, piece[:1]])


def area(ring: Line) -> float:
    """What a ring encloses, in square degrees of latitude (shoelace; degrees of longitude shrink)."""
    east = ring[:, 0] * np.cos(np.radians(ring[:, 1].mean()))
    north = ring[:, 1]
    return abs(float(east[:-1] @ north[1:] - east[1:] @ north[:-1])) / 2


def simpler(line: Line, tolerance: float) -> Line:
    """Fewer points, all of them of the line, its ends among them (Douglas and Peucker 1973)."""
    flat = line * [np.cos(np.radians(line[:, 1].mean())), 1.0]
    kept = np.zeros(len(line), bool)
    kept[[0, -1]] = True
    spans = [(0, len(line) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        away = _distances(flat[first + 1 : last], flat[first], flat[last])
        farthest = int(away.argmax())
        if away[farthest] > tolerance:
            middle = first + 1 + farthest
            kept[middle] = True
            spans += [(first, middle), (middle, last)]
    return line[kept]


def _distances(
    points: Line, start: Float64[np.ndarray, " 2"], end: Float64[np.ndarray, " 2"]
) -> Float64[np.ndarray, " points"]:
    """From a straight line; from its start where that is its end too, as of a ring."""
    along, from_start = end - start, points - start
    length = np.hypot(*along)
    if length < 1e-12:
        found: np.ndarray = np.hypot(*from_start.T)
        return found
    crossed: np.ndarray = np.abs(from_start @ [-along[1], along[0]]) / length
    return crossed
