"""Lines and rings on a flat map: cut to a rectangle, written as SVG."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

Points = Float64[np.ndarray, "points 2"]
"""East or x first, then north or y."""


class Box(NamedTuple):
    """Degrees, as `findings.Region` has them."""

    south: float
    west: float
    north: float
    east: float

    def meets(self, other: "Box") -> bool:
        """Whether they have ground in common."""
        return (
            self.south < other.north
            and other.south < self.north
            and self.west < other.east
            and other.west < self.east
        )

    def common(self, other: "Box") -> "Box":
        """The ground in common of two that meet."""
        return Box(
            max(self.south, other.south),
            max(self.west, other.west),
            min(self.north, other.north),
            min(self.east, other.east),
        )

    def wider(self, degrees: float) -> "Box":
        """With so much more around it."""
        return Box(
            self.south - degrees, self.west - degrees, self.north + degrees, self.east + degrees
        )

    def outline(self, step: float = 0.5) -> Points:
        """Its edge as a ring, a point every `step` degrees at least, to be bent by a projection."""
        corners = np.array(
            [[self.west, self.south], [self.east, self.south], [self.east, self.north],
             [self.west, self.north], [self.west, self.south]]
        )  # fmt: skip
        sides = []
        for start, end in pairwise(corners):
            count = 1 + int(np.abs(end - start).max() / step)
            sides.append(start + (end - start) * np.linspace(0, 1, count, endpoint=False)[:, None])
        return np.concatenate([*sides, corners[-1:]])


def bounds(points: Points) -> Box:
    """The box around them."""
    west, south = points.min(0)
    east, north = points.max(0)
    return Box(float(south), float(west), float(north), float(east))


def cut_ring(ring: Points, box: Box) -> Points:
    """What of an area lies in a box (Sutherland and Hodgman 1974); empty where nothing does."""
    sides = ((0, box.west, 1), (0, box.east, -1), (1, box.south, 1), (1, box.north, -1))
    for axis, edge, sign in sides:
        if len(ring):
            ring = _one_side(ring, axis, edge, sign)
    return ring


def _one_side(ring: Points, axis: int, edge: float, sign: int) -> Points:
    there = sign * (ring[:, axis] - edge) >= 0
    if there.all():
        return ring
    before, was = np.roll(ring, 1, axis=0), np.roll(there, 1)
    crossed = was != there
    # Before each point comes where the edge was crossed on the way to it.
    both = np.stack([ring, ring], axis=1)
    start, end = before[crossed], ring[crossed]
    share = (edge - start[:, axis]) / (end[:, axis] - start[:, axis])
    both[crossed, 0] = start + (end - start) * share[:, None]
    found: Points = both[np.stack([crossed, there], axis=1)]
    return found


def cut_lines(lines: Sequence[Points], box: Box) -> list[Points]:
    """The pieces of lines in a box, each up to the first point outside."""
    if not lines:
        return []
    points = np.concatenate(lines)
    east, north = points.T
    inside: Bool[np.ndarray, " points"] = (
        (east >= box.west) & (east <= box.east) & (north >= box.south) & (north <= box.north)
    )
    drawn = inside[:-1] | inside[1:]
    drawn[np.cumsum([len(line) for line in lines])[:-1] - 1] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], drawn, [False]]).astype(np.int8)))
    return [points[at : end + 1] for at, end in zip(edges[::2], edges[1::2], strict=True)]


def area(ring: Points) -> float:
    """What a ring encloses (shoelace)."""
    x, y = (ring - ring[0]).T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def middle(rings: Iterable[Points]) -> Points | None:
    """A point within the largest of rings: half way through it on the line through its centre of mass."""
    largest = max(rings, key=area, default=None)
    if largest is None or not area(largest):
        return None
    x, y = largest.T
    cross = x * np.roll(y, -1) - y * np.roll(x, -1)
    level = float(((y + np.roll(y, -1)) * cross).sum() / (3 * cross.sum()))
    ends = np.roll(largest, -1, axis=0)
    crossing = (y <= level) != (ends[:, 1] <= level)
    start, end = largest[crossing], ends[crossing]
    at = start[:, 0] + (end - start)[:, 0] * (level - start[:, 1]) / (end - start)[:, 1]
    if len(at) < 2:
        centre: Points = largest.mean(0, keepdims=True)
        return centre
    at.sort()
    pairs = at.reshape(-1, 2)
    left, right = pairs[np.diff(pairs).argmax()]
    return np.array([[(left + right) / 2, level]])


def path(lines: Sequence[Points], project: Callable[[Points], Points], closed: bool = False) -> str:
    """SVG path data in tenths of a unit, whole numbers, each point from the one before."""
    if not lines:
        return ""
    points = np.round(10 * project(np.concatenate(lines))).astype(np.int64)
    steps = np.diff(points, axis=0, prepend=0)
    ends = np.cumsum([len(line) for line in lines]).tolist()
    starts = [0, *ends[:-1]]
    kept = (steps != 0).any(1)
    kept[starts] = False
    steps_before = np.concatenate([[0], np.cumsum(kept)]).tolist()
    moves = steps[kept].tolist()
    parts = []
    for start, end in zip(starts, ends, strict=True):
        line = moves[steps_before[start] : steps_before[end]]
        if line:
            numbers = " ".join(f"{x} {y}" for x, y in line).replace(" -", "-")
            parts.append(f"M{points[start, 0]} {points[start, 1]}l{numbers}{'z' * closed}")
    return "".join(parts)
