"""Segments that cannot be are refused; words share a segment by their letters."""

import pytest

from allears.score.counts import Counts
from allears.score.diarisation import DiarisationErrors
from allears.score.parties import WordErrors
from allears.score.quality import ScoreError
from allears.score.segments import Segment, microseconds, spoken


def test_words_share_a_segment_by_their_letters() -> None:
    """Six letters over 3 s: half a second each."""
    found = Segment("anna", 1.0, 4.0, ("ab", "a", "abc")).timed()
    assert [(each.start, each.end) for each in found] == [(1.0, 2.0), (2.0, 2.5), (2.5, 4.0)]
    known = Segment("anna", 1.0, 4.0, ("ab", "a"), ((1.0, 1.5), (3.0, 4.0))).timed()
    assert known == [("ab", 1.0, 1.5), ("a", 3.0, 4.0)]
    assert Segment("anna", 1.0, 4.0).timed() == []


@pytest.mark.parametrize(
    ("start", "end", "words", "times", "match"),
    [
        (2.0, 1.0, (), None, "from 2.0 to 1.0"),
        (0.0, float("nan"), (), None, "nan"),
        (0.0, 1.0, ("a b",), None, "blanks"),
        (0.0, 1.0, ("",), None, "empty"),
        (0.0, 1.0, ("a", "b"), ((0.0, 1.0),), "2 words, but times of 1"),
        (0.0, 1.0, ("a",), ((1.0, 0.0),), "from 1.0 to 0.0"),
    ],
)
def test_segments_that_cannot_be(
    start: float,
    end: float,
    words: tuple[str, ...],
    times: tuple[tuple[float, float], ...] | None,
    match: str,
) -> None:
    with pytest.raises(ScoreError, match=match):
        Segment("anna", start, end, words, times)


def test_those_who_speak_come_in_order() -> None:
    late, early = Segment("anna", 1.0, 2.0, ("a",)), Segment("ben", 0.0, 3.0, ("b",))
    assert spoken([late, Segment("cleo", 0.5, 1.0), early]) == [early, late]


def test_counts_of_one_kind_add() -> None:
    assert WordErrors(1, 2, 3, 10) + WordErrors(words=2) == WordErrors(1, 2, 3, 12)
    with pytest.raises(TypeError):
        WordErrors() + DiarisationErrors()  # type: ignore[operator]
    with pytest.raises(TypeError, match=r"abstract .*fraction"):
        Counts()  # type: ignore[abstract]


def test_microseconds_undo_what_decimals_lose() -> None:
    assert microseconds(0.1) + microseconds(0.2) == microseconds(0.3) == 300_000
