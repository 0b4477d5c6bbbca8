import numpy as np
import pytest

from allears.audio import bark
from allears.voice.burg import CEPSTRA, burg, cepstra
from tests.real import speech

HOP = 160


def test_an_autoregressive_signal_gives_back_its_poles():
    random = np.random.default_rng(0)
    poles = np.array([1, -1.5, 0.8])
    x = random.normal(size=20_000)
    for at in range(2, len(x)):
        x[at] -= poles[1] * x[at - 1] + poles[2] * x[at - 2]
    filters, energy = burg(x[None, -4000:])
    assert np.allclose(filters[0, :3], poles, atol=0.05) and np.abs(filters[0, 3:]).max() < 0.08
    assert energy[0] / 4000 == pytest.approx(1, rel=0.05)


def test_the_energy_is_that_of_what_the_filter_leaves():
    hops = np.diff(speech(seconds=2)[:32_000].reshape(-1, HOP).astype(np.float64))
    filters, energy = burg(hops)
    left = np.stack([np.convolve(*both, "valid") for both in zip(hops, filters, strict=True)])
    refined = energy > 2e-3 * np.sum(hops**2, 1)
    assert np.mean(refined) > 0.8
    wanted = np.sum(left**2, 1)[refined]
    assert energy[refined] == pytest.approx(wanted, rel=1e-6, abs=1e-7)


def test_prediction_stops_at_thirty_decibels():
    tone = np.sin(0.3 * np.arange(79))[None]
    filters, energy = burg(tone)
    assert energy[0] == pytest.approx(1e-3 * np.sum(tone[0, 16:] ** 2), rel=1e-3)
    assert not filters[0, 3:].any()


def test_the_mean_follows_the_spectrum_and_the_difference_its_change():
    samples = speech("jfk", seconds=4)[: 400 * HOP]
    found = cepstra(samples.reshape(-1, HOP))
    assert found.shape == (400, CEPSTRA)
    spectra, _ = bark.cepstra(samples[None], bark.initial_state(1))
    # Frame j of `bark` is centred on the first sample of hop j: between hops it straddles both.
    between = (spectra[0, :-1] + spectra[0, 1:]) / 2
    loud = spectra[0, :-1, 0] > 0
    for band in (0, 1, 2):
        same = np.corrcoef(found[:-1][loud, band], between[loud, band])[0, 1]
        assert same > 0.85
    growing = np.diff(spectra[0, :, 0])
    assert np.corrcoef(found[:-1][loud, 18], growing[loud])[0, 1] < -0.5


@pytest.mark.parametrize("level", [0.0, 1e-9, 1.0])
def test_silence_and_steady_levels_do_no_harm(level):
    found = cepstra(np.full((3, HOP), level, np.float32))
    assert np.isfinite(found).all()


def test_hops_do_not_hear_each_other():
    hops = speech(seconds=1)[: 100 * HOP].reshape(-1, HOP)
    alone = np.concatenate([cepstra(hop[None]) for hop in hops[40:60]])
    assert np.allclose(cepstra(hops)[40:60], alone, atol=1e-5)
