"""Regions: against every cut there is, by hand, planted, and wherever the rows stand."""

import itertools

import numpy as np
import pytest

from allears.fairness.cohorts.grid import grid, located
from allears.fairness.cohorts.split import gained
from allears.fairness.cohorts.tree import GeographicTree
from allears.fairness.refusal import AuditError
from allears.fairness.sums import ERRORS, UNKNOWN, WORDS
from tests.fairness.cohorts.made import crowd, sums

ANY = {"min_speakers": 1, "min_words": 1, "min_utterances": 1}


def test_four_towns_by_hand() -> None:
    # Rates .1, .1 in the south, .5 and .3 in the north: first north from south, then the north in two.
    places = [(10.0, 0.0), (10.0, 20.0), (40.0, 0.0), (40.0, 20.0)]
    counts = [(10, 100, 5), (10, 100, 5), (50, 100, 5), (30, 100, 5)]
    tree = GeographicTree(max_regions=3, **ANY).fit(sums(counts, places=places))
    assert tree.labels_.tolist() == [2, 2, 0, 1]
    assert tree.names_ == ("region 1", "region 2", "region 3")
    # The cut is in the middle of where nobody lives, between 10.1° and 40.0°.
    assert tree.boxes_[2] == (10.0, 0.0, 25.0, 20.1)
    assert tree.boxes_[0] == (25.0, 0.0, 40.1, 10.0)
    assert tree.groups(sums(counts, places=places)).rates().tolist() == [0.5, 0.3, 0.1]
    assert tree.regions_[1].boxes == ((25.0, 10.0, 40.1, 20.1),)


def test_a_gain_by_hand() -> None:
    # 100 words at .1 and 300 at .3: 100·300/400·.04 = 3; deviance 2(10·ln(10/25) + 90·ln(90/75)) = 14.49.
    left, right = (10, 100), (90, 300)
    assert gained(left, right, "words") == pytest.approx(3)
    assert gained(left, right, "difference") == pytest.approx(0.2)
    assert gained(left, right, "poisson") == pytest.approx(14.4925, abs=1e-3)
    assert gained((0, 100), (0, 100), "poisson") == 0


@pytest.mark.parametrize("gain", ["words", "difference", "poisson"])
def test_the_first_cut_is_the_best_of_all_there_are(gain: str) -> None:
    draw = np.random.default_rng(5)
    for seed in range(20):
        places = draw.uniform((-60, -170), (60, 170), (30, 2))
        counts = crowd(30, draw.uniform(0.05, 0.4, 30), seed)
        tree = GeographicTree(max_regions=2, gain=gain, **{**ANY, "min_speakers": 4})  # type: ignore[arg-type]
        labels = tree.fit(sums(counts, places=places)).labels_
        assert worth(counts, labels, gain) == pytest.approx(best_worth(places, counts, gain, 4))


def worth(counts: np.ndarray, labels: np.ndarray, gain: str) -> float:
    (e0, n0), (e1, n1) = (counts[labels == each][:, [ERRORS, WORDS]].sum(0) for each in (0, 1))
    if gain == "difference":
        return float(abs(e0 / n0 - e1 / n1))
    if gain == "words":
        return float(n0 * n1 / (n0 + n1) * (e0 / n0 - e1 / n1) ** 2)
    rate = (e0 + e1) / (n0 + n1)
    return float(2 * sum(e * np.log(e / (n * rate)) for e, n in ((e0, n0), (e1, n1)) if e))


def best_worth(places: np.ndarray, counts: np.ndarray, gain: str, least: int) -> float:
    squares = located(places)
    sides = (
        squares[:, axis] >= edge
        for axis in (0, 1)
        for edge in np.unique(squares[:, axis])[1:].tolist()
    )
    return max(
        worth(counts, side.astype(int), gain)
        for side in sides
        if least <= side.sum() <= len(places) - least
    )


def test_a_planted_region_is_found() -> None:
    draw = np.random.default_rng(1)
    places = draw.uniform((25, -125), (49, -65), (4000, 2))
    inside = ((places > (30, -95)) & (places < (36, -85))).all(1)
    counts = crowd(4000, np.where(inside, 0.14, 0.1), 2)
    tree = GeographicTree(max_regions=8, min_speakers=40).fit(sums(counts, places=places))
    worst = tree.labels_ == 0
    assert (worst & inside).sum() / (worst | inside).sum() > 0.6
    assert len(tree.names_) == 8


