"""Figures of trials: by hand, and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_curve

from allears.score import trials

SCORES = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
TARGET = np.array([False, False, True, False, True, True])


@st.composite
def some_trials(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    count = draw(st.integers(2, 30))
    scores = draw(st.lists(st.integers(-8, 8), min_size=count, max_size=count))
    target = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    target[:2] = True, False
    return np.array(scores, float) / 2, target


def hull_crossing(miss: np.ndarray, accept: np.ndarray) -> float:
    """The least height above 0 at which a line of two points crosses the diagonal: by trying all pairs."""
    best = 1.0
    for m1, a1 in zip(miss, accept, strict=True):
        for m2, a2 in zip(miss, accept, strict=True):
            one, two = m1 - a1, m2 - a2
            if one <= 0 <= two:
                best = min(best, m1 if one == two else m1 + (m2 - m1) * -one / (two - one))
    return best


def test_six_trials_by_hand() -> None:
    """Accepting 2 and above lets in one of three; accepting 4 and above misses one of three."""
    found = trials.curve(SCORES, TARGET)
    assert found.thresholds.tolist() == [-np.inf, 1, 2, 3, 4, 5, np.inf]
    assert found.miss == pytest.approx(np.array([0, 0, 0, 1, 1, 2, 3]) / 3)
    assert found.false_accept == pytest.approx(np.array([3, 2, 1, 1, 0, 0, 0]) / 3)
    assert trials.equal_error_rate(found) == pytest.approx(1 / 6)  # between (1/3, 0) and (0, 1/3)
    assert trials.equal_error_threshold(found) == 3
    assert trials.detection_cost(found, 0.5) == pytest.approx((1 / 3, 2.0))
    assert trials.detection_cost(found, 0.01) == pytest.approx((1 / 3, 4.0))
    assert trials.detection_cost(found, 0.5, c_miss=1, c_false_accept=10) == pytest.approx(
        (1 / 3, 4.0)
    )
    assert trials.rates_at(SCORES, TARGET, 2.5) == pytest.approx((1 / 3, 1 / 3))


def test_cllr_by_hand() -> None:
    """Likelihood ratios of 3 for the right, 1/3 for the wrong: log2(1 + 1/3)."""
    scores = np.log([3.0, 1 / 3, 1 / 3])
    target = np.array([True, False, False])
    assert trials.cllr(scores, target) == pytest.approx(np.log2(4 / 3))
    assert trials.cllr(np.zeros(3), target) == pytest.approx(1.0)
    assert trials.min_cllr(trials.curve(scores, target)) == 0.0
    mixed = trials.curve(np.zeros(3), target)
    assert trials.min_cllr(mixed) == pytest.approx(1.0)
    assert trials.equal_error_rate(mixed) == pytest.approx(0.5)


@settings(max_examples=30, deadline=None)
@given(some_trials())
def test_against_scikit_learn_and_all_pairs(given_trials: tuple[np.ndarray, np.ndarray]) -> None:
    scores, target = given_trials
    found = trials.curve(scores, target)
    accept, hit, _ = roc_curve(target, scores, drop_intermediate=False)
    assert found.false_accept == pytest.approx(accept[::-1])
    assert found.miss == pytest.approx(1 - hit[::-1])
    assert trials.equal_error_rate(found) == pytest.approx(hull_crossing(1 - hit, accept))
    cost = (0.05 * (1 - hit) + 0.95 * accept).min() / 0.05
    assert trials.detection_cost(found, 0.05)[0] == pytest.approx(cost)
    chance = IsotonicRegression().fit_transform(scores, target.astype(float))
    with np.errstate(divide="ignore"):
        ratios = np.log(chance / (1 - chance)) - np.log(target.sum() / (~target).sum())
    assert trials.min_cllr(found) == pytest.approx(trials.cllr(ratios, target), abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(some_trials(), st.integers(0, 1000))
def test_a_trial_that_weighs_two_is_a_trial_twice(
    given_trials: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    scores, target = given_trials
    times = np.random.default_rng(seed).integers(0, 3, len(scores))
    times[:2] = 1
    weighed = trials.curve(scores, target, times.astype(float))
    again = trials.curve(np.repeat(scores, times), np.repeat(target, times))
    assert trials.equal_error_rate(weighed) == pytest.approx(trials.equal_error_rate(again))
    assert trials.detection_cost(weighed)[0] == pytest.approx(trials.detection_cost(again)[0])
    rates = trials.rates_at(scores, target, 0.0, times.astype(float))
    assert rates == pytest.approx(
        trials.rates_at(np.repeat(scores, times), np.repeat(target, times), 0.0)
    )


def test_a_drawing_has_both_ends() -> None:
    random = np.random.default_rng(1)
    target = random.random(5000) < 0.5
    accept, miss = trials.det(trials.curve(random.normal(target * 2.0, 1), target), 50)
    assert len(accept) == 50
    assert (accept[0], miss[0], accept[-1], miss[-1]) == pytest.approx((1, 0, 0, 1))
    assert (np.diff(accept) <= 0).all() and (np.diff(miss) >= 0).all()


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        trials.curve(np.array([1.0, np.nan]), np.array([True, False]))
    with pytest.raises(ValueError, match="of two"):
        trials.curve(np.array([1.0, 2.0]), np.array([True, True]))
    assert np.isnan(trials.rates_at(np.array([1.0]), np.array([True]), 0.0)[0])
