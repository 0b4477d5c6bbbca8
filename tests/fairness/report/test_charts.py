"""Axes, and words that differ."""

import math

import pytest

from allears.fairness.report.charts import axis
from allears.fairness.report.differences import differences
from allears.score.bootstrap import Estimate


def test_an_axis_begins_with_nothing_and_holds_all() -> None:
    found = axis([Estimate(0.2, 0.17, 0.31), Estimate(0.12, 0.1, 0.14)])
    assert (found.low, found.high) == (0, pytest.approx(0.4))
    assert found.ticks == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert found.at(0.2) == 50


def test_differences_go_both_ways() -> None:
    found = axis([Estimate(-0.02, -0.05, 0.01)])
    assert found.low <= -0.04 and found.high >= 0.01 and 0 in found.ticks


def test_an_interval_without_end_does_not_squeeze_the_others() -> None:
    found = axis([Estimate(0.2, 0.01, 30.0), Estimate(0.1, 0.05, 0.2)])
    assert found.high <= 0.5
    assert found.beyond(30.0) and not found.beyond(0.2) and found.at(30.0) == 100


@pytest.mark.parametrize("value", [0.0, math.nan, 1e-4, 7.0])
def test_any_rate_has_an_axis(value: float) -> None:
    found = axis([Estimate(value, math.nan, math.nan)])
    assert found.low == 0 and found.high > 0 and 2 <= len(found.ticks) <= 12


def test_words_that_differ() -> None:
    said, heard = differences("Please call the office, at nine", "please fall the of is at nine")
    assert [tuple(each) for each in said] == [
        ("right", "Please"), ("wrong", "call"), ("right", "the"), ("wrong", "office,"), ("right", "at nine"),
    ]  # fmt: skip
    assert [tuple(each) for each in heard] == [
        ("right", "please"), ("wrong", "fall"), ("right", "the"), ("wrong", "of is"), ("right", "at nine"),
    ]  # fmt: skip
    assert differences("yes", "") == ([("wrong", "yes")], [])
    assert differences("a b", "a b") == ([("right", "a b")], [("right", "a b")])
