"""Conversations by number, and the voices that they are made of here: generated ones, and shipped clips."""

from pathlib import Path

import numpy as np
import pytest

from allears.corpus.augment import Level, Noise, Reverberation
from allears.corpus.mixtures.conversation import Conversation
from allears.corpus.mixtures.sessions import Mixtures
from allears.corpus.mixtures.turns import Word
from allears.corpus.recordings import CorpusError, Utterance
from allears.corpus.sound import RATE
from tests.real import speech


class Recordings:
    """Samples in memory, as `Sound` has them packed."""

    def __init__(self, clips):
        self.utterances = [
            Utterance(Path(f"{speaker}-{number}.wav"), speaker, text, "train")
            for number, (speaker, text, _) in enumerate(clips)
        ]
        self._samples = [samples for _, _, samples in clips]

    def samples(self, index):
        return self._samples[index]


def tone(hertz, seconds, amplitude=0.1, before=0.0, after=0.0):
    """A tone whose envelope swells as syllables do, in silence."""
    time = np.arange(round(seconds * RATE)) / RATE
    swell = 0.6 + 0.4 * np.cos(2 * np.pi * 3 * time)
    sound = (amplitude * swell * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
    return np.pad(sound, (round(before * RATE), round(after * RATE)))


def voices(speakers=4, each=5, seed=0):
    """Speaker n hums at 200·(n + 1) Hz, in turns of 0.4 to 3 s with silence of up to 0.5 s at their ends."""
    random = np.random.default_rng(seed)
    return Recordings(
        [
            (
                f"s{speaker}",
                f"turn {number} of {speaker}",
                tone(200 * (speaker + 1), random.uniform(0.4, 3), 0.1, *random.uniform(0, 0.5, 2)),
            )
            for number in range(each)
            for speaker in range(speakers)
        ]
    )


def real():
    """Both readers of the shipped clips, cut into pieces."""
    return Recordings(
        [
            (name, f"piece {number}", speech(name)[number * 24_000 : (number + 1) * 24_000])
            for number in range(3)
            for name in ("lj", "jfk")
        ]
    )


def mixtures(source=None, seed=0, words=None, **options):
    return Mixtures(source or voices(), Conversation(**options), seed, words)


VOICES = voices()


def test_equal_seeds_give_equal_samples_in_any_order():
    noise = Noise((np.random.default_rng(0).standard_normal(RATE).astype(np.float32),))
    options = {"room": Reverberation((room(1), room(2))), "noise": noise}
    one, other = mixtures(VOICES, 3, **options), mixtures(VOICES, 3, **options)
    forward = [one.session(number) for number in range(4)]
    backward = [other.session(number) for number in reversed(range(4))][::-1]
    for here, there in zip(forward, backward, strict=True):
        assert here.turns == there.turns and here.name == there.name
        assert np.array_equal(here.samples, there.samples)
    assert mixtures(VOICES, 4, **options).session(0).turns != forward[0].turns
    assert forward[0].turns != forward[1].turns


def test_a_room_or_noise_changes_no_times():
    wet = mixtures(room=Reverberation((room(1),)), noise=Level((-3, 0)))
    assert [wet.session(n).turns for n in range(3)] == [
        mixtures().session(n).turns for n in range(3)
    ]


def test_another_manner_of_the_same_recordings_is_as_if_made_anew():
    for options in ({"overlap": 0.3}, {"longest": 4.0, "turns": (2, 3)}):
        again = mixtures(VOICES, 3).otherwise(Conversation(**options)).session(1)
        anew = mixtures(VOICES, 3, **options).session(1)
        assert again.turns == anew.turns and np.array_equal(again.samples, anew.samples)
    with pytest.raises(CorpusError, match=r"short enough for 0\.3 s"):
        mixtures(VOICES).otherwise(Conversation(longest=0.3))


def room(seed, seconds=0.2):
    length = int(RATE * seconds)
    tail = np.random.default_rng(seed).standard_normal(length) * 10 ** (
        -3 * np.arange(length) / length
    )
    return np.concatenate(([1.0], 0.05 * tail)).astype(np.float32)


def test_words_move_with_their_turn():
    source = Recordings(
        [
            (who, "one two", tone(hertz, 1.0, before=0.3, after=0.2))
            for who, hertz in (("a", 300), ("b", 500))
        ]
    )
    words = {source.utterances[0].name: [Word("one", 0.2, 0.8), Word("two", 0.8, 1.25)]}
    session = mixtures(source, words=words, turns=(2, 2), overlap=0.0).session(0)
    turns = {turn.speaker: turn for turn in session.turns}
    turn = turns["a"]
    assert turn.last - turn.first == RATE
    assert [each.text for each in turn.words] == ["one", "two"]
    times = [time for each in turn.words for time in each[1:]]
    assert times == pytest.approx([turn.start + each for each in (0, 0.5, 0.5, 0.95)])
    assert turns["b"].words == ()


@pytest.mark.parametrize(
    ("clips", "says"),
    [
        ([], "0 speakers have"),
        ([("a", "", tone(300, 1)), ("a", "", tone(400, 1))], "one speaker has"),
        ([("a", "", tone(300, 1)), ("", "", tone(400, 1))], "one speaker has"),
        ([("a", "", tone(300, 1)), ("b", "", np.zeros(RATE, np.float32))], "one speaker has"),
        ([("a", "", tone(300, 1)), ("b", "", tone(300, 31))], "short enough for 30 s"),
    ],
)
def test_too_few_speakers_are_refused(clips, says):
    with pytest.raises(CorpusError, match=says):
        mixtures(Recordings(clips))


def test_what_cannot_be_is_refused():
    pair = Recordings([("a", "", tone(300, 3)), ("b", "", tone(400, 0.5))])
    with pytest.raises(CorpusError, match=r"90% of it at once, .* less overlap"):
        mixtures(pair, overlap=0.9).session(0)
    with pytest.raises(CorpusError, match=r"in 3\.5 s"):
        mixtures(pair, overlap=0.0, longest=3.5).session(0)
    with pytest.raises(CorpusError, match="3 are needed"):
        mixtures(pair, speakers=(3, 3), turns=(3, 3))
    with pytest.raises(CorpusError, match="more utterances"):
        mixtures(pair, turns=(3, 3)).session(0)


@pytest.mark.parametrize(
    "options",
    [
        {"speakers": (1, 2)},
        {"turns": (5, 4)},
        {"speakers": (3, 3)},
        {"overlap": 1.0},
        {"overlap": -0.1},
        {"longest": 0.0},
        {"edges": (-1.0, 1.0)},
        {"levels_db": (0.0, -1.0)},
    ],
)
def test_ranges_are_checked(options):
    with pytest.raises(ValueError, match=r"not|no "):
        mixtures(**options)
