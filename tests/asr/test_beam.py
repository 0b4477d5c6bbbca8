from collections import defaultdict
from itertools import product

import numpy as np
import pytest

from allears.asr.networks import BLANK, Networks
from allears.asr.search.beam import Beam, settled
from allears.asr.search.biasing import Phrases
from allears.asr.search.greedy import Greedy
from allears.asr.search.hypothesis import Readings
from allears.asr.tokens import decode
from allears.audio import mel
from tests.asr.hearing import encoded, networks
from tests.asr.tones import Tones, spoken

PREDICTORS = ["stateless", "lstm"]


def brute_force(nets: Networks, heard: np.ndarray, most: int) -> dict[tuple[int, ...], float]:
    """The log-probability of every text, by going through all paths of at most `most` symbols a frame."""
    found: dict[tuple[int, ...], float] = defaultdict(lambda: -np.inf)
    symbols = range(1, nets.tokens.size)
    inside = [each for count in range(most + 1) for each in product(symbols, repeat=count)]
    for path in product(inside, repeat=heard.shape[1]):
        text = tuple(symbol for frame in path for symbol in frame)
        found[text] = np.logaddexp(found[text], _along(nets, heard, path))
    return found


def _along(nets: Networks, heard: np.ndarray, path: tuple[tuple[int, ...], ...]) -> float:
    predicted, state = nets.predict(np.zeros(1, np.int64), nets.predictor_state(1))
    score = 0.0
    for frame, symbols in enumerate(path):
        for symbol in (*symbols, BLANK):
            score += float(nets.join(heard[:, frame], predicted)[0, symbol])
            if symbol:
                predicted, state = nets.predict(np.array([symbol]), state)
    return score


@pytest.mark.parametrize("predictor", PREDICTORS)
@pytest.mark.parametrize(("frames", "most"), [(4, 1), (2, 2)])
def test_wide_enough_it_is_the_sum_over_all_paths(predictor: str, frames: int, most: int) -> None:
    nets = networks(predictor, "a")
    heard = encoded(nets, frames)
    expected = brute_force(nets, heard, most)
    beam = Beam(nets, 1000, most=most, margin=np.inf)
    [readings] = beam.advance(heard, beam.begin())
    assert {each.symbols for each in readings} == set(expected)
    for each in readings:
        assert each.score == pytest.approx(expected[each.symbols], abs=1e-4)
    assert readings[0].symbols == max(expected, key=lambda text: expected[text])


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_the_best_of_many_is_no_worse_than_greedy(predictor: str) -> None:
    nets = networks(predictor, blank=3.0)
    greedy, beam = Greedy(nets, most=3), Beam(nets, 16, most=3)
    better, symbols = 0, 0
    for seed in range(4):
        heard = encoded(nets, 20, seed)
        [[plain]] = greedy.advance(heard, greedy.begin())
        [readings] = beam.advance(heard, beam.begin())
        symbols += len(plain.emissions)
        assert readings[0].score >= plain.score - 1e-4
        better += readings[0].score > plain.score + 0.1
    assert better
    assert symbols > 8


def test_a_beam_of_one_is_greedy_where_networks_are_sure() -> None:
    nets = Tones(2)
    mels = mel.whole(spoken("abc de", 0.4, "fed ab cd", 0.2), nets.bands)[None]
    heard, _ = nets.encode(mels[:, : mels.shape[1] // 4 * 4], nets.encoder_state(1))
    greedy, beam = Greedy(nets), Beam(nets, 1)
    [[plain]] = greedy.advance(heard, greedy.begin())
    [[best]] = beam.advance(heard, beam.begin())
    assert decode(nets.tokens, plain.symbols) == "abc de fed ab cd"
    assert best.symbols == plain.symbols
    assert [each.frame for each in best.emissions] == [each.frame for each in plain.emissions]
    assert best.score == pytest.approx(plain.score, abs=1e-3)
    assert best.doubt == pytest.approx(plain.doubt, abs=1e-5)


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_readings_are_sorted_and_differ(predictor: str) -> None:
    [readings] = _heard(networks(predictor), width=8)
    assert len(readings) == 8
    scores = [each.score for each in readings]
    assert scores == sorted(scores, reverse=True)
    assert len({each.symbols for each in readings}) == 8
    assert all(each.frame == 30 for each in readings)
    for each in readings:
        frames = [emission.frame for emission in each.emissions]
        assert frames == sorted(frames)
        assert 0 <= frames[0] <= frames[-1] < 30


def _heard(nets: Networks, width: int) -> list[Readings]:
    beam = Beam(nets, width)
    return beam.advance(encoded(nets, 30), beam.begin())


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_chunks_equal_the_whole_and_joined_streams_single_ones(predictor: str) -> None:
    nets = networks(predictor)
    beam = Beam(nets, 3)
    lengths = [30, 0, 11]
    sounds = [encoded(nets, 30, seed) for seed in range(3)]
    alone = [
        beam.advance(each[:, :length], beam.begin())[0]
        for each, length in zip(sounds, lengths, strict=True)
    ]
    joined = beam.advance(np.concatenate(sounds), beam.begin(3), lengths)
    chunked = beam.begin()
    for start, end in [(0, 1), (1, 13), (13, 30)]:
        chunked = beam.advance(sounds[0][:, start:end], chunked)
    for one, other in zip([*joined, chunked[0]], [*alone, alone[0]], strict=True):
        assert [each.emissions for each in _rounded(one)] == [
            each.emissions for each in _rounded(other)
        ]
        for left, right in zip(one, other, strict=True):
            assert left.score == pytest.approx(right.score, abs=1e-3)


def _rounded(readings: Readings) -> Readings:
    return tuple(
        each._replace(
            emissions=tuple(
                emission._replace(log_probability=round(emission.log_probability, 2))
                for emission in each.emissions
            )
        )
        for each in readings
    )


def test_phrases_change_which_reading_is_the_best() -> None:
    nets = networks(blank=3.0)
    heard = encoded(nets, 12)
    plain = Beam(nets, 64, margin=30.0)
    [readings] = plain.advance(heard, plain.begin())
    texts = [decode(nets.tokens, each.symbols) for each in readings]
    wanted = next(
        word for text in texts[5:] for word in text.split() if word not in texts[0].split()
    )
    phrases = Phrases(nets.tokens, {wanted: 12.0})
    biased = Beam(nets, 64, margin=30.0, phrases=phrases)
    [found] = biased.advance(heard, biased.begin())
    best = settled(found, phrases)[0]
    assert wanted in decode(nets.tokens, best.symbols).split()
    assert best.earned == 12.0 * decode(nets.tokens, best.symbols).split().count(wanted)


def test_what_was_hoped_for_in_vain_is_taken_back_exactly() -> None:
    nets = networks(blank=3.0)
    heard = encoded(nets, 8)
    phrases = Phrases(nets.tokens, {"abcabcabc bca cab": 3.0})
    plain, biased = (
        Beam(nets, 300, most=2, margin=12.0),
        Beam(nets, 300, most=2, margin=12.0, phrases=phrases),
    )
    [expected] = plain.advance(heard, plain.begin())
    [found] = biased.advance(heard, biased.begin())
    assert any(each.hope > 0 for each in found)
    scores = {each.symbols: each.score for each in expected}
    for each in settled(found, phrases)[:20]:
        assert each.rank == each.score
        assert each.score == pytest.approx(scores[each.symbols], abs=0.05)
