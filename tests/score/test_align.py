import io
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

import allears.demo
from allears.score.align import align, delay

CLIPS = Path(allears.demo.__file__).parent / "clips"
RATE = 16_000
SECOND = RATE
FRAME = RATE // 50


@cache
def speech(name):
    samples, rate = sf.read(CLIPS / f"{name}.flac", dtype="float32")
    assert rate == RATE
    return samples


@cache
def through_opus(name, bitrate):
    """The clip through libopus in an Ogg file; both know the codec's delay and take it out."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="ogg") as container:
        options = {"application": "voip", "b": str(bitrate)}
        encoder = container.add_stream("libopus", rate=RATE, layout="mono", options=options)
        encoder.bit_rate = bitrate
        frame = av.AudioFrame.from_ndarray(speech(name)[None], format="flt", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        framer = av.AudioFifo()
        framer.write(frame)
        while part := framer.read(FRAME, partial=True):
            container.mux(encoder.encode(part))
        container.mux(encoder.encode(None))
    stream.seek(0)
    to_16k = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(stream) as container:
        parts = [part for frame in container.decode(audio=0) for part in to_16k.resample(frame)]
    decoded = np.concatenate([part.to_ndarray()[0] for part in [*parts, *to_16k.resample(None)]])
    return decoded[: len(speech(name))]


def lose(samples, rate, random):
    """Zero 20 ms frames at random."""
    whole = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    return (whole * (random.random((len(whole), 1)) >= rate)).ravel().astype(np.float32)


def shift(samples, lag):
    return np.pad(samples, (lag, 0)) if lag >= 0 else samples[-lag:]


def add_noise(samples, snr, random):
    scale = np.sqrt(np.mean(samples**2)) * 10 ** (-snr / 20)
    return samples + (random.standard_normal(len(samples)) * scale).astype(np.float32)


@pytest.mark.parametrize("name", ["jfk", "lj"])
@pytest.mark.parametrize("lag", [-4800, -37, 0, 1, 104, 9600])
@pytest.mark.parametrize("loss", [0.1, 0.2, 0.4])
@pytest.mark.parametrize("snr", [None, 10, 0])
def test_loss_and_noise_leave_the_delay_exact(name, lag, loss, snr):
    random = np.random.default_rng(round(100 * loss) + lag + 5000)
    degraded = shift(lose(speech(name), loss, random), lag)
    if snr is not None:
        degraded = add_noise(degraded, snr, random)
    assert delay(speech(name), degraded, SECOND) == lag


@pytest.mark.parametrize("name", ["jfk", "lj"])
@pytest.mark.parametrize(
    ("bitrate", "own"),  # its filters' own delay in samples: narrowband at 6 kbit/s has the longest
    [(6_000, 2), (12_000, 1), (24_000, 1), (64_000, 1)],
)
@pytest.mark.parametrize("lag", [-4800, 333, 9600])
@pytest.mark.parametrize("loss", [0, 0.1, 0.4])
@pytest.mark.parametrize("snr", [None, 5])
def test_opus_adds_its_filters_only(name, bitrate, own, lag, loss, snr):
    random = np.random.default_rng(lag + 5000)
    degraded = shift(lose(through_opus(name, bitrate), loss, random), lag)
    if snr is not None:
        degraded = add_noise(degraded, snr, random)
    assert abs(delay(speech(name), degraded, SECOND) - lag) <= own


@pytest.mark.parametrize("start", [0.5, 2.0, 5.0])
def test_two_seconds_of_speech_are_enough(start):
    begin, end = round(start * RATE), round((start + 2) * RATE)
    degraded = lose(through_opus("jfk", 16_000)[begin:end], 0.3, np.random.default_rng(0))
    assert abs(delay(speech("jfk")[begin:end], shift(degraded, 4000), SECOND) - 4000) <= 1


@settings(max_examples=50)
@given(st.integers(-300, 300), st.integers(0, 200))
def test_noise_shows_any_delay_up_to_the_limit(lag, beyond):
    noise = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    assert delay(noise, shift(noise, lag), abs(lag) + beyond) == lag


def test_the_limit_is_kept():
    assert abs(delay(speech("jfk"), shift(speech("jfk"), 5000), 100)) <= 100


def test_silence_and_nothing_have_no_delay():
    nothing, silence = np.zeros(0, np.float32), np.zeros(800, np.float32)
    for other in (nothing, silence, speech("jfk")):
        for quiet in (nothing, silence):
            assert delay(quiet, other, SECOND) == delay(other, quiet, SECOND) == 0


def test_a_limit_is_not_negative():
    with pytest.raises(ValueError, match="either way"):
        delay(speech("jfk"), speech("jfk"), -1)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(-59, 59))
def test_aligned_samples_belong_together(reference_length, degraded_length, lag):
    time = np.arange(200, dtype=np.float32)
    reference, degraded = time[100:][:reference_length], time[100 - lag :][:degraded_length]
    if lag >= degraded_length or -lag >= reference_length:
        with pytest.raises(ValueError, match="share no time"):
            align(reference, degraded, lag)
        return
    reference, degraded = align(reference, degraded, lag)
    np.testing.assert_array_equal(reference, degraded)


@pytest.mark.parametrize("lag", [-700, 0, 700])
def test_align_finds_the_delay_itself(lag):
    reference, degraded = align(speech("jfk"), shift(speech("jfk"), lag))
    np.testing.assert_array_equal(reference, degraded)
    assert len(reference) == len(speech("jfk")) - max(-lag, 0)
