import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from allears.redundancy import tables
from allears.redundancy.loss import bands, distortion
from allears.redundancy.quantise import dequantise, quantise
from allears.wire.dred import LaplaceTable


def table(scale=128, zone=40, r=100, p0=90, size=4):
    full = lambda value: np.full((16, size), value, np.uint8)  # noqa: E731
    return LaplaceTable(full(scale), full(zone), full(r), full(p0))


@given(st.lists(st.floats(-200, 200, width=32), min_size=4, max_size=4))
def test_what_comes_back_is_within_a_step_and_its_dead_zone(values):
    level = np.array([3])
    x = np.array([values], np.float32)
    back = dequantise(quantise(x, level, table()), level, table())
    step = 256 / 128
    assert np.abs(back - x).max() <= step * (0.5 + 40 / 256) + 1e-3


def test_the_dead_zone_draws_small_values_to_zero():
    x = np.array(
        [[1.2, 1.2, 1.2, 1.2]], np.float32
    )  # 0.6 of a step: rounds to 1 without a dead zone
    assert quantise(x, np.array([0]), table(zone=0)).tolist() == [[1, 1, 1, 1]]
    assert quantise(x, np.array([0]), table(zone=64)).tolist() == [[0, 0, 0, 0]]


def test_where_only_zero_can_occur_it_is_zero():
    assert not quantise(np.full((1, 4), 99, np.float32), np.array([0]), table(r=0)).any()


def test_training_quantises_as_sending_does():
    quantiser = tables.Quantiser(4, 0.9, 0.08)
    with torch.no_grad():
        scale = np.rint(quantiser.scales().numpy() * 256).clip(1, 255).astype(np.uint8)
        zone = np.rint(torch.sigmoid(quantiser.zone).numpy() * 256).clip(0, 255).astype(np.uint8)
        sent = LaplaceTable(scale, zone, np.full_like(scale, 99), np.full_like(scale, 99))
        x = torch.randn(50, 4) * 10
        level = torch.arange(50) % 16
        learnt = quantiser.compress(x, level)
    near = (
        np.abs(learnt.numpy() % 1 - 0.5) > 0.05
    )  # bytes round the scale: edges may fall either way
    ours = quantise(x.numpy(), level.numpy(), sent)
    assert near.mean() > 0.8
    assert np.array_equal(ours[near], learnt.round().numpy()[near])


def test_bits_are_those_of_the_odds():
    quantiser = tables.Quantiser(1, 0.9, 0.08)
    level = torch.zeros(41, dtype=torch.long)
    u = torch.arange(-20.0, 21.0)[:, None]
    with torch.no_grad():
        hard = quantiser.hard_bits(u, level)
    assert (2**-hard).sum().item() == pytest.approx(1, abs=0.02)


def test_equal_features_have_no_distortion_and_voices_count_their_pitch():
    features = torch.randn(5, 20)
    assert distortion(features, features).abs().max() < 1e-6
    off = features.clone()
    off[:, 18] += 0.5
    voiced, unvoiced = features.clone(), features.clone()
    voiced[:, 19], unvoiced[:, 19] = 0.5, -0.5
    off[:, 19] = voiced[:, 19]
    assert distortion(voiced, off).mean() == pytest.approx(14 / 18, rel=1e-4)
    off[:, 19] = unvoiced[:, 19]
    assert distortion(unvoiced, off).abs().max() < 1e-6


def test_bands_are_the_energies_that_a_cepstrum_was_made_of():
    from allears.audio import bark

    energy = np.random.default_rng(0).uniform(3, 4, (7, 18))
    cepstra = bark.cepstra_of_energy(10**energy)
    features = torch.from_numpy(np.concatenate((cepstra, np.zeros((7, 2))), 1)).float()
    assert np.allclose(bands(features).numpy(), np.log10(0.01 + 10**energy), atol=1e-4)
