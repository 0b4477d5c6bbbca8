"""Turns and how late they are marked: by hand, and against all delays in a list."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allears.score.bootstrap import estimate, ratio
from allears.score.latency import BIN, Delays, Latency, MarkedTurn, delays, latency, percentiles
from allears.score.segments import Segment
from allears.score.turns import TurnCounts, paired_turns, turn_counts

pytest.importorskip("scipy", reason="allears[parties] is not installed")

SECONDS = st.integers(-4_999_999, 9_999_999).map(lambda each: each / 1_000_000)


def turns(*spans: tuple[float, float]) -> list[Segment]:
    return [Segment(str(at), *span) for at, span in enumerate(spans)]


def test_a_session_by_hand() -> None:
    """Three turns; the system joins the last two, and has one where nobody speaks."""
    said = turns((0, 2), (3, 5), (5, 6))
    heard = turns((0.3, 2.4), (2.9, 6.2), (8, 9))
    marked = [
        MarkedTurn(heard[0], 0.3, 2.4),
        MarkedTurn(heard[1], 2.9, None),
        MarkedTurn(heard[2], 8, 9),
    ]
    found = latency(said, marked)
    assert (found.matched, found.missed, found.spurious) == (2, 1, 1)
    assert found.fraction == (1, 3)
    assert found.start == delays([0.3, -0.1])
    assert found.start.rate == 0.5
    assert found.start.mean == pytest.approx(0.1)
    assert found.end == delays([0.4, None])
    assert (found.end.count, found.end.absent, found.end.early) == (1, 1, 0)
    assert found + Latency() == found
    assert turn_counts(said, heard) + turn_counts(said, heard[:2]) == TurnCounts(2, 1, 1, 6, 5)
    assert (turn_counts(said, heard) + turn_counts([], said)).rate == 0.5


def test_short_turns_that_are_marked_late_need_slack() -> None:
    said, heard = turns((1.0, 1.2)), turns((1.4, 1.7))
    assert paired_turns(said, heard) == []
    assert paired_turns(said, heard, 0.2) == []  # they touch, and that is all
    assert paired_turns(said, heard, 0.3) == [(0, 0)]


def test_nothing_said_or_nothing_heard() -> None:
    said = turns((0, 1), (2, 3))
    assert latency(said, []) == Latency(missed=2)
    assert latency([], [MarkedTurn(each, 0, 1) for each in said]) == Latency(spurious=2)
    assert latency([], []) == Latency()
    assert np.isnan(Delays().rate) and np.isnan(Delays().mean) and np.isnan(Delays().percentile(50))
    assert turn_counts([], []) == TurnCounts(sessions=1, exact=1)


quarters = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), max_size=4)


@settings(max_examples=60)
@given(quarters, quarters)
def test_most_time_overlaps(one: list[tuple[int, int]], two: list[tuple[int, int]]) -> None:
    """Against every way to pair them."""
    said, heard = (
        turns(*((start / 4, (start + length) / 4) for start, length in each)) for each in (one, two)
    )

    def overlap(first: Segment, second: Segment) -> float:
        return max(0.0, min(first.end, second.end) - max(first.start, second.start))

    few, many = sorted((said, heard), key=len)
    best = max(sum(map(overlap, few, order)) for order in permutations(many, len(few)))
    pairs = paired_turns(said, heard)
    shared = [overlap(said[row], heard[column]) for row, column in pairs]
    assert sum(shared) == best and all(shared)
    assert len(dict(pairs)) == len({column for _, column in pairs}) == len(pairs)


@settings(max_examples=40)
@given(st.lists(SECONDS, min_size=1, max_size=40), st.sampled_from([1, 10, 50, 90, 99, 100]))
def test_percentiles_are_a_bin_off_at_most(seconds: list[float], percent: int) -> None:
    exact = np.percentile(seconds, percent, method="inverted_cdf")
    found = delays(seconds)
    assert found.percentile(percent) == pytest.approx(exact, abs=BIN / 1e6 + 1e-9)
    assert found.fraction == (sum(each < 0 for each in seconds), len(seconds))
    assert found.mean == pytest.approx(np.mean(seconds))


@settings(max_examples=25)
@given(*[st.lists(SECONDS | st.none(), max_size=20)] * 2)
def test_delays_add(one: list[float | None], two: list[float | None]) -> None:
    assert delays(one) + delays(two) == delays([*one, *two])
    assert sum([delays(one), delays(two)], Delays()) == delays([*two, *one])


def test_percentiles_by_hand() -> None:
    """Four in the bin from 0.12 s, spread evenly; what is beyond the bins is infinite, but counted."""
    assert delays([0.121] * 4).percentile(50) == pytest.approx(0.125)
    assert delays([0.121] * 4).percentile(100) == pytest.approx(0.13)
    wide = delays([-7.0, 0.0, 0.3, 30.0])
    assert wide.percentile(25) == -np.inf
    assert wide.percentile(50) == pytest.approx(0.01)
    assert wide.percentile(100) == np.inf
    assert (wide.count, wide.early) == (4, 1)
    # an end that decimals make early by 6e-17 s is not
    assert delays([0.3 - (0.1 + 0.2)]).early == 0


def test_sessions_can_be_drawn_anew() -> None:
    """Intervals of the early rate and of the median, of four sessions of two speakers."""
    sessions = [delays([0.1, 0.2]), delays([0.3]), delays([-0.1, 0.4]), delays([0.2])]
    speakers = ["anna", "anna", "ben", "ben"]
    early = estimate(speakers, np.array([each.fraction for each in sessions], float), ratio)
    assert early.value == pytest.approx(1 / 6) and (early.low, early.high) == (0, 1 / 3)
    bins = np.array([each.bins for each in sessions], float)
    together = sum(sessions, Delays())
    assert percentiles(bins.sum(0, keepdims=True), 50)[0] == together.percentile(50)
    assert percentiles(bins, 50) == pytest.approx([each.percentile(50) for each in sessions])
