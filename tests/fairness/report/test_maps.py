"""Outlines, projections and what is drawn of regions."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from atlas.topology import Topology, simpler, unrolled

from allears.fairness.findings import Region
from allears.fairness.report import geometry, maps
from allears.fairness.report.atlas import LICENSE, OUTLINES, outlines, packed
from allears.fairness.report.geometry import Box, cut_lines, cut_ring, middle, path
from allears.fairness.report.projections import albers, fitted, plain
from tests.fairness.report.made import group, grouping, regions

SQUARE = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]])


def inside(layer: str, east: float, north: float) -> bool:
    """Whether a place is within an odd number of the rings of a layer."""
    crossed = 0
    for ring in outlines()[layer]:
        x, y = ring.T
        u, v = np.roll(x, -1), np.roll(y, -1)
        there = (y <= north) != (v <= north)
        crossed += int(
            (x[there] + (u - x)[there] * (north - y)[there] / (v - y)[there] > east).sum()
        )
    return crossed % 2 == 1


@pytest.mark.parametrize(
    ("place", "land", "nation"),
    [
        ((-98.6, 39.8), True, True),  # the middle of the US
        ((-150.0, 65.0), True, True),  # Alaska
        ((-155.5, 19.6), True, True),  # Hawaii
        ((-66.4, 18.2), True, True),  # Puerto Rico
        ((-106.0, 55.0), True, False),  # Canada
        ((37.6, 55.8), True, False),  # Moscow
        ((-175.0, 66.5), True, False),  # Chukotka, beyond 180°
        ((175.8, -39.0), True, False),  # New Zealand
        ((-40.0, 40.0), False, False),  # the Atlantic
        ((90.0, -40.0), False, False),
    ],
)
def test_land_is_where_land_is(place: tuple[float, float], land: bool, nation: bool) -> None:
    assert (inside("land", *place), inside("nation", *place)) == (land, nation)


def test_outlines_are_small_licensed_and_in_one_piece() -> None:
    assert OUTLINES.stat().st_size < 300_000
    assert "Michael Bostock" in LICENSE.read_text() and "us-atlas" in LICENSE.read_text()
    for lines in outlines().values():
        points = np.concatenate(lines)
        assert np.abs(points[:, 0]).max() <= 180 and np.abs(points[:, 1]).max() <= 90
        assert (
            max(np.abs(np.diff(line[:, 0])).max() for line in lines) < 30
        )  # none goes round the earth


def test_packing_keeps_places() -> None:
    line = np.array([[-180.0, 80.0], [180.0, -80.0], [179.5, -79.5], [179.5, -79.5]])
    with np.load(io.BytesIO(packed({"one": [line, line[1:3]]}))) as file:
        points = np.cumsum(file["one"].T, axis=0, dtype=np.int16) / 180
        assert file["one_lengths"].tolist() == [3, 2]
    np.testing.assert_allclose(points, np.concatenate([line[:3], line[1:3]]))


def test_borders_are_shared_and_simple() -> None:
    """Two squares beside each other, of three arcs: the left one, the right one, the border."""
    arcs = [[[1, 0], [-1, 0], [0, 1], [1, 0]], [[1, 1], [1, 0], [0, -1], [-1, 0]], [[1, 0], [0, 1]]]
    areas = [{"type": "Polygon", "arcs": [[0, -3]]}, {"type": "Polygon", "arcs": [[1, 2]]}]
    whole = [{"type": "Polygon", "arcs": [[0, 1]]}]
    content = {
        "transform": {"scale": [10, 10], "translate": [0, 0]},
        "arcs": arcs,
        "objects": {
            "small": {"type": "GeometryCollection", "geometries": areas},
            "large": {"type": "GeometryCollection", "geometries": whole},
        },
    }
    found = Topology(content, 0.1)
    (border,) = found.borders("small")
    assert border.tolist() == [[10, 0], [10, 10]]
    assert [each.tolist() for each in found.within("small", "large")] == [border.tolist()]
    assert len(found.rings("small", 0)) == 2 and not found.rings("small", 1000)


def test_lines_are_simpler_within_the_tolerance() -> None:
    line = np.array([[0, 0], [1, 0.04], [2, 0], [3, 0.5], [4, 0]], float)
    assert simpler(line, 0.1)[:, 0].tolist() == [0, 2, 3, 4]
    assert simpler(line, 1.0)[:, 0].tolist() == [0, 4]


def test_what_crosses_180_degrees_is_cut_there() -> None:
    ring = np.array([[170.0, 0.0], [-170.0, 0.0], [-170.0, 10.0], [170.0, 10.0], [170.0, 0.0]])
    east, west = sorted(unrolled(ring), key=lambda each: -each[:, 0].max())
    assert (geometry.bounds(east), geometry.bounds(west)) == (
        Box(0, 170, 10, 180),
        Box(0, -180, 10, -170),
    )
    around = np.array([[0.0, -70.0], [120.0, -70.0], [-120.0, -70.0], [0.0, -70.0]])
    assert not list(unrolled(around))


def test_areas_and_lines_are_cut_to_a_box() -> None:
    assert geometry.area(cut_ring(SQUARE, Box(1, 2, 9, 9))) == 6
    assert len(cut_ring(SQUARE, Box(5, 5, 9, 9))) == 0
    assert geometry.area(cut_ring(SQUARE, Box(-9, -9, 9, 9))) == 16
    line = np.array([[0, 0], [1, 1], [2, 2], [9, 9], [8, 8], [2, 3], [1, 3]], float)
    pieces = [piece.tolist() for piece in cut_lines([line, line[1:3]], Box(0.5, 0.5, 4, 4))]
    assert pieces == [line[:4].tolist(), line[4:].tolist(), line[1:3].tolist()]
    assert cut_lines([line], Box(20, 20, 30, 30)) == cut_lines([], Box(0, 0, 1, 1)) == []


def test_a_label_is_within_its_region() -> None:
    """The centre of mass of a horseshoe is not."""
    horseshoe = np.array([[0, 0], [9, 0], [9, 9], [6, 9], [6, 3], [3, 3], [3, 9], [0, 9]], float)
    found = middle([horseshoe])
    assert found is not None
    x, y = found[0]
    assert 0 < y < 9 and (x < 3 or x > 6 or y < 3) and 0 < x < 9
    assert middle([]) is None


def test_paths_are_written_in_tenths() -> None:
    assert path([SQUARE[:3]], lambda points: points, closed=True) == "M0 0l40 0 0 40z"
    assert path([SQUARE[:1]], lambda points: points) == ""


def test_albers_by_hand() -> None:
    """Snyder 1987, page 291: 35° N, 75° W on parallels 29.5° and 45.5°, from 23° N, 96° W on the unit sphere."""
    x, y = albers(29.5, 45.5, -96.0, 23.0)(np.array([[-75.0, 35.0]]))[0]
    assert (x, y) == (pytest.approx(0.2952720, abs=1e-7), pytest.approx(0.2416774, abs=1e-7))


def test_ground_fits_its_place() -> None:
    place, project = fitted(plain(0.0), Box(0, 0, 10, 20), (100, 50, 200, 0))
    assert place == (100, 50, 200, 100)
    assert project(np.array([[0.0, 10.0], [20.0, 0.0]])).tolist() == [[100, 50], [300, 150]]


def test_the_states_have_alaska_and_hawaii_moved_in() -> None:
    found = maps.drawn(regions())
    assert found is not None and len(found.frames) == 3
    mainland, alaska, hawaii = found.frames
    assert [shape.group for shape in mainland.shapes] == [f"region {each}" for each in range(1, 6)]
    assert [shape.group for shape in hawaii.shapes] + [shape.group for shape in alaska.shapes] == [
        "region 6", "region 7",
    ]  # fmt: skip
    assert mainland.fine and mainland.nation and not alaska.fine
    worst = mainland.shapes[0]
    assert worst.service == "worse" and "26 %" in worst.title.replace("\N{NO-BREAK SPACE}", " ")
    texts = [label.text.replace("\N{NO-BREAK SPACE}", " ") for label in mainland.labels]
    assert texts[0] == "26 % ▲" and len(texts) == 5


def moved(*boxes: tuple[float, float, float, float]) -> maps.Map:
    names = [f"region {each}" for each in range(len(boxes))]
    found = grouping(
        "latitude, longitude", *(group(each, 0.2, 1.0, 0.5) for each in names), kind="place"
    )
    drawn = maps.drawn(
        replace(found, regions=tuple(Region(n, (b,)) for n, b in zip(names, boxes, strict=True)))
    )
    assert drawn is not None
    return drawn


@pytest.mark.parametrize(
    "boxes",
    [
        ((50.0, -6.0, 58.0, 1.7),),
        ((-35.0, -120.0, 60.0, -30.0), (-40.0, 60.0, 65.0, 150.0)),
        ((-90.0, -180.0, 90.0, 180.0),),
        ((10.0, 20.0, 10.0, 20.0),),  # all live at one place
        ((-44.0, 170.0, -34.0, 179.0),),
    ],
)
def test_any_part_of_the_world_is_drawn(
    boxes: tuple[tuple[float, float, float, float], ...],
) -> None:
    found = moved(*boxes)
    (frame,) = found.frames
    assert 300 < found.height < 1000 and "nan" not in frame.land and len(frame.shapes) == len(boxes)
    for shape in frame.shapes:
        (start,) = re.findall(r"^M(-?\d+) (-?\d+)l", shape.d) or [("0", "0")]
        assert -500 <= int(start[0]) <= 10_500 and -500 <= int(start[1]) <= 10 * found.height + 500


def test_labels_do_not_cover_each_other() -> None:
    boxes = [
        (25 + 2 * n, -124 + 2 * e, 27 + 2 * n, -122 + 2 * e) for n in range(10) for e in range(20)
    ]
    (frame,) = moved(*boxes).frames
    assert len(frame.shapes) == len(boxes) > len(frame.labels) > 20
    places = [(label.x, label.y) for label in frame.labels]
    for number, (x, y) in enumerate(places):
        assert all(abs(x - u) > 30 or abs(y - v) >= 17 for u, v in places[:number])


def test_a_grouping_without_regions_has_no_map() -> None:
    assert maps.drawn(replace(regions(), regions=())) is None
    assert maps.drawn(replace(regions(), groups=())) is None
