"""The harmonic vocoder in torch: its filters, its loss and its training."""

import numpy as np
import pytest
import torch

from allears.audio import bark
from allears.audio.bark import BANDS, DCT, HOP, LEVEL
from allears.corpus.pack import Pack, analyse
from allears.train.average import averaged
from allears.train.loop import run
from allears.train.schedule import Plan
from allears.voice import excitation
from allears.voice.harmonic import HALF, Filters, HarmonicNet, shape
from allears.voice.loss import energy_distance, power
from allears.voice.vocoder_task import AdversarialTask, VocoderTask
from tests.real import speech


@pytest.fixture(scope="module")
def pack():
    samples = speech("lj", 6)
    features, heard = analyse(samples)
    whole = (samples * 32_767).astype(np.int16)
    return Pack(whole, features, heard, (0, len(features) - 60, len(features)), ("lj", "lj"))


@pytest.fixture
def net():
    torch.manual_seed(3)
    net = HarmonicNet().eval()
    torch.nn.init.normal_(net.output.weight, std=0.02)
    return net


@pytest.mark.parametrize("sizes", [(1,) * 20, (7, 13), (2, 1, 17)])
def test_chunks_equal_the_whole(net, pack, sizes):
    x = torch.from_numpy(pack.features[None, 100:120])
    whole, last = net(x, net.initial_state(1))
    state, parts = net.initial_state(1), []
    for chunk in x.split(sizes, 1):
        filters, state = net(chunk, state)
        parts.append(filters)
    for pieces, at_once in zip(zip(*parts, strict=True), whole, strict=True):
        assert torch.allclose(torch.cat(pieces, 1), at_once, atol=1e-4)
    for ended, at_once in zip(state, last, strict=True):
        assert torch.allclose(ended, at_once, atol=1e-5)


@pytest.mark.parametrize("frame", [150, 300, 420])
def test_untaught_filters_give_noise_the_energy_that_features_tell(pack, frame):
    net = HarmonicNet()
    with torch.no_grad():
        net.output.weight.zero_()
        net.output.bias.zero_()
        told = torch.from_numpy(pack.features[frame]).expand(1, 204, 20)
        filters, _ = net(told, net.initial_state(1))
        noise = torch.randn((1, HALF * 401), generator=torch.Generator().manual_seed(1))
        silent = torch.zeros_like(noise)
        made = shape(Filters(*(each[:, 8:] for each in filters)), silent, noise, silent, silent)
    heard = emphasised_bands(made[0, 4 * HOP : -4 * HOP].numpy())
    expected = (pack.features[frame, :BANDS] + LEVEL * np.eye(BANDS)[0]) @ DCT.T
    # Powers of ten; the outermost bands, and those far below the loudest, hear their neighbours.
    near = expected[1:-1] > expected.max() - 2.5
    assert np.abs(heard - expected)[1:-1][near].mean() < 0.15


def emphasised_bands(samples):
    """Log10 of the mean energies of an emphasised signal, in the bands of the features."""
    hops = samples[: len(samples) // HOP * HOP].reshape(-1, HOP) * 32_768
    bins = np.fft.rfft(np.concatenate((hops[:-1], hops[1:]), 1) * np.hanning(2 * HOP)) / (2 * HOP)
    loud = np.abs(bins) ** 2 * (HOP / (np.hanning(2 * HOP) ** 2).sum())
    return np.log10(0.01 + loud.mean(0) @ bark.triangles())


def test_pulses_have_unit_power_and_the_told_period():
    period = 107.0
    source = excitation.pulses(np.full((2, 101), 1 / period), np.array([0.0, 0.4]))
    assert np.allclose((source.samples**2).mean(1), 1, atol=0.02)
    peaks = np.flatnonzero(source.samples[1] > 0.8 * source.samples.max())
    distances = np.diff(peaks)
    assert np.abs(distances[distances > 2].mean() - period) < 1
    assert np.allclose(source.phase, np.array([0, 0.4]) + 100 * HOP / period % 1, atol=1e-6)


def test_pulses_in_pieces_are_those_of_the_whole(pack):
    frequencies = excitation.frequency(pack.features[None, 100:140, 18])
    whole = excitation.pulses(frequencies, np.array([0.3]))
    first = excitation.pulses(frequencies[:, :11], np.array([0.3]))
    second = excitation.pulses(frequencies[:, 10:], first.phase)
    pieces = np.concatenate((first.samples, second.samples), 1)
    assert np.allclose(pieces, whole.samples, atol=1e-4)


def test_the_distance_is_least_for_the_true_level():
    noise = torch.randn((4, 8, 8000), generator=torch.Generator().manual_seed(2))
    distances = {
        level: float(energy_distance(noise[0], level * noise[1], level * noise[2])[0])
        for level in (0.6, 0.8, 1.0, 1.25, 1.6)
    }
    assert min(distances, key=distances.__getitem__) == 1.0
    # A plain distance would be lessened by speaking the mean, the same each time.
    still = torch.full_like(noise[0], 0.0)
    still[:, ::8] = 8**0.5
    assert distances[1.0] < float(energy_distance(noise[0], still, still)[0])


def test_the_gradient_of_power_is_that_of_the_transform():
    x = torch.randn((3, 32), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(power, (x,))


def test_what_is_made_lies_in_time_where_the_recording_does(pack):
    task = VocoderTask([pack], batch=8, kept=1)
    true, features = task.draw(np.random.default_rng(1))
    with torch.no_grad():
        made, _ = task.voices(features, np.random.default_rng(2))
    assert made.shape == true.shape
    steps = [each.unfold(1, 160, 40).square().mean(2).add(1e-9).log() for each in (true, made)]
    alike = {
        shift: float(torch.corrcoef(torch.stack((
            steps[0][:, 12:-12].flatten(), steps[1][:, 12 + shift : -12 + shift or None].flatten()
        )))[0, 1])
        for shift in range(-8, 9, 2)
    }  # fmt: skip
    assert max(alike, key=alike.__getitem__) in (0, 2)
    assert alike[0] > 0.9


@pytest.mark.parametrize("kind", [VocoderTask, AdversarialTask])
def test_training_lessens_the_distance(pack, tmp_path, kind):
    torch.manual_seed(0)
    task = kind([pack], batch=2)
    random = np.random.default_rng(5)
    true, features = task.draw(random)

    def away():
        with torch.no_grad():
            return float(energy_distance(true, *task.voices(features, np.random.default_rng(6)))[0])

    before = away()
    assert run(task, Plan(steps=12, rate=3e-3, warmup=2), tmp_path, show=lambda _: None)
    assert away() < before - 0.02
    prefix = "generator." if kind is AdversarialTask else ""
    assert averaged(tmp_path)[prefix + "output.weight"].isfinite().all()


def test_what_the_discriminator_has_learnt_is_kept_too(pack, tmp_path):
    def train(folder, steps):
        torch.manual_seed(0)
        task = AdversarialTask([pack], batch=1)
        run(task, Plan(steps=steps, warmup=1, floor=1.0), folder, show=lambda _: None)
        return (folder / "checkpoint.safetensors").read_bytes()

    whole = train(tmp_path / "whole", 3)
    train(tmp_path / "halves", 2)
    assert len(train(tmp_path / "halves", 3)) == len(whole)
    assert (tmp_path / "halves/checkpoint.safetensors").read_bytes() == whole
