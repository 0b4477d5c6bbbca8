"""How many regions: as many as there are to be told apart."""

import numpy as np
import pytest

from allears.fairness.cohorts.sizing import sized_tree
from allears.fairness.refusal import AuditError
from allears.fairness.sums import Sums


def spread(rate: np.ndarray, places: np.ndarray, seed: int = 0) -> Sums:
    """Speakers of 400 words, each with that rate."""
    people = len(rate)
    words = np.full(people, 400)
    errors = np.random.default_rng(seed).poisson(words * rate)
    counts = np.stack([errors, words, np.full(people, 40)], 1).astype(np.int64)
    names = tuple(f"{each:04}" for each in range(people))
    return Sums(names, (), (), np.arange(people), np.zeros((people, 0), np.int64), counts, places)


def scattered(people: int = 1600) -> np.ndarray:
    return np.random.default_rng(1).uniform((0, 0), (8, 8), (people, 2))


def test_where_nothing_differs_there_are_few() -> None:
    sums = spread(np.full(1600, 0.1), scattered())
    assert len(sized_tree(sums, np.ones(1600, bool)).names_) <= 3


def test_a_chequered_map_has_a_region_for_each_square() -> None:
    places = scattered()
    squares = (places // 2).astype(int)
    rate = np.array([0.05, 0.1, 0.2, 0.4])[(squares[:, 0] + 2 * squares[:, 1]) % 4]
    tree = sized_tree(spread(rate, places), np.ones(1600, bool))
    assert 12 <= len(tree.names_) <= 32
    found = tree.labels_
    alike = [rate[found == each] for each in range(len(tree.names_))]
    assert sum(np.ptp(each) == 0 for each in alike) >= 0.6 * len(alike)


def test_those_who_are_not_asked_have_no_part_in_it() -> None:
    places = scattered()
    rate = np.where(places[:, 0] < 4, 0.1, 0.3)
    among = np.arange(1600) < 800
    spoilt = rate.copy()
    spoilt[~among] = 0.9
    one, other = (sized_tree(spread(each, places), among) for each in (rate, spoilt))
    assert one.boxes_ == other.boxes_


def test_too_few_for_halves_still_have_a_map() -> None:
    sums = spread(np.full(24, 0.1), scattered(24))
    assert len(sized_tree(sums, np.ones(24, bool)).names_) >= 1
    with pytest.raises(AuditError, match="place"):
        sized_tree(spread(np.full(24, 0.1), np.full((24, 2), np.nan)), np.ones(24, bool))
