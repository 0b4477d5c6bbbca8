import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.asr.search.hypothesis import Emission
from allears.asr.search.words import SHORTEST, Timing
from allears.asr.tokens import Characters, Marked
from allears.parties.targets import EOT, SOT
from allears.parties.turns import Closed, Manner, Open, all_turns, cut, follow, span

TOKENS = Marked(Characters("abc"), 2)
A, B = TOKENS.encode("a b")
BEGIN, END = TOKENS.mark(SOT), TOKENS.mark(EOT)
STEP = 0.04
MANNER = Manner(TOKENS, Timing(STEP), silence_s=0.4, longest_s=2.0)  # 10 and 50 frames


def emitted(*pairs):
    return [Emission(symbol, frame, -0.1) for symbol, frame in pairs]


def told(closed):
    return [
        (each.begun, each.ended, [one.symbol for one in each.emissions], each.marked)
        for each in closed
    ]


def test_a_turn_between_its_marks():
    found = all_turns(emitted((BEGIN, 2), (A, 4), (B, 6), (END, 8)), 30, MANNER)
    assert told(found) == [(2, 8, [A, B], True)]


@pytest.mark.parametrize(
    ("emissions", "expected"),
    [
        ([(A, 3), (END, 5)], [(3, 5, [A], True)]),  # no beginning
        ([(BEGIN, 3), (A, 4), (BEGIN, 6), (B, 7), (END, 9)], [(3, 6, [A], False), (6, 9, [B], True)]),
        ([(BEGIN, 3), (A, 4)], [(3, 14, [A], False)]),  # nothing came any more
        ([(BEGIN, 3)], [(3, 13, [], False)]),
        ([(END, 3)], []),
        ([(BEGIN, 3), (A, 4), (B, 20), (END, 22)], [(3, 14, [A], False), (20, 22, [B], True)]),
        ([(A, 25), (A, 29)], [(25, 30, [A, A], False)]),  # the stream ends
    ],
)  # fmt: skip
def test_whatever_is_missing(emissions, expected):
    assert told(all_turns(emitted(*emissions), 30, MANNER)) == expected


def test_a_turn_is_no_longer_than_is_allowed():
    found = all_turns(emitted((BEGIN, 0), *((A, frame) for frame in range(1, 120, 5))), 120, MANNER)
    assert [each.ended - each.begun for each in found[:-1]] == [50] * (len(found) - 1)
    assert sum(len(each.emissions) for each in found) == 24


def test_times_of_a_turn_by_its_marks():
    manner = Manner(TOKENS, Timing(STEP, start=0.08, end=0.04), start=0.04, end=0.12)
    turn = Closed(10, 40, tuple(emitted((A, 15), (B, 20))), True)
    found = span(turn, manner, 99.0)
    assert (found.start, found.end) == pytest.approx((10 * STEP - 0.04, 41 * STEP - 0.12))
    assert [word.text for word in found.words] == ["a", "b"]
    assert found.words[0].start == pytest.approx(15 * STEP - 0.08)


def test_without_its_mark_a_turn_ends_with_its_last_word():
    turn = Closed(10, 40, tuple(emitted((A, 15), (B, 20))), False)
    assert span(turn, MANNER, 99.0).end == pytest.approx(20 * STEP + SHORTEST)
    assert span(Open(10, 12), MANNER, 99.0) == (10 * STEP, 10 * STEP, ())


def test_nothing_of_a_turn_is_after_what_was_heard():
    turn = Closed(10, 40, tuple(emitted((A, 39))), True)
    found = span(turn, MANNER, 1.5)
    assert found.end == 1.5
    assert all(word.end <= 1.5 for word in found.words)


streams = st.lists(
    st.tuples(st.sampled_from([BEGIN, END, A, B]), st.integers(0, 12)), max_size=40
).map(
    lambda steps: [
        (symbol, sum(gap for _, gap in steps[: i + 1])) for i, (symbol, _) in enumerate(steps)
    ]
)


@given(streams, st.lists(st.integers(1, 30), max_size=30))
def test_heard_in_parts_turns_are_the_same(stream, sizes):
    length = (stream[-1][1] if stream else 0) + 20
    whole = all_turns(emitted(*stream), length, MANNER)
    turn, found, at = None, [], 0
    for size in [*sizes, length]:
        until = min(length, at + size)
        part = emitted(*(each for each in stream if at <= each[1] < until))
        became = follow(turn, part, until, MANNER)
        found += [each for each in became if isinstance(each, Closed)]
        turn = became[-1] if became and isinstance(became[-1], Open) else None
        at = until
    assert [*found, *cut(turn, length)] == whole


@given(streams)
def test_every_symbol_is_in_one_turn_and_turns_do_not_overlap(stream):
    length = (stream[-1][1] if stream else 0) + 1
    found = all_turns(emitted(*stream), length, MANNER)
    assert [one.symbol for each in found for one in each.emissions] == [
        symbol for symbol, _ in stream if symbol in (A, B)
    ]
    edges = [edge for each in found for edge in (each.begun, each.ended)]
    assert edges == sorted(edges)
