"""Trials by group: one threshold for all, speakers drawn anew, and trials that tell nothing."""

import numpy as np
import pytest
from scipy import stats

from allears.fairness.refusal import AuditError
from allears.fairness.statistics import bootstrap
from allears.fairness.verification import Trials, parts, verify, weights


def all_against_all(people: int = 30, seed: int = 0) -> Trials:
    """Women are women's impostors more often: their scores of two speakers are higher by 1."""
    random = np.random.default_rng(seed)
    labels = tuple("women" if each % 2 else "men" for each in range(people))
    women = np.array([each == "women" for each in labels])
    first, second = (each.ravel() for each in np.meshgrid(np.arange(people), np.arange(people)))
    times = np.where(first == second, 10, 1)
    first, second = np.repeat(first, times), np.repeat(second, times)
    target = first == second
    scores = (
        random.normal(0, 1, len(first)) + 4.0 * target + (women[first] & women[second] & ~target)
    )
    return Trials(scores, target, first, second, tuple(map(str, range(people))), {"gender": labels})


def test_one_threshold_shows_what_a_threshold_of_each_hides() -> None:
    found = verify(all_against_all(), ("gender",), draws=100)
    men, women, across = found.parts["gender"]
    assert (men.name, women.name, across.name) == ("men", "women", "men – women")
    assert (men.targets, men.impostors, men.speakers) == (150, 210, 15)
    assert (across.targets, across.impostors, across.speakers) == (0, 450, 30)
    assert women.false_match.value > 2 * men.false_match.value
    assert np.isnan(across.false_non_match.value) and np.isnan(across.eer.value)
    assert found.eer.low < found.eer.value < found.eer.high
    assert found.least_cllr < found.cllr
    assert women.false_match.low < women.false_match.value < women.false_match.high


def test_a_speaker_drawn_twice_has_twice_the_targets_and_impostors() -> None:
    some = Trials(
        np.arange(4.0), np.array([True, False, False, True]), np.array([0, 0, 1, 2]), np.array([0, 1, 2, 2]),
        ("a", "b", "c"), {},
    )  # fmt: skip
    assert weights(some, np.array([2.0, 1.0, 0.0])).tolist() == [2, 2, 0, 0]


def test_intervals_of_an_error_rate_hold_the_truth() -> None:
    """By speakers that differ, 30 of them: of 30 intervals 28 are to hold it, three standard errors 4."""
    held = 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        own = random.normal(0, 0.5, 30)
        who = np.repeat(np.arange(30), 12)
        other = (who + random.integers(1, 30, len(who))) % 30
        target = np.tile(np.arange(12) < 6, 30)
        scores = random.normal(0, 1, len(who)) + np.where(target, 2 + own[who], 0)
        some = Trials(
            scores,
            target,
            who,
            np.where(target, who, other),
            tuple(map(str, range(30))),
            {"all": ("x",) * 30},
        )
        drawn = [bootstrap.drawn(30, seed, each) for each in range(60)]
        part = parts(some, "all", 1.0, drawn)[0]
        truth = stats.norm.cdf(-1 / np.sqrt(1.25))
        held += part.false_non_match.low <= truth <= part.false_non_match.high
    assert held >= 24


def test_the_same_draws_give_the_same_intervals() -> None:
    one, two = (verify(all_against_all(12), draws=20, seed=4) for _ in range(2))
    assert one.eer == two.eer
    assert verify(all_against_all(12), draws=20, seed=5).eer != one.eer
    assert bootstrap.drawn(12, 4, 0).sum() == 12


def few(target: list[bool], enrolled: list[int], spoke: list[int]) -> Trials:
    """Trials of speakers a and b, all of the same score."""
    scores = np.ones(len(target))
    return Trials(
        scores,
        np.array(target),
        np.array(enrolled),
        np.array(spoke),
        ("a", "b"),
        {"age": (None, None)},
    )


def test_trials_that_tell_nothing_are_refused() -> None:
    with pytest.raises(AuditError, match="of two speakers"):
        verify(few([True], [0], [0]))
    with pytest.raises(AuditError, match="names say otherwise"):
        verify(few([True, False], [0, 0], [1, 1]))
    both = few([True, False], [0, 0], [0, 1])
    with pytest.raises(AuditError, match="no attribute 'accent'"):
        verify(both, ("accent",), draws=2)
    with pytest.raises(AuditError, match="nobody's age is known"):
        verify(both, ("age",), draws=2)
