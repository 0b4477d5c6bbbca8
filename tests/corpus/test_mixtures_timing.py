import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.corpus.mixtures import rttm, timing
from allears.corpus.mixtures.rttm import Span
from allears.corpus.mixtures.timing import Gaps, Timing, Weibull, fit, gaps, shipped, turns
from allears.corpus.mixtures.turns import talk
from allears.corpus.recordings import CorpusError
from tests.real import REPOSITORY

CONVERSATIONS = REPOSITORY.parent / "shared/data/conversations"
needs_conversations = pytest.mark.skipif(
    not CONVERSATIONS.is_dir(), reason="labels of real conversations are not beside this checkout"
)

SHARES = st.floats(0, 1)
LENGTHS = st.builds(Weibull, st.floats(0.5, 5), st.floats(0.05, 10))
GAPS = st.builds(Gaps, SHARES, LENGTHS, LENGTHS, st.floats(0, 1))


def test_pauses_of_a_speaker_join_unless_they_are_long():
    spans = [Span("a", 0, 1), Span("b", 0.8, 2), Span("a", 1.4, 2), Span("a", 2.5, 3)]
    assert turns(spans) == [Span("a", 0, 2), Span("b", 0.8, 2), Span("a", 2.5, 3)]
    assert turns(spans, pause=0.6) == [Span("a", 0, 3), Span("b", 0.8, 2)]
    assert turns(turns(spans)) == turns(spans)
    tied = [Span("a", 0, 1), Span("b", 0, 2), Span("a", 1.2, 4)]
    assert turns(tied) == [Span("b", 0, 2), Span("a", 0, 4)]
    assert turns([Span("a", 0, 5), Span("a", 1, 2)]) == [Span("a", 0, 5)]


def test_gaps_are_counted_from_who_speaks_longest():
    found = [
        Span("a", 0, 10),
        Span("b", 2, 3),
        Span("b", 4, 5),
        Span("a", 12, 13),
        Span("b", 13, 14),
    ]
    assert gaps(found) == ([-8, -6, 0], [2])


def test_talk_by_hand():
    found = talk([(0, 4), (3, 6), (5, 7), (5.5, 5.75), (9, 10)])
    assert found == pytest.approx((8, 2, 0.25))
    assert found.overlap == 0.25
    assert talk([]).overlap == 0


@given(LENGTHS, st.floats(0, 0.999))
def test_a_level_and_its_length_are_one(lengths, level):
    assert lengths.below(np.array(lengths.at(level))) == pytest.approx(level, abs=1e-9)


@given(GAPS, SHARES)
def test_a_level_and_its_gap_are_one(distribution, level):
    gap = distribution.at(level)
    share = distribution.overlapping
    assert (gap < 0) <= (level < share)
    if 1e-3 < level < 1 - 1e-3 and abs(level - share) > 1e-3:
        assert distribution.below(gap) == pytest.approx(level, abs=1e-6)


@given(GAPS, SHARES, st.floats(-20, 20), st.floats(0, 20))
def test_gaps_between_bounds_stay_there_and_are_in_proportion(distribution, level, lowest, more):
    highest = lowest + more
    gap = distribution.at(level, lowest, highest)
    assert lowest <= gap <= highest
    low, high = distribution.below(lowest), distribution.below(highest)
    if high - low > 1e-3 and abs(gap - distribution.least) > 1e-3 and abs(gap) > 1e-3:
        below = (distribution.below(gap) - low) / (high - low)
        assert below == pytest.approx(level, abs=1e-3)


@given(GAPS)
def test_probability_rises_from_none_to_all(distribution):
    below = distribution.below(np.linspace(-500, 500, 2001))
    assert (np.diff(below) >= -1e-12).all()
    assert distribution.below(-1e9) == pytest.approx(0, abs=1e-3)
    assert distribution.below(1e9) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.5])
def test_a_fit_finds_what_was_drawn(shape):
    lengths = np.random.default_rng(1).weibull(shape, 20_000) * 1.7
    found = Weibull.fit(lengths)
    assert found.shape == pytest.approx(shape, rel=0.05)
    assert found.scale == pytest.approx(1.7, rel=0.03)


def test_a_fit_to_gaps_by_hand():
    found = Gaps.fit([-2.0, 1.0, 3.0, -4.0])
    assert found == Gaps(0.5, Weibull(1, 3), Weibull(1, 2))
    assert Gaps.fit([0.7, 0.9], least=0.5) == Gaps(0, Weibull(1, 1), Weibull(1, 0.3), 0.5)


