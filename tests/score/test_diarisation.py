"""Who spoke when: by hand, and by counting milliseconds under every pairing of speakers."""

import sys
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allears.score.diarisation import DiarisationErrors, diarisation_errors
from allears.score.quality import ScoreError
from allears.score.segments import Segment

pytest.importorskip("scipy", reason="allears[parties] is not installed")

MILLISECOND = 1000
LONGEST = 3000
"""Milliseconds of a session here, with room around it for collars."""


Span = tuple[str, int, int]


def spans(labels: str) -> st.SearchStrategy[list[Span]]:
    times = st.integers(300, LONGEST - 300)
    return st.lists(st.tuples(st.sampled_from(labels), times, times), max_size=6)


def speech(some: list[Span], later: float = 0.0, names: str = "") -> list[Segment]:
    return [
        Segment(label + names, later + min(times) / 1000, later + max(times) / 1000)
        for label, *times in some
    ]


def milliseconds(segments: list[Segment], labels: str) -> np.ndarray:
    active = np.zeros((len(labels), LONGEST), bool)
    for each in segments:
        row = labels.index(each.label)
        active[row, round(each.start * 1000) : round(each.end * 1000)] = True
    return active


def counted(said: np.ndarray, heard: np.ndarray, collar: int) -> DiarisationErrors:
    """One millisecond after the other, for the best of all pairings."""
    kept = np.ones(LONGEST, bool)
    for row in said:
        for edge in np.flatnonzero(np.diff(row)) + 1:
            kept[max(0, edge - collar) : edge + collar] = False
    said, heard = said[:, kept], heard[:, kept]
    many, claimed = said.sum(0), heard.sum(0)
    right = max((said & heard[list(order)]).sum() for order in permutations(range(len(heard))))
    return DiarisationErrors(
        missed=MILLISECOND * int(np.maximum(many - claimed, 0).sum()),
        false_alarm=MILLISECOND * int(np.maximum(claimed - many, 0).sum()),
        confusion=MILLISECOND * int(np.minimum(many, claimed).sum() - right),
        scored=MILLISECOND * int(many.sum()),
    )


def test_a_conversation_by_hand() -> None:
    """anna 0–4, ben 3–6; found: one 0–5, two 5–7.

    one is anna (4 s right), two is ben (1 s). In 3–4 ben is missed; in 4–5 one is not ben; 6–7 is nobody.
    """
    said = [Segment("anna", 0, 4), Segment("ben", 3, 6)]
    heard = [Segment("one", 0, 5), Segment("two", 5, 7)]
    found = diarisation_errors(said, heard)
    assert found == DiarisationErrors(1_000_000, 1_000_000, 1_000_000, 7_000_000)
    assert found.rate == pytest.approx(3 / 7)
    # without 0.25 s on both sides of 0, 3, 4 and 6: 0.25–2.75, 3.25–3.75 of two, 4.25–5.75 are left
    kept = diarisation_errors(said, heard, 0.25)
    assert kept == DiarisationErrors(500_000, 750_000, 750_000, 5_000_000)


def test_silence_on_either_side() -> None:
    talk = [Segment("anna", 1, 2.5), Segment("anna", 2, 3), Segment("ben", 4, 4)]
    assert diarisation_errors([], []) == DiarisationErrors()
    assert diarisation_errors(talk, []) == DiarisationErrors(missed=2_000_000, scored=2_000_000)
    assert diarisation_errors([], talk) == DiarisationErrors(false_alarm=2_000_000)
    assert np.isnan(diarisation_errors([], talk).rate)


@settings(max_examples=40)
@given(spans("xyz"), spans("012"), st.sampled_from([0, 250, 37]))
def test_every_millisecond_is_counted(
    said_spans: list[Span], heard_spans: list[Span], collar: int
) -> None:
    said, heard = speech(said_spans), speech(heard_spans)
    found = diarisation_errors(said, heard, collar / 1000)
    assert found == counted(milliseconds(said, "xyz"), milliseconds(heard, "012"), collar)


@settings(max_examples=30)
@given(spans("xyz"), spans("012"))
def test_laws_of_who_spoke_when(said_spans: list[Span], heard_spans: list[Span]) -> None:
    said, heard = speech(said_spans), speech(heard_spans)
    found, other = diarisation_errors(said, heard), diarisation_errors(heard, said)
    assert (found.missed, found.confusion) == (other.false_alarm, other.confusion)
    assert diarisation_errors(said, said).fraction == (0, found.scored)
    assert found.missed + found.confusion <= found.scored
    assert found.fraction[0] <= found.scored + other.scored
    names = {"0": "2", "1": "0", "2": "1"}
    renamed = [Segment(names[each.label], each.start, each.end) for each in heard]
    assert diarisation_errors(said, renamed) == found


@settings(max_examples=20)
@given(*[spans("xy")] * 4)
def test_sessions_add_as_if_scored_together(
    said: list[Span], heard: list[Span], said_later: list[Span], heard_later: list[Span]
) -> None:
    late, late_heard = speech(said_later, 60, "'"), speech(heard_later, 60, "'")
    apart = diarisation_errors(speech(said), speech(heard)) + diarisation_errors(late, late_heard)
    together = diarisation_errors(speech(said) + late, speech(heard) + late_heard)
    assert apart == together


def test_what_cannot_be_scored_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ScoreError, match="collar"):
        diarisation_errors([], [], -1.0)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ScoreError, match=r"install allears\[parties\]"):
        diarisation_errors([Segment("anna", 0, 1)], [])
