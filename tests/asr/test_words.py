import math
from itertools import pairwise

import pytest

from allears.asr.events import Word
from allears.asr.search.hypothesis import Emission
from allears.asr.search.words import SHORTEST, Timing, agreed, last_word, words
from allears.asr.tokens import Characters

TOKENS = Characters()
TIMING = Timing(0.04)


def emitted(text: str, frames: list[int], sureness: float = 1.0) -> list[Emission]:
    return [
        Emission(symbol, frame, math.log(sureness))
        for symbol, frame in zip(TOKENS.encode(text), frames, strict=True)
    ]


def spans(found: tuple[Word, ...]) -> list[tuple[str, float, float]]:
    return [(each.text, round(each.start, 6), round(each.end, 6)) for each in found]


def test_a_word_lasts_from_its_first_symbol_to_its_last() -> None:
    found = words(TOKENS, emitted("so it is", [10, 14, 20, 22, 40, 45]), TIMING)
    assert spans(found) == [("so", 0.4, 0.6), ("it", 0.8, 0.92), ("is", 1.6, 1.84)]


def test_what_a_model_is_late_is_taken_off() -> None:
    timing = Timing(0.04, start=0.2, end=0.1)
    found = words(TOKENS, emitted("so it", [10, 14, 20, 22]), timing)
    assert spans(found) == [("so", 0.2, 0.5), ("it", 0.6, 0.82)]


def test_the_first_word_begins_where_it_does_unless_that_were_before_the_beginning() -> None:
    timing = Timing(0.04, start=0.2, end=0.2)
    assert words(TOKENS, emitted("so", [6, 9]), timing)[0].start == pytest.approx(0.04)
    assert words(TOKENS, emitted("so", [2, 9]), timing)[0].start == 0.0
    early = words(TOKENS, emitted("so", [0, 0]), timing)[0]
    assert (early.start, early.end) == (0.0, SHORTEST)


def test_words_do_not_overlap_nor_leave_their_segment() -> None:
    timing = Timing(0.04, start=0.3, end=-0.2)
    frames = [10, 12, 14, 15, 15, 15, 16]
    found = words(TOKENS, emitted("a no by at", frames), timing, after=0.2, until=0.5)
    assert len(found) == 4
    for one, other in pairwise(found):
        assert one.start <= one.end <= other.start
    assert found[0].start >= 0.2
    assert found[-1].end <= 0.5


def test_words_that_come_in_one_frame_were_said_one_after_another() -> None:
    found = words(TOKENS, emitted("a b c", [20, 20, 20]), TIMING)
    assert spans(found) == [
        ("a", round(0.8 - 2 * SHORTEST, 6), round(0.8 - SHORTEST, 6)),
        ("b", round(0.8 - SHORTEST, 6), 0.8),
        ("c", 0.8, round(0.8 + SHORTEST, 6)),
    ]
    crowded = words(TOKENS, emitted("a b c", [0, 0, 0]), TIMING)
    assert [each.start for each in crowded] == [0.0, 0.0, 0.0]


def test_no_word_is_longer_than_its_symbols_and_sure_of_all_of_them() -> None:
    [word] = words(TOKENS, emitted("abc", [1, 2, 3], 0.9), TIMING)
    assert word.confidence == pytest.approx(0.9**3)


def test_a_rest_of_a_word_is_a_word() -> None:
    rest = emitted("stop", [1, 2, 3, 4])[2:]
    assert spans(words(TOKENS, rest, TIMING)) == [("op", 0.12, 0.2)]
    assert words(TOKENS, [], TIMING) == ()


def test_where_the_last_word_begins() -> None:
    assert last_word(TOKENS, emitted("so it is", [0] * 6)) == 4
    assert last_word(TOKENS, emitted("so", [0] * 2)) == 0
    assert last_word(TOKENS, []) == 0


def test_a_word_is_no_surer_than_all_readings_together() -> None:
    here, there, other = (
        Word("so", 1.0, 1.2, 0.9),
        Word("so", 1.1, 1.3, 0.2),
        Word("no", 1.0, 1.2, 0.9),
    )
    later = Word("so", 5.0, 5.2, 0.9)
    even = [math.log(0.25)] * 4
    [found] = agreed([[here], [there], [other], [later]], even)
    assert found.confidence == pytest.approx(0.5)
    assert (found.text, found.start, found.end) == ("so", 1.0, 1.2)
    [sure] = agreed([[here], [other]], [0.0, -100.0])
    assert sure.confidence == 0.9


def test_a_word_mark_without_letters_is_no_word() -> None:
    tokens = Characters("▁a")
    mark, letter = tokens.encode("▁")[0], tokens.encode("a")[0]
    emissions = [Emission(symbol, 10 * place, 0.0) for place, symbol in enumerate([letter, mark])]
    assert [each.text for each in words(tokens, emissions, TIMING)] == ["a"]
    assert last_word(tokens, emissions) == 0
