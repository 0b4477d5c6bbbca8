"""The harmonic vocoder live, set against itself in torch, against real speech, and against silence."""

import numpy as np
import pytest
import torch

from allears.audio.bark import BANDS, HOP
from allears.corpus.pack import analyse
from allears.nn.batch import alone, joined
from allears.score import click
from allears.voice import excitation, harmonic_voice
from allears.voice.harmonic import Filters, HarmonicNet, shape
from allears.voice.harmonic_voice import HarmonicVoice, VoiceState
from allears.weights.store import Weights
from tests.real import speech

SEAMS = (60, 101, 150, 188, 233, 290, 340, 371)
"""Frames of the clip where it is continued: in vowels, in hiss and in pauses."""


@pytest.fixture(scope="module")
def net():
    """What is not yet taught speaks by its features' envelope alone; a little noise makes all weights count."""
    torch.manual_seed(4)
    net = HarmonicNet().eval()
    torch.nn.init.normal_(net.output.weight, std=0.01)
    return net


@pytest.fixture(scope="module")
def voice(net):
    arrays = {name: value.detach().numpy() for name, value in net.named_parameters()}
    return HarmonicVoice(Weights("harmonic", "test", arrays))


@pytest.fixture(scope="module")
def clip():
    samples = speech("lj", 5)
    samples = samples[: len(samples) // HOP * HOP]
    return samples, analyse(samples)[0]


def begun(voice, clip, frames):
    samples, features = clip
    past = np.stack([samples[(frame - 2) * HOP : frame * HOP] for frame in frames])
    return voice.begin(past, np.stack([features[frame - 3 : frame + 2] for frame in frames]))


def spoken(voice, state, features):
    parts = []
    for step in range(features.shape[1]):
        samples, state = voice.step(features[:, step], state)
        parts.append(samples)
    return np.concatenate(parts, 1), state


def following(clip, frames, steps):
    return np.stack([clip[1][frame + 2 : frame + 2 + steps] for frame in frames])


def test_live_is_what_torch_speaks(net, voice, clip):
    frame, steps = 150, 12
    state = begun(voice, clip, [frame])
    live, _ = spoken(voice, state, following(clip, [frame], steps))

    features = clip[1][None, frame - 3 : frame + 2 + steps]
    frequencies = excitation.frequency(features[..., 18])
    since = excitation.pulses(frequencies[:, :3], np.zeros(1)).phase
    source = excitation.pulses(frequencies, state.phase - since)
    noise = harmonic_voice._NOISE[None, : source.samples.shape[1]]
    with torch.no_grad():
        filters, _ = net(torch.from_numpy(features), net.initial_state(1))
        kept = Filters(*(each[:, 6:-1] for each in filters))
        parts = (source.samples, noise, source.cosine, source.sine)
        emphasised = shape(kept, *map(torch.from_numpy, parts))[0, 2 * HOP :].numpy()
    steps_of_gain = 1 + (state.gain[0] - 1) * 0.7 ** np.arange(steps + 1)
    gain = np.interp(np.arange(1, steps * HOP + 1), HOP * np.arange(steps + 1), steps_of_gain)
    # In the first 5 ms what was heard rings on besides.
    expected, last = np.zeros(steps * HOP - HOP // 2), live[0, HOP - 1]
    for index in range(HOP, len(expected)):
        expected[index] = last = emphasised[index] * gain[index] + 0.85 * last
    assert np.abs(expected).max() > 0.05
    assert np.abs(live[0, HOP : len(expected)] - expected[HOP:]).max() < 1e-3


def test_joined_streams_equal_single_ones(voice, clip):
    together = begun(voice, clip, SEAMS)
    singles = [begun(voice, clip, [frame]) for frame in SEAMS]
    told = following(clip, SEAMS, 6)
    samples, after = spoken(voice, together, told)
    for row, state in enumerate(singles):
        single, ended = spoken(voice, state, told[row : row + 1])
        assert np.abs(single[0] - samples[row]).max() < 1e-4
        pairs = zip(ended, alone(after, row), strict=True)
        assert all(np.allclose(*pair, atol=1e-3) for pair in pairs)
    whole = joined(singles)
    assert np.abs(spoken(voice, whole, told)[0] - samples).max() < 1e-4


def test_it_continues_without_a_click(voice, clip):
    samples, _ = clip
    frames = range(20, 480, 7)
    made, _ = spoken(voice, begun(voice, clip, frames), following(clip, frames, 3))
    strengths = [
        click.strength(np.concatenate((samples[: frame * HOP], made[row])), 16_000, frame * HOP)
        for row, frame in enumerate(frames)
    ]
    natural = [click.strength(samples, 16_000, at) for at in range(8000, 72_000, 80)]
    assert np.quantile(strengths, 0.9) < 1.2 * np.quantile(natural, 0.99)
    assert np.max(strengths) < 1.5 * np.max(natural)
    steps = [abs(made[row, 0] - samples[frame * HOP - 1]) for row, frame in enumerate(frames)]
    nearby = [np.abs(np.diff(samples[(frame - 2) * HOP : frame * HOP])).max() for frame in frames]
    assert (np.array(steps) <= 1.5 * np.array(nearby) + 1e-3).all()


def test_it_continues_in_phase(voice, clip):
    samples, features = clip
    voiced = [
        frame for frame in range(20, 480, 5) if (features[frame - 2 : frame + 3, 19] > 0.3).all()
    ]
    assert len(voiced) > 15
    state = begun(voice, clip, voiced)
    true = np.stack([samples[frame * HOP : frame * HOP + 80] for frame in voiced])

    def likeness(begun):
        made = voice.step(following(clip, voiced, 1)[:, 0], begun)[0][:, :80]
        norms = np.linalg.norm(made, axis=1) * np.linalg.norm(true, axis=1)
        return ((made * true).sum(1) / norms).mean()

    opposite = state._replace(phase=(state.phase + 0.5) % 1, ringing=0 * state.ringing)
    assert likeness(state) > 0.5
    assert likeness(state) > likeness(opposite) + 0.3


def test_energy_follows_the_features(voice, clip):
    samples, features = clip
    state = begun(voice, clip, [20])
    made, _ = spoken(voice, state, features[None, 22:482])
    true = samples[20 * HOP : 480 * HOP].reshape(-1, HOP)
    levels = [np.log10((each**2).mean(1) + 1e-8) for each in (made.reshape(-1, HOP), true)]
    assert np.corrcoef(*levels)[0, 1] > 0.9
    assert abs(np.mean(levels[0] - levels[1])) < 0.4
    louder = features[None, 22:482].copy()
    louder[..., 0] += np.sqrt(BANDS)  # 10 dB in all bands
    loud, _ = spoken(voice, state._replace(gain=np.ones(1, np.float32)), louder)
    gained = 10 * np.log10((loud[:, 3200:] ** 2).mean() / (made[:, 3200:] ** 2).mean())
    assert 8 < gained < 12


@pytest.mark.parametrize("lowest", [-12.48, -15.0])
def test_silence_stays_silent(voice, clip, lowest):
    silent = np.zeros((1, 20), np.float32)
    silent[:, 0] = lowest
    state = voice.begin(np.zeros((1, 2 * HOP), np.float32), np.repeat(silent[:, None], 5, 1))
    made, _ = spoken(voice, state, np.repeat(silent[:, None], 50, 1))
    assert not made.any()
    after, _ = spoken(voice, begun(voice, clip, [150]), np.repeat(silent[:, None], 60, 1))
    assert not after[:, 20 * HOP :].any()


def test_no_number_lies_below_the_normal_ones(voice, clip):
    silent = np.zeros((1, 60, 20), np.float32)
    silent[..., 0] = -12.48
    _, state = spoken(voice, begun(voice, clip, [150]), silent)
    for part in state:
        values = np.abs(np.asarray(part, np.complex128))
        assert not ((values > 0) & (values < np.finfo(np.float32).tiny)).any()


def test_a_state_of_plain_parts_will_do(voice, clip):
    state = begun(voice, clip, [150])
    told = following(clip, [150], 1)[:, 0]
    plain, after = voice.step(told, tuple(state))
    assert isinstance(after, VoiceState)
    assert np.array_equal(plain, voice.step(told, state)[0])
