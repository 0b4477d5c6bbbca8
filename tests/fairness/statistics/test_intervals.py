"""Intervals: by hand, and how often they hold the truth."""

import numpy as np
import pytest
from scipy import stats

from allears.fairness.statistics import intervals
from allears.fairness.statistics.spread import even_weights, heterogeneity, spread
from allears.fairness.sums import Groups, summed
from tests.fairness.statistics.speakers import RATE, of, people


def of_one(*rows: tuple[int, int]) -> Groups:
    errors, words = np.array(rows).T
    return of(np.zeros(len(rows), np.int64), errors, words)


def test_two_speakers_by_hand() -> None:
    """Rate 40 / 200; d = 10 − 20 and 30 − 20; each has half of the words; one degree of freedom."""
    found = spread(of_one((10, 100), (30, 100)))
    assert found.rate[0] == 0.2
    assert found.variance[0] == pytest.approx((100 / 0.5 + 100 / 0.5) / 40**2)
    assert found.freedom[0] == pytest.approx(1.0)
    value, low, high = intervals.rates(of_one((10, 100), (30, 100)))[0]
    far = np.exp(stats.t.ppf(0.975, 1) * 0.5)
    assert (value, low, high) == pytest.approx((0.2, 0.2 / far, 0.2 * far))


def test_equal_speakers_have_one_degree_of_freedom_less_than_they_are() -> None:
    found = spread(of_one(*[(9 + each, 100) for each in range(7)]))
    assert found.freedom[0] == pytest.approx(6.0)


def test_freedom_is_that_of_the_quadratic_form() -> None:
    """By matrices, as Bell and McCaffrey have it."""
    errors, words = np.array([4, 30, 2, 11, 80]), np.array([50, 200, 30, 100, 400])
    found = spread(of(np.zeros(5, np.int64), errors, words))
    rate = errors.sum() / words.sum()
    part = words / words.sum()
    off = errors - rate * words
    wide = max(0, ((off**2).sum() - errors.sum()) / (words**2).sum())
    variances = np.diag(rate * words + wide * words**2)
    residual = np.eye(5) - np.outer(words, np.ones(5)) / words.sum()
    form = residual.T @ np.diag(1 / (1 - part)) @ residual
    expected = np.trace(form @ variances) ** 2 / np.trace(form @ variances @ form @ variances)
    assert found.freedom[0] == pytest.approx(expected)


def test_speakers_all_alike_are_not_known_better_than_counts() -> None:
    found = spread(of_one((10, 100), (10, 100), (10, 100)))
    assert found.variance[0] == pytest.approx(1 / 30)


def test_what_cannot_be_said_is_not() -> None:
    alone, silent, perfect, all_by_one = intervals.rates(
        of(
            np.array([0, 1, 1, 2, 2, 3, 3]),
            np.array([5, 0, 0, 0, 0, 5, 0]),
            np.array([50, 0, 0, 40, 60, 50, 0]),
        )
    )
    assert alone.value == 0.1 and not alone.bounded
    assert np.isnan(silent.value) and not silent.bounded
    assert perfect == pytest.approx((0.0, 0.0, -np.log(0.025) / 100))
    assert all_by_one.value == 0.1 and not all_by_one.bounded


def test_a_gap_is_a_ratio_less_one() -> None:
    groups = people(1, (30, 40), effects=(1.4, 1.0))
    value, low, high = intervals.gap(groups, 0, 1)
    rates = groups.rates()
    assert value == pytest.approx(rates[0] / rates[1] - 1)
    assert low < value < high
    other = intervals.ratio(groups, 1, 0)
    assert (1 + value, 1 + low, 1 + high) == pytest.approx(
        (1 / other.value, 1 / other.high, 1 / other.low)
    )


