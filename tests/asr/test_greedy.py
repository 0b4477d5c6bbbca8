import numpy as np
import pytest

from allears.asr import tail
from allears.asr.search.greedy import advance, texts, whole
from allears.asr.search.hypothesis import Hypothesis, begin
from allears.asr.tokens import decode
from tests.asr.hearing import BANDS, STACK, encoded, mels, naive_greedy, networks


def placed(hypothesis: Hypothesis) -> list[tuple[int, int]]:
    return [(each.symbol, each.frame) for each in hypothesis.emissions]


@pytest.mark.parametrize("predictor", ["stateless", "lstm"])
@pytest.mark.parametrize("most", [1, 2, 8])
def test_greedy_is_the_likeliest_symbol_one_after_another(predictor: str, most: int) -> None:
    nets = networks(predictor)
    heard = encoded(nets, 60)
    [found] = advance(nets, heard, begin(nets), most=most)
    expected, score = naive_greedy(nets, heard, most)
    assert len(expected) > 20
    assert placed(found) == expected
    assert found.score == pytest.approx(score, abs=1e-3)
    assert found.frame == 60
    blanks = found.score - sum(each.log_probability for each in found.emissions)
    assert score < blanks < 0


@pytest.mark.parametrize("predictor", ["stateless", "lstm"])
def test_chunks_equal_the_whole(predictor: str) -> None:
    nets = networks(predictor)
    heard = encoded(nets, 60)
    [expected] = advance(nets, heard, begin(nets))
    hypotheses = begin(nets)
    for start, end in [(0, 1), (1, 4), (4, 21), (21, 21), (21, 60)]:
        hypotheses = advance(nets, heard[:, start:end], hypotheses)
    [found] = hypotheses
    assert placed(found) == placed(expected)
    assert found.score == pytest.approx(expected.score, abs=1e-3)


@pytest.mark.parametrize("predictor", ["stateless", "lstm"])
def test_joined_streams_equal_single_ones(predictor: str) -> None:
    nets = networks(predictor)
    lengths = [40, 0, 13, 27]
    single = [encoded(nets, 40, seed) for seed in range(4)]
    alone = [
        advance(nets, each[:, :length], begin(nets))[0]
        for each, length in zip(single, lengths, strict=True)
    ]
    joined = advance(nets, np.concatenate(single), begin(nets, 4), lengths)
    assert [placed(each) for each in joined] == [placed(each) for each in alone]
    for one, other in zip(joined, alone, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-3)
    # They go on in other company.
    again = advance(nets, np.concatenate(single[2:]), [joined[2], joined[0]])
    gone_on = advance(nets, single[3], [alone[0]])
    assert placed(again[1]) == placed(gone_on[0])


def test_what_a_hypothesis_was_stays_as_it_was() -> None:
    nets = networks()
    start = begin(nets)
    heard = encoded(nets, 20)
    [first] = advance(nets, heard, start)
    [second] = advance(nets, heard, start)
    assert placed(first) == placed(second)


def test_whole_recordings_of_any_lengths() -> None:
    nets = networks()
    recordings = [mels(length, seed) for seed, length in enumerate([31, 80, 1, 54, 0])]
    found = whole(nets, recordings, batch=2)
    for each, heard in zip(found, recordings, strict=True):
        ended = tail.ended(heard, STACK)
        assert len(ended) % STACK == 0
        alone, _ = nets.encode(ended[None], nets.encoder_state(1))
        assert placed(each) == naive_greedy(nets, alone, 8)[0]
    assert texts(nets, recordings) == [decode(nets.tokens, each.symbols) for each in found]
    assert whole(nets, []) == []


def test_a_tail_is_quiet_and_long_enough_for_the_last_word() -> None:
    heard = np.zeros((7, BANDS), np.float32)
    ended = tail.ended(heard, 4)
    assert len(ended) >= 7 + 40
    assert ended[7:].max() < -15
