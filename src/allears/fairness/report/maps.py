"""Regions on a map: the United States with Alaska, Hawaii and Puerto Rico moved in, or any part of the world."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allears.fairness.findings import Group, Grouping, Region
from allears.fairness.report import geometry
from allears.fairness.report.atlas import outlines
from allears.fairness.report.figures import SERVICE, coarse, counted, rates, service
from allears.fairness.report.geometry import Box, Points, cut_lines, cut_ring, path
from allears.fairness.report.projections import Projection, albers, fitted, plain

WIDTH, TALLEST = 1000.0, 760.0
"""A map's units, in which a letter is about 14 high."""

US = Box(17.0, -180.0, 72.0, -64.0)
EARTH = Box(-58.0, -180.0, 80.0, 180.0)
SIGNS = {"worse": " ▲", "better": " ▼", "unsure": ""}
LETTER, LINE = 8.0, 18.0


@dataclass(frozen=True, slots=True)
class Shape:
    """A region in one frame: whose, where it is, how it is served, and what is said of it."""

    group: str
    d: str
    service: str
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """What is written on a region."""

    x: float
    y: float
    text: str
    service: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A part of the earth in a rectangle of the map (x, y, width, height); path data in tenths."""

    place: tuple[float, float, float, float]
    inset: bool
    land: str
    nation: str
    fine: str
    coarse: str
    shapes: tuple[Shape, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """All frames, on a sheet of `width` by `height`."""

    width: float
    height: float
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class _View:
    ground: Box
    seen: Box
    place: tuple[float, float, float, float]
    project: Projection
    american: bool
    inset: bool = False


def drawn(grouping: Grouping) -> Map | None:
    """The regions of a grouping; None where it has none."""
    groups = {each.name: each for each in grouping.groups}
    regions = [(groups[each.group], each) for each in grouping.regions if each.group in groups]
    boxes = [Box(*box) for _, region in regions for box in region.boxes]
    if not boxes:
        return None
    views = _views(boxes)
    _, _, width, height = views[0].place
    return Map(width, height, tuple(_frame(view, regions) for view in views))


def _views(boxes: Sequence[Box]) -> list[_View]:
    """The United States where all regions are there, else what is around them."""
    around = Box(
        min(each.south for each in boxes), min(each.west for each in boxes),
        max(each.north for each in boxes), max(each.east for each in boxes),
    )  # fmt: skip
    states = _states()
    american = US.common(around) == around and (around.north - around.south > 8)
    if american and all(any(box.meets(view.ground) for view in states) for box in boxes):
        return [
            states[0],
            *(view for view in states[1:] if any(box.meets(view.ground) for box in boxes)),
        ]
    return [_anywhere(around)]


def _states() -> list[_View]:
    mainland = Box(21.8, -125.0, 49.6, -66.7)
    places = (
        (mainland, albers(29.5, 45.5, -96.0, 37.5), (0.0, 0.0, WIDTH, 606.0)),
        (
            Box(54.0, -170.5, 71.6, -129.8),
            albers(55.0, 65.0, -154.0, 60.0),
            (10.0, 454.0, 180.0, 142.0),
        ),
        (
            Box(18.8, -160.4, 22.3, -154.7),
            albers(8.0, 18.0, -157.0, 20.0),
            (200.0, 510.0, 128.0, 86.0),
        ),
        (Box(17.85, -67.35, 18.6, -65.2), plain(18.0), (880.0, 536.0, 110.0, 60.0)),
    )
    views = []
    for number, (ground, flat, place) in enumerate(places):
        where, project = fitted(flat, ground, place)
        views.append(_View(ground, ground.wider(7.0), where, project, True, number > 0))
    return views


def _anywhere(around: Box) -> _View:
    ground = around.common(EARTH) if around.meets(EARTH) else EARTH
    ground = ground.wider(0.06 * max(ground.north - ground.south, ground.east - ground.west, 1.0))
    middle = np.radians((ground.south + ground.north) / 2)
    wide = (ground.east - ground.west) * float(np.cos(middle))
    tall = ground.north - ground.south
    more = max(0.0, 1.4 * tall - wide) / float(np.cos(middle)) / 2
    lack = max(0.0, wide / 2.2 - tall) / 2
    seen = Box(ground.south - lack, ground.west - more, ground.north + lack, ground.east + more)
    where, project = fitted(plain(float(np.degrees(middle))), seen, (0.0, 0.0, WIDTH, 0.0))
    us = Box(24.0, -125.0, 50.0, -66.0)
    american = us.meets(seen) and us.common(seen) == seen
    return _View(seen, seen, where, project, american)


def _frame(view: _View, regions: Sequence[tuple[Group, Region]]) -> Frame:
    layers = outlines()
    rings = _rings("land", view.seen)
    nation = _rings("nation", view.seen) if view.american else []
    shapes, places = [], []
    for group, region in regions:
        boxes = [
            Box(*each).common(view.seen) for each in region.boxes if Box(*each).meets(view.ground)
        ]
        if not boxes:
            continue
        d = path([each.outline() for each in boxes], view.project, closed=True)
        shapes.append(Shape(group.name, d, service(group), title(group)))
        where = _middle(boxes, nation or rings, view)
        places.append((group, *where))

    def lines(name: str) -> str:
        return path(cut_lines(layers[name], view.seen), view.project)

    return Frame(
        view.place,
        view.inset,
        path(rings, view.project, closed=True),
        path(nation, view.project, closed=True),
        lines("counties") if view.american and not view.inset else "",
        lines("states" if view.american else "borders"),
        tuple(shapes),
        tuple(_labels(places, view)),
    )


def title(group: Group) -> str:
    """What is said of a region where it is pointed at."""
    interval = f" ({rates(group.wer)})" if group.wer.bounded else ""
    size = counted(group.speakers, "speaker")
    return f"{group.name}: {coarse(group.wer.value)} wrong{interval}, {SERVICE[service(group)]}, {size}"


def _rings(layer: str, seen: Box) -> list[Points]:
    near = (ring for ring in outlines()[layer] if geometry.bounds(ring).meets(seen))
    return [piece for ring in near if len(piece := cut_ring(ring, seen)) > 2]


def _middle(
    boxes: Sequence[Box], rings: Sequence[Points], view: _View
) -> tuple[float, float, float]:
    """Where a region is to be labelled, on land if it has any, and how large that is on the map."""
    boxes = [box.common(view.ground) for box in boxes if box.meets(view.ground)]
    near = [(ring, geometry.bounds(ring)) for ring in rings]
    cut = (cut_ring(ring, box) for box in boxes for ring, around in near if around.meets(box))
    pieces = [piece for piece in cut if len(piece) > 2]
    found = geometry.middle(pieces)
    if found is None:
        box = max(boxes, key=lambda each: (each.north - each.south) * (each.east - each.west))
        found = np.array([[(box.west + box.east) / 2, (box.south + box.north) / 2]])
    x, y = view.project(found)[0]
    size = max((geometry.area(view.project(piece)) for piece in pieces), default=0.0)
    return float(x), float(y), size


def _labels(places: Sequence[tuple[Group, float, float, float]], view: _View) -> list[Label]:
    """Those that have room: who is served otherwise first, then the largest regions."""
    left, top, width, height = view.place
    found: list[Label] = []
    taken: list[tuple[float, float, float]] = []
    order = sorted(places, key=lambda each: (service(each[0]) == "unsure", -each[3]))
    for group, x, y, size in order:
        how = service(group)
        text = coarse(group.wer.value) + SIGNS[how]
        half = LETTER * len(text) / 2
        x = min(max(x, left + half), left + width - half)
        y = min(max(y, top + LINE), top + height - LINE / 2)
        free = all(abs(x - u) > half + v or abs(y - w) > LINE for u, w, v in taken)
        if free and (how != "unsure" or size > 2 * half * LINE):
            taken.append((x, y, half))
            found.append(Label(round(x, 1), round(y, 1), text, how))
    return found
