import numpy as np
import pytest

from allears.corpus.augment import (
    Chain,
    Level,
    Noise,
    Reverberation,
    Speed,
    active_power,
    spec_augment,
    warp,
)
from tests.real import speech

SPEECH = speech("lj", 3)
RANDOM = np.random.default_rng


def hiss(seconds, seed=0):
    return RANDOM(seed).standard_normal(int(16_000 * seconds), np.float32) * np.float32(0.1)


def room(seconds=0.6, before=80, seed=3):
    """A direct sound, and noise that decays by 60 dB."""
    length = int(16_000 * seconds)
    tail = RANDOM(seed).standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    response = np.concatenate((np.zeros(before), [1.0], 0.05 * tail))
    return response.astype(np.float32)


@pytest.mark.parametrize(
    "step",
    [
        Speed((0.9,)),
        Noise((hiss(1), hiss(9))),
        Reverberation((room(),)),
        Level(),
        Chain(((0.5, Level()), (0.5, Noise((hiss(1),))))),
    ],
)
@pytest.mark.parametrize("samples", [SPEECH, SPEECH[:100], SPEECH[:0], np.zeros(5000, np.float32)])
def test_equal_dice_give_equal_samples_and_the_given_ones_stay(step, samples):
    before = samples.copy()
    one, other = step(samples, RANDOM(1)), step(samples, RANDOM(1))
    assert one.dtype == np.float32
    assert np.isfinite(one).all()
    assert np.array_equal(one, other)
    assert np.array_equal(samples, before)
    if not isinstance(step, Speed):
        assert len(one) == len(samples)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_speed_raises_tones_and_shortens(factor):
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    faster = Speed((factor,))(tone, RANDOM(0))
    assert len(faster) == round(16_000 / factor)
    spectrum = np.abs(np.fft.rfft(faster[1000:9000]))
    assert spectrum.argmax() * 2 == pytest.approx(1000 * factor, abs=2)


@pytest.mark.parametrize("snr", [-5.0, 0.0, 15.0])
@pytest.mark.parametrize("seconds", [1, 9])
def test_noise_has_the_ratio_to_active_speech(snr, seconds):
    quiet = np.concatenate((SPEECH, np.zeros(32_000, np.float32)))
    added = Noise((hiss(seconds),), (snr, snr))(quiet, RANDOM(5)) - quiet
    ratio = 10 * np.log10(active_power(quiet) / active_power(added))
    assert ratio == pytest.approx(snr, abs=0.01)
    assert active_power(quiet) == pytest.approx(active_power(SPEECH), rel=0.05)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_noise_as_long_as_the_speech_is_whole(more):
    clip = np.ones(len(SPEECH) + more, np.float32)
    for seed in range(4):
        added = Noise((clip,), (0, 0))(SPEECH, RANDOM(seed)) - SPEECH
        assert added.shape == SPEECH.shape and np.allclose(added, added[0], atol=1e-5)


def test_a_short_noise_goes_on_from_its_beginning():
    added = Noise((hiss(0.5),), (0, 0))(SPEECH, RANDOM(2)) - SPEECH
    assert np.allclose(added[:8000], added[8000:16_000], atol=1e-6)


def test_a_room_keeps_time_and_energy():
    wet = Reverberation((room(),))(SPEECH, RANDOM(0))
    assert wet @ wet == pytest.approx(SPEECH @ SPEECH, rel=1e-3)
    size = 1 << 17
    both = np.fft.rfft(wet, size) * np.fft.rfft(SPEECH, size).conj()
    assert np.fft.irfft(both).argmax() == 0


@pytest.mark.parametrize("length", [4000, 48_000])
def test_blocks_make_one_convolution(length):
    response, samples = room(), speech("lj")[:length]
    whole = np.convolve(samples, response)[80 : 80 + length]
    wet = Reverberation((response,))(samples, RANDOM(0))
    scale = (samples @ samples / (whole @ whole)) ** 0.5
    assert np.allclose(wet, whole * scale, atol=1e-5)


def test_level_is_in_its_range_and_never_clips():
    gains = [Level((-12, -6))(SPEECH, RANDOM(seed))[1000] / SPEECH[1000] for seed in range(20)]
    assert 10 ** (-12 / 20) <= min(gains) < max(gains) <= 10 ** (-6 / 20)
    assert np.abs(Level((40, 40))(SPEECH, RANDOM(0))).max() == pytest.approx(1)


def test_a_chain_follows_its_probabilities():
    none, every = Chain(((0, Level((-6, -6))),)), Chain(((1, Level((-6, -6))),) * 2)
    assert none(SPEECH, RANDOM(0)) is SPEECH
    assert np.allclose(every(SPEECH, RANDOM(0)), SPEECH * 10 ** (-12 / 20))
    half = Chain(((0.5, Level((-6, -6))),))
    changed = sum(half(SPEECH, random) is not SPEECH for random in map(RANDOM, range(200)))
    assert 70 < changed < 130


def test_a_warp_moves_bands_and_leaves_the_given_ones():
    features = np.arange(12, dtype=np.float32).reshape(2, 6)
    assert np.array_equal(warp(features, 1.0), features)
    assert np.allclose(warp(features, 0.5)[0], [0, 0.5, 1, 1.5, 2, 2.5])
    assert np.allclose(warp(features, 1.5)[1], [6, 7.5, 9, 10.5, 11, 11])
    assert warp(features, 0.9).dtype == np.float32
    assert warp(features[:0], 1.1).shape == (0, 6)


def test_gaps_are_filled_with_the_mean_and_no_larger_than_asked():
    features = RANDOM(0).standard_normal((200, 64), np.float32)
    before = features.copy()
    widths, heights = [], []
    for seed in range(50):
        gapped = spec_augment(features, RANDOM(seed), times=1, longest=30, bands=1, widest=10)
        changed = gapped != features
        assert np.allclose(gapped[changed], np.broadcast_to(features.mean(0), (200, 64))[changed])
        heights.append(int(changed.all(1).sum()))
        widths.append(int(changed.all(0).sum()))
    assert 0 < max(heights) <= 30
    assert 0 < max(widths) <= 10
    assert np.array_equal(features, before)


@pytest.mark.parametrize("frames", [0, 1, 7])
def test_short_features_keep_most_of_their_frames(frames):
    features = RANDOM(0).standard_normal((frames, 4), np.float32)
    gapped = spec_augment(features, RANDOM(1), times=1, bands=0)
    assert gapped.shape == features.shape
    assert (gapped != features).any(1).sum() <= 0.2 * frames


@pytest.mark.parametrize(
    "make",
    [
        lambda: Speed((0.0,)),
        lambda: Speed(()),
        lambda: Noise(()),
        lambda: Noise((hiss(1),), (5, 0)),
        lambda: Noise((np.zeros(0, np.float32),)),
        lambda: Reverberation((np.zeros(9, np.float32),)),
        lambda: Level((6, -6)),
        lambda: Chain(((1.5, Level()),)),
    ],
)
def test_what_makes_no_sense_is_refused(make):
    with pytest.raises(ValueError, match=r"speed|no sound|range|silent|probabilities"):
        make()
