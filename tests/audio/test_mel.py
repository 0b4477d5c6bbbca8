"""Log-mel spectra: chunks are the whole, and sound shows in the band and at the time where it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allears.audio import mel
from tests.real import speech

HERTZ = np.linspace(1127 * np.log1p(60 / 700), 1127 * np.log1p(7600 / 700), 66)[1:-1]


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(0, 900), max_size=12))
def test_chunks_equal_the_whole(sizes):
    samples = speech(seconds=1)[: sum(sizes)]
    state, parts = mel.initial_state(), []
    for chunk in np.split(samples, np.cumsum(sizes)):
        frames, state = mel.analyse(chunk, state)
        assert len(state) < mel.WINDOW
        parts.append(frames)
    assert np.allclose(np.concatenate(parts), mel.whole(samples), atol=1e-5)


@pytest.mark.parametrize(
    ("samples", "frames"), [(0, 0), (399, 0), (400, 1), (559, 1), (560, 2), (16_000, 98)]
)
def test_there_are_the_windows_that_are_complete(samples, frames):
    assert mel.whole(np.zeros(samples, np.float32)).shape == (frames, 64)


@pytest.mark.parametrize("band", [3, 10, 31, 50, 62])
def test_a_tone_lies_in_its_band(band):
    hertz = 700 * np.expm1(HERTZ[band] / 1127)
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(8_000) / mel.RATE)
    found = mel.whole(tone.astype(np.float32))
    assert np.all(np.abs(found.argmax(1) - band) <= (1 if band < 10 else 0))
    far = np.abs(np.arange(64) - band) > 8
    assert np.all(found[:, far] < found.max(1)[:, None] - np.log(1e3))


def test_a_click_is_in_the_windows_that_cover_it():
    samples = np.zeros(4_000, np.float32)
    samples[1_600] = 1
    loud = np.flatnonzero(mel.whole(samples).max(1) > np.log(2e-8))
    covering = [k for k in range(23) if 160 * k < 1_600 < 160 * k + 399]
    assert loud.tolist() == covering


@pytest.mark.parametrize("bands", [16, 64, 80])
def test_white_noise_is_as_loud_in_every_band(bands):
    noise = 0.1 * np.random.default_rng(0).standard_normal(160_000)
    power = np.exp(mel.whole(noise.astype(np.float32), bands)).mean(0)
    assert power == pytest.approx(np.full(bands, 0.01), rel=0.2)


def test_twice_as_loud_is_four_times_the_power():
    quiet = mel.whole(speech(seconds=1) / 4)
    loud = mel.whole(speech(seconds=1) / 2)
    clear = quiet > np.log(1e-5)
    assert clear.any()
    assert np.allclose((loud - quiet)[clear], np.log(4), atol=1e-2)


def test_silence_is_the_floor():
    assert np.allclose(mel.whole(np.zeros(800, np.float32)), np.log(1e-8))


def test_bands_are_kaldis_but_for_their_levels():
    import kaldi_native_fbank as fbank

    options = fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.preemph_coeff = 0
    options.frame_opts.remove_dc_offset = False
    options.frame_opts.window_type = "hanning"
    options.mel_opts.num_bins = 40
    options.mel_opts.low_freq, options.mel_opts.high_freq = 60, 7_600
    theirs = fbank.OnlineFbank(options)
    samples = speech(seconds=2)
    theirs.accept_waveform(mel.RATE, samples.tolist())
    found = np.stack([theirs.get_frame(each) for each in range(theirs.num_frames_ready)])
    mine = mel.whole(samples, 40)
    assert len(mine) == len(found)
    clear = mine > np.log(1e-6)
    off = (mine - found)[clear] - np.broadcast_to((mine - found).mean(0), mine.shape)[clear]
    assert np.abs(off).mean() < 0.05
