"""When words are told, by the recogniser that ships; what encoders learn from, and how they are compared."""

import numpy as np
import pytest
from recipes.convrnnt.table import Tried, best
from recipes.recognition.judge import Heard, difference
from recipes.recognition.material import laptop, some
from recipes.recognition.times import told_when

from allears.asr.opening import open_recogniser
from allears.corpus.recordings import CorpusError
from allears.score.bootstrap import Estimate
from tests.asr.material import FOUR, packed
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


def test_two_are_compared_by_the_same_utterances():
    good = [one("a", "one two"), one("b", "one two"), one("a", "one two"), one("b", "one")]
    bad = [one("a", "one"), one("b", "one"), one("a", "one"), one("b", "")]
    points = difference(bad, good)
    assert points.value == pytest.approx(50)
    # Both speakers lose as much.
    assert points.low == pytest.approx(50) and points.high == pytest.approx(50)
    assert difference(good, bad).value == pytest.approx(-50)
    assert difference(good, good) == (0, 0, 0)


def test_each_encoder_has_the_rate_with_which_it_heard_best():
    found = [
        Tried("lstm", 1e-3, Estimate(0.5, 0.4, 0.6)),
        Tried("lstm", 2e-3, Estimate(0.4, 0.3, 0.5)),
        Tried("conformer", 1e-3, Estimate(0.6, 0.5, 0.7)),
        Tried("conformer", 2e-3, Estimate(0.9, 0.8, 1.0)),
    ]
    assert best(found) == {"lstm": 2e-3, "conformer": 1e-3}
    assert best(found[::-1]) == best(found)


def test_some_utterances_of_every_speaker(tmp_path_factory):
    whole = packed(tmp_path_factory.mktemp("some"), FOUR)
    speakers = [each.speaker for each in whole.utterances]
    first = [speakers.index(each) for each in dict.fromkeys(speakers)]
    found = some(whole, 1)
    assert [each.name for each in found.utterances] == [whole.utterances[at].name for at in first]
    for number, at in enumerate(first):
        np.testing.assert_array_equal(found.samples(number), whole.samples(at))
    assert len(some(whole, 100)) == len(whole)


def test_without_spliced_speech_the_remedy_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match=r"first: python -m recipes\.recognition\.splicing"):
        laptop(tmp_path, tmp_path)
