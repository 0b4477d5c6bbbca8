"""The laws of what is told of a conversation, whatever is heard: a small untrained network tells of many turns."""

from collections import defaultdict
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allears.asr.search.words import Timing
from allears.parties.events import Kind
from allears.parties.live import Converser
from allears.parties.turns import Manner
from tests.parties.small import MARKED, STEP, converser, events, parted
from tests.real import speech

RATE = 16_000
FEW = settings(deadline=None, max_examples=8)


def lawful(found, seconds):
    """Each turn begins, goes on, and ends for good; returns the events of each."""
    assert all(a.told <= b.told for a, b in pairwise(found))
    turns = defaultdict(list)
    for each in found:
        turns[each.turn].append(each)
    assert list(turns) == list(range(1, len(turns) + 1))
    for heard in turns.values():
        assert [each.kind for each in heard[:1]] == [Kind.TURN_START]
        assert [each.kind for each in heard[-2:]] == [Kind.FINAL, Kind.TURN_END]
        assert {each.kind for each in heard[1:-2]} <= {Kind.PARTIAL}
        assert len({each.start for each in heard}) == 1
        final, end = heard[-2:]
        assert (final.words, final.speaker, final.end) == (end.words, end.speaker, end.end)
        for each in heard:
            assert 0 <= each.start <= each.end <= each.told <= seconds + 1e-9
            times = [time for word in each.words for time in (word.start, word.end)]
            assert times == sorted(times)
            assert not times or each.start <= times[0] <= times[-1] <= each.end
    return turns


def test_the_small_network_tells_of_turns_at_once():
    turns = lawful(events(converser(), [speech("lj", 4)]), 4.0)
    finals = [heard[-2] for heard in turns.values()]
    assert len(finals) >= 4 and any(len(heard) > 5 for heard in turns.values())
    overlaps = [(a, b) for a, b in pairwise(finals) if b.start < a.end and a.words and b.words]
    assert overlaps


@FEW
@given(count=st.integers(0, 3 * RATE))
def test_every_turn_ends_wherever_the_stream_is_cut(count):
    lawful(events(converser(), [speech("lj", 3)[:count]]), count / RATE)


@FEW
@given(
    sizes=st.lists(st.integers(0, 12_000), min_size=1, max_size=6).filter(
        lambda sizes: sum(sizes) > 200 * len(sizes)
    )
)
def test_pieces_in_which_sound_comes_change_nothing(sizes):
    same(events(converser(), parted(speech("lj", 2), sizes)), at_once())


def test_samples_that_come_one_by_one_change_nothing():
    sound = speech("lj", 0.4)
    whole = events(converser(), [sound])
    assert whole
    same(events(converser(), parted(sound, [1])), whole)


def sureness(found):
    """How sure every word of all events is."""
    return [word.confidence for each in found for word in each.words]


def unsure(found):
    """All of events but that."""
    return [
        replace(each, words=tuple(replace(word, confidence=0.0) for word in each.words))
        for each in found
    ]


def same(found, others):
    """Equal; confidences as nearly as arithmetic is alike for any number of windows."""
    assert unsure(found) == unsure(others)
    assert sureness(found) == pytest.approx(sureness(others), abs=0.01)


@cache
def at_once():
    """What is told of two seconds that come as one piece."""
    found = events(converser(), [speech("lj", 2)])
    assert len(found) > 10
    return found


def test_one_branch_keeps_the_laws_and_tells_turns_one_after_another():
    turns = lawful(events(converser(1), [speech("lj", 3)]), 3.0)
    finals = [heard[-2] for heard in turns.values()]
    # Several turns may come in one frame; a word has 50 ms at least.
    assert finals and all(a.end <= b.start + max(STEP, 0.05) + 1e-9 for a, b in pairwise(finals))


@pytest.mark.parametrize("start", [-0.3, 0.2])
def test_marks_that_come_early_or_late_keep_the_laws(start):
    given_ = converser()
    manner = Manner(MARKED, Timing(STEP, 0.1, 0.1), start=start, end=0.1, longest_s=0.5)
    turns = lawful(events(Converser(given_.networks, manner), [speech("lj", 3)]), 3.0)
    assert max(heard[-1].end - heard[0].start for heard in turns.values()) <= 0.5 + 0.4 + STEP


def test_turns_begin_in_order():
    found = events(converser(), [speech("lj", 4)])
    starts = [each.start for each in found if each.kind is Kind.TURN_START]
    assert len(starts) >= 4 and starts == sorted(starts)


def test_silence_and_noise_keep_the_laws():
    noise = np.random.default_rng(0).normal(0, 0.2, 2 * RATE).astype(np.float32)
    for sound in (np.zeros(2 * RATE, np.float32), noise):
        lawful(events(converser(), [sound]), 2.0)