def test_a_fit_to_labels_finds_what_made_them():
    random, at, spans, holder = np.random.default_rng(2), 0.0, [], "a"
    for _ in range(4000):
        spans.append(Span(holder, at, at + 5))
        if random.random() < 0.6:
            holder = "b" if holder == "a" else "a"
            overlaps = random.random() < 0.25
            at += 5 - random.exponential(0.3) if overlaps else 5 + random.exponential(1)
        else:
            at += 5.5 + random.exponential(0.8)
    found = fit([spans])
    assert found.turn_change == pytest.approx(0.6, abs=0.03)
    assert found.change.overlapping == pytest.approx(0.25, abs=0.03)
    assert found.change.overlap.at(0.5) == pytest.approx(0.3 * np.log(2), rel=0.1)
    assert found.change.silence.at(0.5) == pytest.approx(np.log(2), rel=0.1)
    assert found.same.at(0.5) == pytest.approx(0.5 + 0.8 * np.log(2), rel=0.1)


def test_labels_that_tell_nothing_are_refused():
    with pytest.raises(CorpusError, match="more labels"):
        fit([[Span("a", 0, 1), Span("b", 2, 3)]])


@pytest.mark.parametrize("name", ["meetings", "calls"])
def test_what_ships_can_be_drawn_from(name):
    found = shipped(name)
    assert json.loads(json.dumps(timing.as_json(found)))["turn_change"] == found.turn_change
    assert found.same.at(0) >= timing.PAUSE
    drawn = [found.change.at(level) for level in np.linspace(0.001, 0.999, 999)]
    assert np.mean(np.array(drawn) < 0) == pytest.approx(found.change.overlapping, abs=0.002)


def test_meetings_are_livelier_than_calls():
    assert shipped("meetings").change.overlapping > 5 * shipped("calls").change.overlapping
    assert shipped("meetings").turn_change > shipped("calls").turn_change
    with pytest.raises(ValueError, match="meetings, calls"):
        shipped("trains")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Weibull(0, 1),
        lambda: Gaps(1.1, Weibull(1, 1), Weibull(1, 1)),
        lambda: Timing(shipped().change, shipped().same, -0.1),
    ],
)
def test_what_is_no_distribution_is_refused(make):
    with pytest.raises(ValueError, match="not"):
        make()


@needs_conversations
@pytest.mark.parametrize(("name", "pattern"), [("meetings", "*.rttm"), ("calls", "*/*.rttm")])
def test_what_ships_is_fitted_to_real_labels(name, pattern):
    files = [rttm.read(path) for path in sorted(CONVERSATIONS.glob(pattern))]
    assert fit([spans for file in files for spans in file.values()]) == shipped(name)


def test_rttm_comes_back(tmp_path):
    spans = [Span("Ann_B", 0.5, 1.25), Span("c", 1, 3.0625)]
    path = tmp_path / "a.rttm"
    path.write_text(
        "SPKR-INFO x 1 <NA> <NA> <NA> unknown c <NA> <NA>\n"
        + rttm.written("x", [spans[1], spans[0]._replace(speaker="Ann B")])
        + "\n"
        + rttm.written("y", spans[:1])
    )
    assert rttm.read(path) == {"x": spans, "y": spans[:1]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SPEAKER x 1 0.5 <NA> <NA> <NA> a\n", "line 1: has '0.5' and '<NA>' where a start"),
        ("\nSPEAKER x 1 0.5 -1 <NA> <NA> a\n", "line 2: has '0.5' and '-1'"),
        ("SPEAKER x 1 nan 1 <NA> <NA> a\n", "'nan'"),
        ("SPEAKER x 1 0.5 1\n", "has 5 fields where 8"),
        ("", "give RTTM"),
        ("start,end\n1,2\n", "give RTTM"),
        ("SPEAKER \udce4", "not UTF-8"),
    ],
)
def test_what_is_no_rttm_is_refused(tmp_path, text, says):
    path = tmp_path / "a.rttm"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CorpusError, match=says):
        rttm.read(path)


def test_rttm_that_is_not_there(tmp_path):
    with pytest.raises(CorpusError, match="cannot be read"):
        rttm.read(tmp_path / "a.rttm")
