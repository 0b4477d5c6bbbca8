"""Words of real speech, recognised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.demo.show import VOICES
from allears.score.quality import ScoreError
from allears.score.words import recognise, word_errors, words
from tests.real import speech


def test_words_of_a_text() -> None:
    assert words("Ask NOT: “what's” up — o’clock, 'tis") == (
        "ask", "not", "what's", "up", "o'clock", "'tis",
    )  # fmt: skip
    assert words(" 42 … ' ") == ()


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "", 3),
        ("", "a b", 2),
        ("a b c d", "a x c d", 1),
        ("a b c d", "b c d", 1),
        ("a b c d", "a b x c d y", 2),
        ("a b", "b a", 2),
    ],
)
def test_word_errors(said: str, heard: str, errors: int) -> None:
    assert word_errors(said.split(), heard.split()) == errors


@given(*[st.lists(st.sampled_from("abc"), max_size=8)] * 3)
def test_word_errors_are_a_distance(one: list[str], two: list[str], three: list[str]) -> None:
    assert word_errors(one, two) == word_errors(two, one)
    assert (word_errors(one, two) == 0) == (one == two)
    assert word_errors(one, three) <= word_errors(one, two) + word_errors(two, three)


def test_real_speech_is_recognised_whatever_was_heard_before() -> None:
    pytest.importorskip("pocketsphinx", reason="allears[recipes] is not installed")
    clip, said = speech("lj", 5.0), words(VOICES[0].text)[:15]
    first = recognise(clip)
    assert word_errors(said, first) < 8
    recognise(np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32))
    assert recognise(clip) == first
    assert recognise(np.zeros(0, np.float32)) == ()
    with pytest.raises(ScoreError, match="NaN"):
        recognise(np.full(16_000, np.nan, np.float32))
