"""Word errors: hand-counted, and against the Levenshtein distance that recipes use."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allears.fairness.counting import (
    LONGEST,
    NO_WORDS,
    NORMALISERS,
    NOT_NORMAL,
    TOO_LONG,
    WORD_BITS,
    lower,
    normaliser,
    packed,
    word_errors,
)
from allears.fairness.refusal import AuditError
from allears.score import words as recipes


@pytest.mark.parametrize(
    ("form", "reference", "hypothesis", "errors", "words"),
    [
        ("none", "a b c", "a x c d", 2, 3),
        ("none", "a b c", "", 3, 3),
        ("none", "A", "a", 1, 1),
        ("lower", "Don't, STOP!", "don’t stop", 0, 2),
        ("whisper-english", "I've got twenty two colours", "I have got 22 colors", 0, 5),
        ("whisper-english", "hello [noise] um world", "hello world", 0, 2),
        ("whisper-basic", "¿Qué tal?", "qué tal", 0, 2),
        ("whisper-english", "uh hmm", "what", NO_WORDS, 0),
        ("lower", "?!", "", NO_WORDS, 0),
        ("none", "a " * LONGEST, "a", TOO_LONG, 0),
        ("none", "a " * 11_000, "b " * 11_000, TOO_LONG, 0),
        ("whisper-english", "9" * 5000, "nine", NOT_NORMAL, 0),
    ],
)  # fmt: skip
def test_by_hand(form: str, reference: str, hypothesis: str, errors: int, words: int) -> None:
    assert word_errors(reference, hypothesis, normaliser(form)) == (errors, words)


@settings(max_examples=50)
@given(st.lists(st.sampled_from("abc"), min_size=1), st.lists(st.sampled_from("abc")))
def test_as_the_plain_distance(said: list[str], heard: list[str]) -> None:
    found = word_errors(" ".join(said), " ".join(heard), normaliser("none"))
    assert found == (recipes.word_errors(said, heard), len(said))


def test_packed() -> None:
    count = packed(normaliser("none"))
    assert divmod(count("a b c", "x y"), 1 << WORD_BITS) == (3, 3)
    assert count(" ", "x") == NO_WORDS


@pytest.mark.parametrize("form", NORMALISERS)
@settings(max_examples=25)
@given(text=st.text(max_size=60))
def test_any_text_has_a_count_or_none(form: str, text: str) -> None:
    errors, words = word_errors(text, text, normaliser(form))
    assert (errors == 0 and words > 0) or (errors < 0 and words == 0)


@pytest.mark.parametrize("text", ["(" * 50_000, "[" * 50_000, "<a" * 30_000])
def test_texts_whose_form_would_take_minutes_are_left(text: str) -> None:
    assert word_errors("a", text, normaliser("whisper-english")) == (NOT_NORMAL, 0)


def test_long_space_is_one_space() -> None:
    text = "a" + " " * 90_000 + "'s b"
    assert word_errors(text, "a's b", normaliser("whisper-english")) == (0, 3)


def test_lower_keeps_apostrophes_within_words_only() -> None:
    assert lower("'Tis the dogs' DON'T") == "tis the dogs don't"


def test_unknown_form() -> None:
    with pytest.raises(AuditError, match="no normaliser 'upper'; there are whisper-english"):
        normaliser("upper")
