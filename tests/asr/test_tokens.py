"""Texts and symbols: one way and back, whatever the words."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.asr.tokens import WORD, Characters, Pieces, TokenError, decode, restored

ALPHABET = "abcdefghijklmnopqrstuvwxyz'"
words = st.lists(st.text(ALPHABET, min_size=1, max_size=9), max_size=6)
SENTENCES = (
    "the quick brown fox jumps over the lazy dog",
    "don't ask what your country can do for you",
    "sphinx of black quartz judge my vow",
)


@cache
def tokens(kind):
    return (
        Characters()
        if kind == "characters"
        else Pieces.train([*SENTENCES, *9 * SENTENCES[1:2]], 60)
    )


kinds = pytest.mark.parametrize("kind", ["characters", "pieces"])


@kinds
@given(words=words)
def test_texts_come_back(kind, words):
    text = " ".join(words)
    symbols = tokens(kind).encode(text)
    assert decode(tokens(kind), symbols) == text
    assert all(0 < each < tokens(kind).size for each in symbols)


@kinds
@given(words=words.filter(bool))
def test_words_are_known_by_how_they_begin(kind, words):
    found = [tokens(kind).piece(each) for each in tokens(kind).encode(" ".join(words))]
    assert sum(each.startswith(WORD) for each in found) == len(words)
    assert found[0].startswith(WORD)


@kinds
@given(words=words, blanks=st.lists(st.integers(0, 30), max_size=5))
def test_blanks_say_nothing(kind, words, blanks):
    symbols = tokens(kind).encode(" ".join(words))
    for place in blanks:
        symbols.insert(min(place, len(symbols)), 0)
    assert decode(tokens(kind), symbols) == " ".join(words)


@kinds
def test_spaces_do_not_matter(kind):
    assert tokens(kind).encode("  my   vow ") == tokens(kind).encode("my vow")
    assert tokens(kind).encode("") == []


@kinds
def test_arrays_are_all_that_it_takes(kind):
    again = restored({"other": np.zeros(3)} | tokens(kind).arrays())
    assert again.size == tokens(kind).size
    assert again.encode(SENTENCES[0]) == tokens(kind).encode(SENTENCES[0])


@kinds
@pytest.mark.parametrize("text", ["the naïve fox", "the 4naïve fox", "naïve"])
def test_the_word_that_cannot_be_written_is_named(kind, text):
    word = next(each for each in text.split() if "ï" in each)
    with pytest.raises(TokenError, match=f"'{word}'"):
        tokens(kind).encode(text)


@kinds
@pytest.mark.parametrize("symbol", [-1, 10_000])
def test_symbols_that_are_none_are_named(kind, symbol):
    with pytest.raises(TokenError, match=f"{symbol} is no symbol"):
        tokens(kind).piece(symbol)


def test_common_words_are_few_pieces():
    words = "your country your country"
    assert len(tokens("pieces").encode(words)) < len(tokens("characters").encode(words))


def test_what_holds_no_symbols_is_refused():
    with pytest.raises(TokenError, match="is missing"):
        restored({"other": np.zeros(3)})
    with pytest.raises(TokenError, match="no model of sentencepiece"):
        restored({"tokens.pieces": np.frombuffer(b"nothing", np.uint8)})
    with pytest.raises(TokenError, match="no 60 pieces can be made"):
        Pieces.train([], 60)
