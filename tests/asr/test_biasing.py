import numpy as np
import pytest

from allears.asr.recogniser import RecogniserError
from allears.asr.search.biasing import Phrases
from allears.asr.search.greedy import Greedy
from allears.asr.tokens import WORD, Characters, Pieces, TokenError, Tokens
from tests.asr.hearing import encoded, networks

TOKENS = Characters()


def credit(phrases: Phrases, symbols: list[int]) -> tuple[float, float]:
    """What is credited before the end, and what remains in the end."""
    node, earned = 0, 0.0
    for symbol in symbols:
        node, more = phrases.step(node, symbol)
        earned += more
    return earned + phrases.hope(node), earned + phrases.end(node)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat", 4.0),
        ("a cat sat", 4.0),
        ("cat cat", 8.0),
        ("new york", 8.0 + 2.0),
        ("york", 2.0),
        ("new cat", 4.0),
        ("new york cat", 14.0),
        ("new new york", 10.0),
        ("new yor", 0.0),
        ("new", 0.0),
        ("catalogue", 0.0),
        ("concat", 0.0),
        ("ca t", 0.0),
        ("", 0.0),
    ],
)
def test_phrases_count_where_they_were_said_as_words(text: str, expected: float) -> None:
    phrases = Phrases(TOKENS, {"cat": 4.0, "new york": 8.0, "york": 2.0})
    assert credit(phrases, TOKENS.encode(text))[1] == expected


def test_hope_grows_with_every_letter_and_goes_with_the_first_wrong_one() -> None:
    phrases = Phrases(TOKENS, {"house": 6.0})
    credited = [credit(phrases, TOKENS.encode("house")[:count])[0] for count in range(6)]
    assert credited == [0.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert credit(phrases, TOKENS.encode("hour"))[0] == 0.0
    assert credit(phrases, TOKENS.encode("houses"))[0] == 0.0
    assert credit(phrases, TOKENS.encode("house s"))[0] == 6.0


def test_in_whichever_pieces_a_phrase_is_written() -> None:
    words = ["lower", "lowest", "newer", "newest", "low", "new", "wide", "wider", "widest"]
    tokens = Pieces.train([" ".join(words)] * 20, 40)
    phrases = Phrases(tokens, {"lowest": 5.0})
    ways = list(_ways(tokens, WORD + "lowest"))
    assert len(ways) > 2
    for way in ways:
        assert credit(phrases, way)[1] == 5.0
    assert credit(phrases, tokens.encode("lower"))[1] == 0.0


def _ways(tokens: Tokens, letters: str) -> list[list[int]]:
    """All symbols that write these letters."""
    if not letters:
        return [[]]
    return [
        [symbol, *rest]
        for symbol in range(1, tokens.size)
        if letters.startswith(piece := tokens.piece(symbol))
        for rest in _ways(tokens, letters[len(piece) :])
    ]


def test_moves_are_the_steps_of_all_symbols() -> None:
    phrases = Phrases(TOKENS, {"cat": 4.0, "new york": 8.0, "york": 2.0})
    node, _ = phrases.step(0, TOKENS.encode("n")[0])
    nodes, earned, added = phrases.moves(node)
    for symbol in range(TOKENS.size):
        after, gained = phrases.step(node, symbol)
        assert (nodes[symbol], earned[symbol]) == (after, gained)
        assert added[symbol] == gained + phrases.hope(after) - phrases.hope(node)
    assert added.min() < 0 < added.max()


def test_greedy_is_pulled_towards_phrases() -> None:
    nets = networks(blank=3.0)
    heard = encoded(nets, 60)
    plain, pulled = Greedy(nets), Greedy(nets, phrases=Phrases(nets.tokens, {"cab": 16.0}))
    [[before]] = plain.advance(heard, plain.begin())
    [[after]] = pulled.advance(heard, pulled.begin())
    text = "".join(nets.tokens.piece(symbol) for symbol in after.symbols) + WORD
    assert text.count(WORD + "cab" + WORD) > 1
    assert WORD + "cab" + WORD not in "".join(map(nets.tokens.piece, before.symbols))
    assert after.earned >= 16.0
    again = pulled.begin()
    for start in range(0, 60, 7):
        again = pulled.advance(heard[:, start : start + 7], again)
    assert again[0][0].symbols == after.symbols
    assert again[0][0].earned == after.earned


def test_what_cannot_be_expected_is_refused() -> None:
    with pytest.raises(TokenError, match="É"):
        Phrases(TOKENS, {"CAFÉ": 3.0})
    for boost in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(RecogniserError, match="cat"):
            Phrases(TOKENS, {"cat": boost})
    with pytest.raises(RecogniserError):
        Phrases(TOKENS, {" ": 1.0})
