"""Speakers drawn anew: exact sums, the same whatever the blocks, and percentiles."""

import numpy as np
import pytest

from allears.fairness.statistics import bootstrap, intervals
from allears.fairness.sums import Groups
from tests.fairness.statistics.speakers import people


def test_a_draw_is_a_sum_over_who_was_drawn() -> None:
    groups = people(1, (7, 9))
    found = bootstrap.replicates(groups, 5, seed=3)
    for number in range(5):
        times = bootstrap.drawn(16, 3, number)
        assert times.sum() == 16
        expected = [
            (times[groups.speaker] * groups.counts[:, each])[groups.group == group].sum()
            for group in (0, 1) for each in (0, 1)
        ]  # fmt: skip
        assert found[number].ravel().tolist() == expected


def test_blocks_order_of_rows_and_number_of_draws_make_no_difference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    groups = people(2, (7, 9))
    whole = bootstrap.replicates(groups, 10, seed=1)
    monkeypatch.setattr(bootstrap, "BLOCK", 16 * 3)
    order = np.random.default_rng(0).permutation(16)
    mixed = Groups(
        groups.names, 16, groups.speaker[order], groups.group[order], groups.counts[order]
    )
    assert (bootstrap.replicates(mixed, 10, seed=1) == whole).all()
    assert (bootstrap.replicates(groups, 4, seed=1) == whole[:4]).all()
    assert (bootstrap.replicates(groups, 10, seed=2) != whole).any()


def test_percentiles_are_near_the_formula_for_many_speakers() -> None:
    groups = people(3, (400, 400))
    draws = bootstrap.rates(bootstrap.replicates(groups, 600))
    for each, robust in enumerate(intervals.rates(groups)):
        found = bootstrap.percentiles(robust.value, draws[:, each])
        assert found == pytest.approx(tuple(robust), rel=0.03)


def test_few_draws_that_say_something_say_nothing() -> None:
    assert not bootstrap.percentiles(0.1, np.array([np.nan, np.nan, 0.1])).bounded
    assert bootstrap.percentiles(0.1, np.array([np.nan, 0.2, 0.1])).bounded


def test_how_sure_the_worst_is_the_worst() -> None:
    sure = bootstrap.worst_shares(
        bootstrap.replicates(people(4, (100, 100), effects=(2.0, 1.0)), 50)
    )
    assert sure.tolist() == [1.0, 0.0]
    unsure = bootstrap.worst_shares(bootstrap.replicates(people(4, (9, 9, 9)), 100))
    assert unsure.sum() == pytest.approx(1.0)
    assert unsure.max() < 1.0
