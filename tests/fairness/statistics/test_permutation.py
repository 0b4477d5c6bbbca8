"""Labels dealt anew: by hand, at their level, and where something is."""

import itertools

import numpy as np
import pytest

from allears.fairness.statistics import permutation
from allears.fairness.sums import summed
from tests.fairness.statistics.speakers import of, people


def test_as_many_as_all_deals_would_say() -> None:
    """Three speakers of six, all worse than the others: of 20 ways to choose three, two are as uneven."""
    groups = of(np.repeat([0, 1], 3), np.array([20, 21, 22, 10, 11, 12]), np.full(6, 100))
    off = permutation.excess(groups)
    assert off.sum() == pytest.approx(0.0)
    sizes = np.array([3, 3])
    seen = permutation.scaled(off, groups.group, sizes).max()
    ways = [
        np.isin(np.arange(6), each).astype(np.int64) for each in itertools.combinations(range(6), 3)
    ]
    exact = np.mean([permutation.scaled(off, each, sizes).max() >= seen - 1e-9 for each in ways])
    assert exact == 0.1
    assert permutation.any_of(groups, 999) == pytest.approx(0.1, abs=0.03)


def test_excess_by_hand_of_speakers_alike_but_for_chance() -> None:
    """No more spread than counts have: errors less what all err on as many words."""
    groups = of(np.array([0, 0, 1, 1]), np.array([10, 11, 9, 30]), np.array([100, 100, 100, 300]))
    assert permutation.excess(groups) == pytest.approx([0, 1, -1, 0])


def test_nothing_is_found_where_nothing_is() -> None:
    """Of 100 times 5 are under 0.05, three standard errors 7; sizes and talk as uneven as may be."""
    p = [permutation.any_of(people(seed, (5, 10, 60), talk=1.2), 99, seed) for seed in range(100)]
    assert sum(each <= 0.05 for each in p) <= 12
    assert np.mean(p) == pytest.approx(0.5, abs=0.1)


def test_what_is_there_is_found() -> None:
    assert permutation.any_of(people(1, (40, 400), effects=(1.5, 1.0)), 199) == 1 / 200


def test_speakers_of_several_groups() -> None:
    """Everybody under both conditions: dealing labels would lose what is seen within each speaker."""
    random = np.random.default_rng(0)
    errors = random.poisson(np.repeat([20, 40], 15) * np.tile(random.lognormal(0, 1, 15), 2))
    counts = np.stack([errors, np.full(30, 200), np.ones(30, np.int64)], 1)
    both = summed(("quiet", "loud"), 15, np.tile(np.arange(15), 2), np.repeat([0, 1], 15), counts)
    assert permutation.any_of(both) < 0.05
    assert np.isnan(permutation.any_of(of(np.zeros(3, np.int64), np.ones(3), np.full(3, 10))))


def test_a_search_is_done_again_on_dealt_places() -> None:
    """The best cut of a line in two; the left third is worse, or nothing is."""

    def search(extra: float, seed: int) -> float:
        random = np.random.default_rng(seed)
        where = np.arange(60)
        off = random.normal(0, 1, 60) + extra * (where < 20)

        def largest(order: np.ndarray) -> float:
            dealt = np.empty(60)
            dealt[where[order]] = off - off.mean()
            sums, left = np.cumsum(dealt)[4:-5], np.arange(5, 56)
            return float((np.abs(sums) / np.sqrt(left * (60 - left))).max())

        return permutation.any_p(largest, 60, 99, seed)

    assert search(1.5, 0) == 0.01
    assert sum(search(0.0, seed) <= 0.05 for seed in range(100)) <= 12
    assert np.isnan(permutation.any_p(lambda _: float("nan"), 5))
