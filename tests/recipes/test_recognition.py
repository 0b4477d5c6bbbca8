"""When words are told, by the recogniser that ships; how encoders are compared."""

import pytest
from recipes.convrnnt.table import difference
from recipes.recognition.judge import Heard
from recipes.recognition.times import told_when

from allears.asr.opening import open_recogniser
from tests.real import speech


def test_every_final_word_is_told_at_some_time_of_the_recording():
    samples = speech()
    told = told_when(open_recogniser(), samples)
    times = list(told.values())
    assert len(told) > 5
    assert times == sorted(times)
    assert all(0 < each <= len(samples) / 16_000 for each in times)
    # Words are told while one speaks, not all at the end.
    assert len(set(times)) > 3
    # None is told before it begins.
    assert all(now > word.start for word, now in told.items())


def one(speaker: str, heard: str) -> Heard:
    return Heard(speaker, "one two", heard)


def test_encoders_are_compared_by_the_same_utterances():
    good = [[one("a", "one two"), one("b", "one two")], [one("a", "one two"), one("b", "one")]]
    bad = [[one("a", "one"), one("b", "one")], [one("a", "one"), one("b", "")]]
    points = difference(bad, good)
    assert points.value == pytest.approx(50)
    # Both speakers lose as much, each seed counted.
    assert points.low == pytest.approx(50) and points.high == pytest.approx(50)
    assert difference(good, bad).value == pytest.approx(-50)
    assert difference(good, good) == (0, 0, 0)
