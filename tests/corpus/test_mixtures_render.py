from itertools import pairwise

import numpy as np
import pytest

from allears.corpus.augment import Noise, Reverberation, Speed, active_power
from allears.corpus.mixtures import speech
from allears.corpus.sound import RATE
from tests.corpus.test_mixtures import mixtures, real, tone, voices
from tests.real import speech as clip


def test_turns_are_where_they_are_told_to_the_sample():
    source = voices()
    session = mixtures(source, overlap=0.0, levels_db=(0, 0)).session(1)
    names = {each.name: index for index, each in enumerate(source.utterances)}
    for turn in session.turns:
        samples = source.samples(names[turn.utterance])
        first, last = speech.bounds(samples)
        heard = session.samples[turn.first : turn.last]
        gain = heard @ samples[first:last] / (samples[first:last] @ samples[first:last])
        assert np.allclose(heard, gain * samples[first:last], atol=1e-6)
        assert turn.text == source.utterances[names[turn.utterance]].text
    outside = session.samples.copy()
    for turn in session.turns:
        outside[turn.first - 800 : turn.last + 800] = 0
    assert not outside.any()
    assert session.duration == len(session.samples) / RATE


def test_two_at_once_are_the_sum():
    session = mixtures(overlap=0.3, speakers=(2, 2), levels_db=(-6, -6)).session(0)
    (one, other) = next(
        pair for pair in pairwise(session.turns) if pair[1].first < pair[0].last - 3200
    )
    both = session.samples[other.first : min(one.last, other.last)]
    spectrum = np.abs(np.fft.rfft(both * np.hanning(len(both))))
    hertz = np.fft.rfftfreq(len(both), 1 / RATE)
    for turn in (one, other):
        tone_at = 200 * (int(turn.speaker[1:]) + 1)
        near = spectrum[np.abs(hertz - tone_at) < 20].max()
        assert near > 20 * np.median(spectrum)
    assert session.talk.overlap == pytest.approx(0.3, abs=1e-3)


@pytest.mark.parametrize("db", [0.0, 20.0])
def test_what_turns_add_is_the_conversation(db):
    """At 20 dB it is made quieter as a whole, and they with it."""
    session = mixtures(real(), overlap=0.2, levels_db=(db, db)).session(3)
    found = np.zeros_like(session.samples)
    for turn, part in zip(session.turns, session.parts, strict=True):
        assert part.first <= turn.first
        assert turn.last <= part.first + len(part.samples)
        part.add_to(found)
    assert np.allclose(found, session.samples, atol=1e-6)


def test_noise_is_in_no_turn():
    hiss = Noise([0.1 * np.random.default_rng(0).standard_normal(RATE).astype(np.float32)], (5, 5))
    quiet, loud = (mixtures(real(), noise=each).session(3) for each in (None, hiss))
    assert not np.allclose(quiet.samples, loud.samples, atol=1e-3)
    for one, other in zip(quiet.parts, loud.parts, strict=True):
        scale = np.abs(one.samples).max() / np.abs(other.samples).max()
        assert np.allclose(one.samples, scale * other.samples, atol=1e-5)


@pytest.mark.parametrize("db", [-8.0, 0.0])
def test_levels_of_speakers(db):
    session = mixtures(real(), overlap=0.0, levels_db=(db, db), turns=(2, 2)).session(0)
    for turn in session.turns:
        level = 10 * np.log10(active_power(session.samples[turn.first : turn.last]))
        assert level == pytest.approx(-26 + db, abs=0.01)


def test_speakers_are_louder_and_quieter_and_stay_so():
    session = mixtures(overlap=0.0, levels_db=(-20, 0), turns=(6, 6), speakers=(2, 2)).session(0)
    levels = {}
    for turn in session.turns:
        power = active_power(session.samples[turn.first : turn.last])
        levels.setdefault(turn.speaker, []).append(10 * np.log10(power))
    ranges = [max(each) - min(each) for each in levels.values()]
    assert max(ranges) < 0.5  # they hum evenly
    (one, other) = (np.mean(each) for each in levels.values())
    assert 1 < abs(one - other) <= 20


def test_nothing_clips():
    loud = mixtures(noise=Noise((np.ones(50, np.float32),), (-60, -60)))
    for number in range(3):
        assert np.abs(loud.session(number).samples).max() == pytest.approx(0.99, abs=1e-6)


def test_a_speaker_stays_in_one_room():
    far, near = np.zeros(400, np.float32), np.ones(1, np.float32)
    far[0], far[399] = 1, 0.9
    source = voices(2)
    wet = mixtures(
        source, overlap=0.0, turns=(6, 6), room=Reverberation((far, near)), speakers=(2, 2)
    )
    dry = mixtures(source, overlap=0.0, turns=(6, 6), speakers=(2, 2))
    rooms = {}
    for number in range(6):
        one, other = wet.session(number), dry.session(number)
        for turn in one.turns:
            here, there = (each.samples[turn.first : turn.last] for each in (one, other))
            same = abs(here @ there) / np.sqrt((here @ here) * (there @ there)) > 0.9999
            rooms.setdefault((number, turn.speaker), set()).add(bool(same))
    assert all(len(each) == 1 for each in rooms.values())
    assert {False, True} == set().union(*rooms.values())


@pytest.mark.parametrize("name", ["lj", "jfk"])
@pytest.mark.parametrize("noise", [0, 1e-4, 1e-3])
def test_speech_is_found_between_silences(name, noise):
    begins, ends = speech.bounds(clip(name))
    padded = np.pad(clip(name)[begins:ends], (8000, 4800))
    padded += np.random.default_rng(0).standard_normal(len(padded)).astype(np.float32) * noise
    first, last = speech.bounds(padded)
    assert first == pytest.approx(8000, abs=800)
    assert last == pytest.approx(len(padded) - 4800, abs=1600)


def test_clicks_and_silence_are_no_speech():
    silent = np.zeros(8000, np.float32)
    clicked = silent.copy()
    clicked[4000] = 1
    assert speech.bounds(silent) is speech.bounds(silent[:10]) is speech.bounds(silent[:0]) is None
    assert speech.bounds(clicked) is None
    clicked[6000:7000] = tone(300, 1, 0.2)[:1000]
    first, _ = speech.bounds(clicked)
    assert first == pytest.approx(6000, abs=160)


def test_what_changes_lengths_is_no_room():
    with pytest.raises(ValueError, match="Speed changes lengths"):
        mixtures(room=Speed((1.1,))).session(0)
    with pytest.raises(ValueError, match="from 0"):
        mixtures().plan(-1)
