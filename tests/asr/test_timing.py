"""Delays of symbols: medians against words that another recogniser found in real speech."""

from itertools import pairwise

import pytest

from allears.asr import timing
from allears.asr.events import Word
from allears.asr.timing import Spoken, aligned, matched, medians
from tests.real import speech

SAID = (
    "the invention of movable metal letters in the middle of the fifteenth century may justly be "
    "considered as the invention of the art of printing"
)
TEXT = SAID.split()


@pytest.fixture(scope="module")
def decoder():
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    return timing.aligner()


def test_words_are_found_where_they_are_spoken(decoder):
    found = aligned(speech(), TEXT, decoder)
    assert [each.text for each in found] == TEXT
    assert all(each.start < each.end for each in found)
    assert all(one.end <= other.start + 1e-9 for one, other in pairwise(found))
    # The reader pauses after "century", and begins "may" after it.
    assert found[12].end == pytest.approx(3.95, abs=0.1)
    assert found[13].start == pytest.approx(4.26, abs=0.1)


def test_what_comes_later_is_found_later(decoder):
    late = speech()[int(4.1 * 16_000) :]
    found = aligned(late, TEXT[13:], decoder)
    whole = aligned(speech(), TEXT, decoder)[13:]
    shifts = [one.start - other.start for one, other in zip(whole, found, strict=True)]
    assert sorted(shifts)[len(shifts) // 2] == pytest.approx(4.1, abs=0.03)


def test_nothing_is_found_of_what_is_not_said(decoder):
    assert aligned(speech(), [], decoder) == []
    assert aligned(speech(), ["the", "qzxv"], decoder) == []
    assert aligned(speech()[:4_000], TEXT, decoder) == []
    assert len(aligned(speech(), TEXT, decoder)) == len(TEXT)


def word(text, start, end):
    return Word(text, start, end, 1.0)


def test_words_that_were_heard_are_compared():
    said = [Spoken("a", 0.0, 0.2), Spoken("b", 0.2, 0.5), Spoken("c", 0.6, 0.9)]
    heard = [word("a", 0.1, 0.3), word("x", 0.3, 0.5), word("c", 0.7, 1.2)]
    pairs = matched(said, heard)
    assert [(spoken.text, told.text) for spoken, told in pairs] == [("a", "a"), ("c", "c")]
    found = medians([*pairs, (said[1], word("b", 0.5, 0.7))])
    assert found == pytest.approx((0.1, 0.2, 3))
    assert medians([]) is None