def test_where_rows_stand_and_how_they_are_parted_makes_no_difference() -> None:
    draw = np.random.default_rng(3)
    places = np.round(draw.uniform((25, -125), (49, -65), (500, 2)), 2)
    counts = crowd(500, 0.1, 4)
    whole = GeographicTree(20, min_speakers=5).fit(sums(counts, places=places))
    order = draw.permutation(500)
    mixed = GeographicTree(20, min_speakers=5).fit(sums(counts[order], places=places[order]))
    assert mixed.boxes_ == whole.boxes_
    assert (mixed.labels_ == whole.labels_[order]).all()
    parts = [grid(places[at], counts[at]) for at in np.array_split(order, 3)]
    merged = GeographicTree(20, min_speakers=5).fit_grid(parts[2] + parts[0] + parts[1])
    assert merged.boxes_ == whole.boxes_
    assert (merged.predict(places) == whole.labels_).all()


def test_unknown_places_are_in_no_region_and_change_nothing() -> None:
    places = np.array([(10, 0), (10.4, 0), (40, 0), (np.nan, 3), (5, np.nan), (95, 0)], float)
    counts = np.array([(1, 100, 5), (1, 100, 5), (50, 100, 5), *[(99, 100, 5)] * 3])
    tree = GeographicTree(**ANY).fit(sums(counts, places=places))
    assert tree.labels_.tolist() == [1, 1, 0, UNKNOWN, UNKNOWN, UNKNOWN]
    assert tree.groups(sums(counts, places=places)).totals()[:, ERRORS].tolist() == [50, 2]
    everywhere = tree.predict(
        np.array([(-90, -180), (90, 180), (np.nan, np.nan), (25.1, 1)], float)
    )
    assert everywhere.tolist() == [1, 0, UNKNOWN, 1]


def test_the_other_half_has_no_part() -> None:
    places = [(10.0, 0.0), (40.0, 0.0), (11.0, 0.0), (41.0, 0.0)]
    made = sums([(1, 10, 1), (5, 10, 1), (9, 10, 1), (0, 10, 1)], places=places)
    tree = GeographicTree(**ANY).fit(made, np.array([True, True, False, False]))
    assert tree.labels_.tolist() == [1, 0, 1, 0]
    assert tree.groups(made).totals()[:, ERRORS].tolist() == [5, 10]


def test_regions_are_large_enough_or_there_is_but_one() -> None:
    draw = np.random.default_rng(8)
    places = draw.uniform((-60, -170), (60, 170), (300, 2))
    made = sums(crowd(300, 0.2, 9), places=places)
    tree = GeographicTree(min_speakers=25, min_words=9000, gain="difference").fit(made)
    groups = tree.groups(made)
    assert len(tree.names_) > 2
    assert groups.speakers().min() >= 25
    assert groups.totals()[:, WORDS].min() >= 9000
    alone = sums([(3, 10, 1), (0, 10, 1)], places=[(1.0, 1.0), (1.0, 1.0)])
    assert GeographicTree(**ANY).fit(alone).labels_.tolist() == [0, 0]


def test_no_region_crosses_the_dateline() -> None:
    places = [(0.0, 179.9), (0.0, 180.0), (0.0, -180.0), (0.0, -179.9)]
    assert located(np.array(places))[:, 1].tolist() == [3599, 0, 0, 1]
    tree = GeographicTree(2, **ANY).fit(
        sums([(5, 10, 1), (1, 10, 1), (1, 10, 1), (1, 10, 1)], places=places)
    )
    assert tree.labels_.tolist() == [0, 1, 1, 1]


def test_squares_begin_where_their_numbers_say() -> None:
    steps = np.array([(each / 10, each / 10) for each in range(-900, 900)])
    assert (located(steps)[:, 0] == np.arange(1800)).all()
    assert (located(steps)[:, 1] == np.arange(1800) + 900).all()


def test_what_cannot_be_is_refused() -> None:
    made = sums([(1, 10, 1)], places=[(np.nan, np.nan)])
    with pytest.raises(AuditError, match="empty throughout"):
        GeographicTree().fit(made)
    with pytest.raises(AuditError, match="latitude"):
        GeographicTree().fit(sums([(1, 10, 1)]))
    there = sums([(1, 10, 1)], places=[(1.0, 1.0)])
    with pytest.raises(AuditError, match="poisson"):
        GeographicTree(gain="gini").fit(there)  # type: ignore[arg-type]
    with pytest.raises(AuditError, match="max_regions = 0"):
        GeographicTree(0).fit(there)


def test_finer_squares_add_up_too() -> None:
    places = np.array(list(itertools.product((1.005, 1.015), (2.005, 2.015))))
    fine = grid(np.repeat(places, 2, 0), np.ones((8, 3), np.int64), 0.01)
    assert fine.counts.tolist() == [[2, 2, 2, 2]] * 4
    assert fine.edges(fine.squares).tolist() == [[1.0, 2.0], [1.0, 2.01], [1.01, 2.0], [1.01, 2.01]]
