import pytest

from allears.asr.tokens import Characters, Marked, TokenError, decode, restored
from allears.corpus.mixtures.turns import Turn, Word
from allears.corpus.sound import RATE
from allears.parties.targets import CHANGE, EOT, SOT, Due, Form, marked, said, scripts

TOKENS = Characters("abc")


def turn(speaker, text, start, end, words=()):
    return Turn(speaker, text, int(start * RATE), int(end * RATE), f"{speaker}-{start}", words)


ANN = turn("ann", "a b", 0.0, 2.0, (Word("a", 0.0, 0.5), Word("b", 1.6, 2.0)))
BOB = turn("bob", "c", 1.0, 1.5, (Word("c", 1.0, 1.5),))
CYD = turn("cyd", "ab", 2.5, 3.0, (Word("ab", 2.5, 3.0),))
TURNS = (ANN, BOB, CYD)


def test_turns_between_their_marks_and_when_these_are_due():
    tokens = marked(TOKENS, Form.TURNS)
    sot, eot = tokens.mark(SOT), tokens.mark(EOT)
    first, second = scripts(TURNS, tokens, Form.TURNS, 2)
    assert first.symbols == (
        sot, *TOKENS.encode("a b"), eot, sot, *TOKENS.encode("ab"), eot
    )  # fmt: skip
    assert first.due == (
        Due(0, SOT, 0.0), Due(3, EOT, 2.0), Due(4, SOT, 2.5), Due(7, EOT, 3.0)
    )  # fmt: skip
    assert first.turns == (0, 2)
    assert second.symbols == (sot, *TOKENS.encode("c"), eot)
    assert second.turns == (1,)
    assert said([first, second]) == 11


def test_words_alone_have_no_marks():
    first, second = scripts(TURNS, TOKENS, Form.WORDS, 2)
    assert first.symbols == (*TOKENS.encode("a b"), *TOKENS.encode("ab"))
    assert (second.symbols, second.due) == (tuple(TOKENS.encode("c")), ())


def test_one_branch_tells_turns_by_when_they_begin():
    (only,) = scripts(TURNS, TOKENS, Form.WORDS, 1)
    assert decode(TOKENS, only.symbols) == "a b c ab"


def test_words_by_when_they_end_with_a_mark_where_the_talker_changes():
    tokens = marked(TOKENS, Form.CHANGES)
    change = tokens.mark(CHANGE)
    (only,) = scripts(TURNS, tokens, Form.CHANGES, 1)
    a, b, c, ab = (TOKENS.encode(word) for word in ("a", "b", "c", "ab"))
    assert only.symbols == (*a, change, *c, change, *b, *ab)


def test_words_without_times_cannot_be_ordered():
    with pytest.raises(ValueError, match="turn 0 of bob has 0 word times for 'c'"):
        scripts([turn("bob", "c", 0, 1)], marked(TOKENS, Form.CHANGES), Form.CHANGES, 1)


def test_marks_stand_for_no_text_and_survive_a_file():
    tokens = Marked(TOKENS, 2)
    assert (tokens.size, tokens.mark(0), tokens.mark(1)) == (9, 7, 8)
    assert decode(tokens, [7, *tokens.encode("a bc"), 8]) == "a bc"
    again = restored(tokens.arrays())
    assert isinstance(again, Marked)
    assert (again.size, again.marks, again.encode("abc")) == (9, 2, TOKENS.encode("abc"))
    with pytest.raises(TokenError, match="9 is no symbol"):
        tokens.piece(9)
    with pytest.raises(TokenError, match="2 is no mark"):
        tokens.mark(2)


def test_symbols_without_marks_are_refused_where_they_are_wanted():
    with pytest.raises(TypeError, match="without marks"):
        scripts(TURNS, TOKENS, Form.TURNS, 2)
