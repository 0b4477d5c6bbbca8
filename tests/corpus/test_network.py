import numpy as np
import pytest

from allears.corpus.network import LossyCall
from allears.wire.loss import LossSpecError
from tests.real import speech

SPEECH = speech("lj", 4)


def lag(samples):
    """Samples by which these come after what was said."""
    size = 1 << 18
    both = np.fft.rfft(samples, size) * np.fft.rfft(SPEECH, size).conj()
    at = int(np.fft.irfft(both).argmax())
    return at if at < size // 2 else at - size


def likeness(samples):
    return np.corrcoef(samples, SPEECH)[0, 1]


@pytest.mark.parametrize("bitrate", [12_000, 24_000, 32_000])
def test_a_call_without_loss_is_in_time_and_sounds_alike(bitrate):
    heard = LossyCall(("none",), (bitrate,))(SPEECH, np.random.default_rng(0))
    assert (heard.dtype, len(heard)) == (np.float32, len(SPEECH))
    assert abs(lag(heard)) <= 1
    assert likeness(heard) > 0.9


def test_loss_takes_away_and_leaves_time():
    likenesses = []
    for loss in ("none", "burst:10%:60ms", "uniform:40%"):
        heard = LossyCall((loss,), (24_000,))(SPEECH, np.random.default_rng(1))
        assert abs(lag(heard)) <= 1
        likenesses.append(likeness(heard))
    assert likenesses == sorted(likenesses, reverse=True)
    assert likenesses[0] - likenesses[-1] > 0.1


def test_a_trace_that_loses_everything_leaves_silence():
    heard = LossyCall(([True] * 50,))(SPEECH, np.random.default_rng(0))
    assert not heard.any()


def test_copies_bring_single_packets_back():
    every_third = ([True, False, False],)
    plain, copied = (
        likeness(LossyCall(every_third, (24_000,), copies=copies)(SPEECH, np.random.default_rng(0)))
        for copies in (False, True)
    )
    assert copied > plain + 0.05


@pytest.mark.parametrize("length", [0, 1, 319, 320, 321, 5000])
def test_any_length_comes_back(length):
    call, samples = LossyCall(), SPEECH[:length]
    one, other = (call(samples, np.random.default_rng(7)) for _ in range(2))
    assert len(one) == length
    assert np.array_equal(one, other)


def test_calls_differ():
    call = LossyCall(("uniform:20%",), (24_000,))
    one, other = (call(SPEECH, np.random.default_rng(seed)) for seed in (1, 2))
    assert not np.array_equal(one, other)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(LossSpecError, match="forms:"):
        LossyCall(("sometimes",))
    with pytest.raises(ValueError, match="a loss and a bitrate"):
        LossyCall(())
    with pytest.raises(ValueError, match="at least one packet"):
        LossyCall(([],))
