from functools import cache

import numpy as np
import pytest

from allears.asr.export import bundle
from allears.asr.recogniser import RecogniserError
from allears.asr.search.words import Timing
from allears.asr.session import OnnxNetworks
from allears.asr.torch_networks import TorchNetworks
from allears.audio import mel
from allears.parties import checkpoint, hearing
from allears.parties.events import Kind
from allears.parties.live import Converser
from allears.parties.turns import Manner, all_turns, span
from allears.score.words import word_errors
from tests.parties.talk import learnt, louder, pack, session

STEP = 0.04


@cache
def networks(live=True):
    model, tokens = checkpoint.load(learnt())
    return OnnxNetworks.of(bundle(model, tokens)) if live else TorchNetworks(model, tokens)


def manner(**changed):
    return Manner(networks().tokens, Timing(STEP), **changed)


def heard(samples, sizes=(), **given):
    stream = Converser(networks(), manner(), **given).stream()
    found, at = [], 0
    for size in sizes:
        found += stream.accept(samples[at : at + size])
        at += size
    return [*found, *stream.accept(samples[at:]), *stream.finish()]


def test_two_who_talk_at_once_are_both_understood():
    finals = [each for each in heard(session().samples) if each.kind is Kind.FINAL]
    by_start = sorted(finals, key=lambda each: each.start)
    assert len(by_start) == 3
    said = [turn.text.split() for turn in session().turns]
    wrong = map(word_errors, said, (each.text.split() for each in by_start))
    assert sum(wrong) <= 1
    for each, turn in zip(by_start, session().turns, strict=True):
        assert each.start == pytest.approx(turn.start, abs=0.3)
        assert each.end == pytest.approx(turn.end, abs=0.4)
        assert all(each.start <= word.start <= word.end <= each.told for word in each.words)


def test_what_is_told_comes_soon_after_it():
    for each in heard(session().samples):
        if each.kind is Kind.TURN_START:
            assert -0.05 <= each.latency <= 0.5


def lawful(events):
    """One start, partials, one final and one end of each turn; nothing is told of before it was heard."""
    turns = {}
    assert [each.told for each in events] == sorted(each.told for each in events)
    for each in events:
        turns.setdefault(each.turn, []).append(each.kind)
        assert 0 <= each.start <= each.end <= each.told + 1e-9
    for kinds in turns.values():
        middle = [Kind.PARTIAL] * (len(kinds) - 3)
        assert kinds == [Kind.TURN_START, *middle, Kind.FINAL, Kind.TURN_END]
    assert list(turns) == list(range(1, len(turns) + 1))


def plain(event):
    """All but how sure its words are, which differs in the last digits."""
    times = round(event.start, 4), round(event.end, 4), round(event.told, 4)
    return event.kind, event.turn, event.speaker, event.text, times


@pytest.mark.parametrize("seconds", [0.0, 0.4, 0.9, 1.3, 1.7, 2.4, 3.5, 5.0])
def test_a_stream_that_is_cut_ends_every_turn(seconds):
    lawful(heard(session().samples[: int(16_000 * seconds)]))


@pytest.mark.parametrize("sizes", [[1] * 50 + [7, 16_000, 3], [160] * 400, [40_000]])
def test_however_it_comes_the_same_is_told(sizes):
    whole, parts = heard(session().samples), heard(session().samples, sizes)
    lawful(whole)
    assert [plain(each) for each in parts] == [plain(each) for each in whole]


@pytest.mark.parametrize("chunk", [1, 3, 25])
def test_what_is_final_does_not_depend_on_how_much_is_heard_at_once(chunk):
    """Turns end in the same frames, though it is told at other times."""

    def finals(events):
        found = [each for each in events if each.kind is Kind.FINAL]
        return sorted((each.text, round(each.start, 3)) for each in found)

    assert finals(heard(session().samples, chunk=chunk)) == finals(heard(session().samples))


def test_live_it_is_as_whole():
    mels = mel.whole(session().samples, 64)
    (branches,) = hearing.whole(networks(live=False), [mels])
    found = [
        span(turn, manner(), 99.0)
        for branch in branches
        for turn in all_turns(branch.emissions, branch.frame, manner())
    ]
    live = [each for each in heard(session().samples) if each.kind is Kind.FINAL]
    texts = [" ".join(word.text for word in each.words) for each in found]
    assert sorted(texts) == sorted(each.text for each in live)


def test_a_quieter_conversation_is_lawful_too():
    lawful(heard(louder(session(), 0.1).samples))


def three():
    """Three who begin one after another and talk at once."""
    clips = [pack().samples(index) for index in (2, 4, 6)]
    found = np.zeros(5 * 16_000, np.float32)
    for number, clip in enumerate(clips):
        start = 8_000 * number
        found[start : start + len(clip)] += clip[: len(found) - start]
    return np.clip(found, -1, 1)


def music():
    """Chords that change twice a second."""
    time = np.arange(4 * 16_000) / 16_000
    root = 110 * 2 ** (np.floor(2 * time) % 5 / 12)
    return sum(0.2 * np.sin(2 * np.pi * root * part * time) for part in (1, 1.25, 1.5, 2))


STRANGE = {
    "three at once": three,
    "music": music,
    "one alone": lambda: pack().samples(3),
    "noise": lambda: 0.1 * np.random.default_rng(0).standard_normal(48_000),
    "silence": lambda: np.zeros(48_000),
    "nothing": lambda: np.zeros(0),
    "as loud as can be": lambda: np.sign(np.random.default_rng(1).standard_normal(48_000)),
}


@pytest.mark.parametrize("sound", STRANGE.values(), ids=STRANGE)
def test_whatever_is_heard_events_are_in_order(sound):
    lawful(heard(np.asarray(sound(), np.float32)))


def test_where_nobody_speaks_nothing_is_said():
    assert not [each for each in heard(np.zeros(48_000, np.float32)) if each.text]


def test_what_a_stream_holds_does_not_grow():
    """Half a minute of one conversation after another: states stay as large as they were."""
    stream = Converser(networks(), manner()).stream()

    def held():
        arrays = [
            *stream._encoder,
            stream._mels,
            *(e for r in stream._readings for e in r.emissions),
        ]
        return sum(np.size(each) for each in arrays), len(stream._floor._waiting)

    sizes = []
    for _ in range(5):
        stream.accept(session().samples)
        sizes.append(held())
    # Up to a chunk of frames may wait.
    assert max(size for size, _ in sizes) - min(size for size, _ in sizes) <= 64 * 16
    assert {waiting for _, waiting in sizes} == {0}


def test_senseless_settings_are_refused():
    with pytest.raises(RecogniserError, match="chunk 0"):
        Converser(networks(), manner(), chunk=0)
    with pytest.raises(RecogniserError, match=r"0\.02 s; the encoder's are 0\.04"):
        Converser(networks(), Manner(networks().tokens, Timing(0.02)))


@pytest.mark.parametrize(
    "samples", [np.zeros(10), np.full(10, np.nan, np.float32), np.zeros((2, 5), np.float32)]
)
def test_what_is_no_sound_is_refused(samples):
    with pytest.raises(RecogniserError):
        Converser(networks(), manner()).stream().accept(samples)


def test_nothing_is_accepted_after_the_end():
    stream = Converser(networks(), manner()).stream()
    stream.finish()
    for late in (stream.finish, lambda: stream.accept(np.zeros(4, np.float32))):
        with pytest.raises(RecogniserError, match="has ended"):
            late()