def test_speakers_of_both_groups_tell_their_ratio_well() -> None:
    """Twenty speakers under two conditions, each twice as bad in the second: who they are does not matter."""
    random = np.random.default_rng(3)
    hard = np.exp(random.normal(0, 1, 20))
    errors = np.concatenate([np.round(hard * 50), 2 * np.round(hard * 50)]).astype(np.int64)
    counts = np.stack([errors, np.full(40, 1000), np.ones(40, np.int64)], 1)
    same = summed(("quiet", "loud"), 20, np.tile(np.arange(20), 2), np.repeat([0, 1], 20), counts)
    others = of(np.repeat([0, 1], 20), errors, counts[:, 1])
    near, far = intervals.ratio(same, 1, 0), intervals.ratio(others, 1, 0)
    assert near.value == far.value == 2.0
    assert near.high - near.low < (far.high - far.low) / 3
    least = 1.96 * np.sqrt(1 / errors[:20].sum() + 1 / errors[20:].sum())
    assert least < np.log(near.high / near.value) < 2 * least


def test_two_systems_are_compared_speaker_by_speaker() -> None:
    first = of_one((10, 100), (20, 100), (60, 100))
    second = of_one((12, 100), (22, 100), (62, 100))
    assert intervals.differences(first, second)[0] == pytest.approx((0.02, 0.02, 0.02))
    wide = intervals.differences(first, of_one((22, 100), (62, 100), (12, 100)))[0]
    assert wide.low < 0 < wide.high
    off = np.array([12 - 2, 42 - 2, -48 - 2]) / 300
    far = stats.t.ppf(0.975, 2) * np.sqrt((off**2).sum() / (1 - 1 / 3))
    assert wide == pytest.approx((0.02, 0.02 - far, 0.02 + far))
    with pytest.raises(ValueError, match="same groups"):
        intervals.differences(first, people(0, (3, 3)))


def test_the_rest_is_everybody_else() -> None:
    groups = people(4, (10, 20, 30))
    two = of(np.minimum(groups.group, 1), groups.counts[:, 0], groups.counts[:, 1])
    assert intervals.against_rest(groups)[0] == pytest.approx(tuple(intervals.ratio(two, 0, 1)))


def test_heterogeneity_is_that_of_the_speakers() -> None:
    found = heterogeneity(people(5, (20_000, 20_000), effects=(1.0, 2.0), talk=0.3))
    assert found == pytest.approx(np.exp(0.4**2) - 1, rel=0.1)
    assert heterogeneity(people(5, (20_000,), spread=0.0)) < 0.002
    assert (even_weights(people(5, (50,)), 0.0) == 1).all()


@pytest.mark.parametrize("size", [10, 40])
def test_intervals_hold_the_truth(size: int) -> None:
    """Of 400 rates and gaps between two groups; 19 of 20 would be 380, three standard errors 13."""
    held, gaps = 0, 0
    for seed in range(200):
        groups = people(seed, (size, size))
        held += sum(low <= RATE <= high for _, low, high in intervals.rates(groups))
        gaps += 2 * (intervals.gap(groups, 0, 1).low <= 0 <= intervals.gap(groups, 0, 1).high)
    assert 366 <= held <= 394
    assert 362 <= gaps <= 396


def test_p_values_keep_their_level_and_find_what_is_there() -> None:
    """Of 200 tests of groups of 10 among 70, 10 come out under 0.05 with nothing there, three standard errors
    9.
    """
    wrong, found = 0, 0
    for seed in range(100):
        p = intervals.p_values(people(seed, (10, 10, 50)))
        wrong += int((p[:2] < 0.05).sum())
        found += intervals.p_values(people(seed, (30, 60), effects=(1.5, 1.0)))[0] < 0.05
    assert wrong <= 19
    assert found > 80


def test_p_values_of_too_little_are_unknown() -> None:
    groups = of(np.array([0, 1, 1, 1]), np.array([5, 4, 6, 5]), np.array([50, 40, 60, 50]))
    assert np.isnan(intervals.p_values(groups)).all()
