"""Utterances joined out of words that were said: of one speaker, cut between words, as loud as one another."""

from itertools import pairwise

import numpy as np
import pytest
from recipes.recognition.splicing import drawn, joined, said_by

from allears.asr.timing import Spoken
from allears.corpus.sound import RATE
from tests.asr.material import FOUR, packed

TIMES = {
    0: [Spoken("and", 0.2, 0.5), Spoken("so", 0.5, 0.9), Spoken("my", 1.1, 1.6)],
    1: [Spoken("ask", 0.05, 0.5), Spoken("not", 0.5, 0.9)],
}


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("splicing"), FOUR)


def test_words_are_cut_in_the_middle_between_them(room):
    (first, second) = said_by(room, TIMES)["jfk"]
    assert [each.text for each in first] == ["and", "so", "my"]
    edges = [edge for each in first for edge in (each.start, each.end)]
    assert edges == pytest.approx([0.12, 0.5, 0.5, 1.0, 1.0, 1.68])
    # Nothing is before the beginning of a recording.
    assert second[0].start == 0 and {each.recording for each in second} == {1}


def test_runs_are_words_said_on_end(room):
    recordings = said_by(room, TIMES)["jfk"]
    words = {
        (each.recording, each.text): place for one in recordings for place, each in enumerate(one)
    }
    counts = set()
    for seed in range(50):
        runs = drawn(np.random.default_rng(seed), recordings)
        counts.add(sum(map(len, runs)))
        for run in runs:
            assert len({each.recording for each in run}) == 1
            places = [words[each.recording, each.text] for each in run]
            assert all(b - a == 1 for a, b in pairwise(places))
    assert counts == set(range(2, 10))


def test_what_is_joined_is_what_was_said(room):
    (first, second) = said_by(room, TIMES)["jfk"]
    runs = [first[1:], second[:1]]
    samples = joined(np.random.default_rng(0), runs, room)
    spoken = sum(run[-1].end - run[0].start for run in runs)
    assert spoken <= len(samples) / RATE <= spoken + 0.12 * len(runs) + 0.01
    begin, end = round(first[1].start * RATE), round(first[-1].end * RATE)
    original = room.samples(0)[begin:end]
    # Beyond the fades it is the recording, but for how loud it is.
    inner = slice(RATE // 100, len(original) - RATE // 100)
    gains = samples[: len(original)][inner] / np.where(original[inner] == 0, 1, original[inner])
    heard = np.abs(original[inner]) > 1e-3
    assert np.allclose(gains[heard], np.median(gains[heard]), rtol=1e-3)
    loud = [np.sqrt(np.mean(part**2)) for part in (samples[: len(original)], samples[-6000:-2500])]
    assert 0.5 < loud[0] / loud[1] < 2
    assert samples[0] == 0


def test_it_depends_on_the_seed_alone(room):
    recordings = said_by(room, TIMES)["jfk"]
    one, other = (
        joined(random, drawn(random, recordings), room)
        for random in (np.random.default_rng(3), np.random.default_rng(3))
    )
    assert np.array_equal(one, other)
