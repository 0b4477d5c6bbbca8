import numpy as np
import pytest

from allears.audio.polyphase import Polyphase

PAIRS = [
    (48000, 16000),
    (16000, 48000),
    (24000, 16000),
    (12000, 16000),
    (8000, 16000),
    (16000, 8000),
]


def tone(rate, hertz):
    return np.sin(2 * np.pi * hertz * np.arange(rate) / rate).astype(np.float32)


@pytest.mark.parametrize(("before", "after"), PAIRS)
@pytest.mark.parametrize("hertz", [100, 1000, 3000])
def test_a_tone_stays_itself_and_comes_as_late_as_said(before, after, hertz):
    resampler = Polyphase(before, after)
    y = resampler(tone(before, hertz))
    times = np.arange(len(y)) / after - resampler.delay
    error = y - np.sin(2 * np.pi * hertz * times)
    assert np.abs(error[after // 10 : -after // 10]).max() < 1e-3


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_chunks_equal_the_whole(before, after):
    x = np.random.default_rng(0).standard_normal(before // 4).astype(np.float32)
    whole = Polyphase(before, after)(x)
    resampler = Polyphase(before, after)
    parts = [resampler(chunk) for chunk in np.split(x, [1, 2, 50, 51, 999, 1000, 3000])]
    assert np.array_equal(np.concatenate(parts), whole)
    assert len(whole) == pytest.approx(len(x) * after / before, abs=1)


def test_what_the_lower_rate_cannot_hold_is_gone():
    assert np.abs(Polyphase(48000, 16000)(tone(48000, 10000))[200:]).max() < 1e-4


def test_equal_rates_pass_through_at_once():
    x = tone(16000, 440)
    resampler = Polyphase(16000, 16000)
    assert resampler(x) is x
    assert resampler.delay == 0
