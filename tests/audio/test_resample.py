from pathlib import Path

import numpy as np
import pytest

import allears.demo
from allears.audio.files import read
from allears.audio.resample import Resampler, resample

JFK = Path(allears.demo.__file__).parent / "clips" / "jfk.flac"
PAIRS = [(48_000, 16_000), (16_000, 48_000), (44_100, 16_000), (44_100, 48_000), (8_000, 48_000)]


def sine(frequency, rate, seconds=1.0):
    time = np.arange(round(seconds * rate)) / rate
    return np.sin(2 * np.pi * frequency * time).astype(np.float32)


def middle(samples):
    """Without the ends, where a sine that begins at once has no single frequency."""
    return samples[len(samples) // 10 : -len(samples) // 10]


@pytest.mark.parametrize(("from_rate", "to_rate"), PAIRS)
@pytest.mark.parametrize("frequency", [100, 1000, 3300])
def test_a_sine_stays_that_sine_at_its_place(from_rate, to_rate, frequency):
    resampled = resample(sine(frequency, from_rate), from_rate, to_rate)
    expected = sine(frequency, to_rate)
    assert len(resampled) == len(expected)
    np.testing.assert_allclose(middle(resampled), middle(expected), atol=1e-4)


@pytest.mark.parametrize("frequency", [8_500, 12_000, 20_000])
def test_what_the_new_rate_cannot_carry_is_removed(frequency):
    resampled = resample(sine(frequency, 48_000), 48_000, 16_000)
    assert np.sqrt(np.mean(middle(resampled) ** 2)) < 1e-4  # -80 dB: no alias


def test_going_up_makes_no_images():
    spectrum = np.abs(np.fft.rfft(middle(resample(sine(3000, 16_000), 16_000, 48_000))))
    above = round(len(spectrum) * 8_200 / 24_000)
    assert spectrum[above:].max() < 1e-4 * spectrum.max()


def test_speech_survives_the_way_up_and_down():
    speech = read(JFK).samples
    back = resample(resample(speech, 16_000, 48_000), 48_000, 16_000)
    assert len(back) == len(speech)
    assert np.mean((back - speech) ** 2) < 1e-4 * np.mean(speech**2)  # -40 dB: the band edge only


def test_equal_rates_give_the_same_array():
    samples = sine(440, 16_000)
    assert resample(samples, 16_000, 16_000) is samples
    assert Resampler(16_000, 16_000)(samples, last=True) is samples


def test_nothing_gives_nothing():
    nothing = np.zeros(0, np.float32)
    assert resample(nothing, 48_000, 16_000).shape == (0,)
    assert Resampler(48_000, 16_000)(nothing, last=True).shape == (0,)


@pytest.mark.parametrize(("from_rate", "to_rate"), PAIRS)
@pytest.mark.parametrize("milliseconds", [10, 20, 333])
def test_chunks_equal_the_whole(from_rate, to_rate, milliseconds):
    noise = np.random.default_rng(0).uniform(-1, 1, 2 * from_rate + 7).astype(np.float32)
    resampler = Resampler(from_rate, to_rate)
    size = from_rate * milliseconds // 1000
    chunks = [resampler(noise[start : start + size]) for start in range(0, len(noise), size)]
    joined = np.concatenate([*chunks, resampler(noise[:0], last=True)])
    np.testing.assert_allclose(joined, resample(noise, from_rate, to_rate), atol=1e-6)


@pytest.mark.parametrize(("from_rate", "to_rate"), PAIRS)
def test_the_stream_lags_no_more_than_documented(from_rate, to_rate):
    resampler = Resampler(from_rate, to_rate)
    chunk = np.zeros(from_rate // 100, np.float32)
    given = 0
    lags = []
    for number in range(1, 200):
        given += len(resampler(chunk))
        lags.append(number / 100 - given / to_rate)
    assert max(lags) < (0.18 if 8_000 in (from_rate, to_rate) else 0.042)


@pytest.mark.parametrize("rates", [(0, 16_000), (16_000, 0), (-1, 16_000)])
def test_rates_are_positive(rates):
    with pytest.raises(ValueError, match="positive"):
        resample(sine(440, 16_000), *rates)
    with pytest.raises(ValueError, match="positive"):
        Resampler(*rates)
