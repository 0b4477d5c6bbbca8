"""Compiled loops against the plain arithmetic that they stand for."""

import numpy as np
import pytest

from allears.audio import bark, loops, pitch


def test_predictors_solve_the_normal_equations():
    random = np.random.default_rng(0)
    noise = random.normal(size=(5, 400))
    lags = np.stack(
        [[each[: 400 - lag] @ each[lag:] for lag in range(pitch.ORDER + 1)] for each in noise]
    )
    found = np.empty((5, pitch.ORDER))
    loops.predictors(lags, found)
    places = np.abs(np.subtract.outer(np.arange(pitch.ORDER), np.arange(pitch.ORDER)))
    for lag, each in zip(lags, found, strict=True):
        assert np.allclose(np.linalg.solve(lag[places], -lag[1:]), each, atol=1e-9)


def test_prediction_that_has_gained_enough_goes_no_further():
    lags = np.cos(0.3 * np.arange(pitch.ORDER + 1))[None] * np.array([[1.0], [0.0]])
    found = np.full((2, pitch.ORDER), 9.0)
    loops.predictors(lags, found)
    assert found[0, 1] != 0
    assert not found[0, 2:].any() and not found[1].any()


def test_residuals_are_what_filters_leave():
    random = np.random.default_rng(0)
    signal = random.normal(size=(2, 4 * 160)).astype(np.float32)
    filters = random.normal(size=(2, 3, pitch.ORDER)).astype(np.float32)
    found = np.empty((2, 3 * 160), np.float32)
    loops.residuals(signal, filters, found, 160)
    for row in range(2):
        for frame in range(3):
            taps = np.concatenate(([1.0], filters[row, frame]))
            begin = 160 * frame + 80
            wanted = np.convolve(signal[row], taps)[begin : begin + 160]
            assert np.allclose(found[row, 160 * frame : 160 * (frame + 1)], wanted, atol=1e-4)


def test_bands_are_floored_by_those_before_them():
    levels = np.random.default_rng(0).uniform(-5, 8, (50, bark.BANDS))
    found = levels.copy()
    loops.floored(found)
    for given, kept in zip(levels, found, strict=True):
        loudest = follow = -2.0
        for value, held in zip(given, kept, strict=True):
            value = max(value, loudest - 8, follow - 2.5)
            assert held == value
            loudest, follow = max(loudest, value), max(follow - 2.5, value)


def test_turns_are_those_of_the_phases():
    random = np.random.default_rng(0)
    bins = random.normal(size=(2, 4, pitch.TURNING_BINS, 2)) @ np.array([1, 1j])
    found = np.empty((2, 3, pitch.TURNS), np.float32)
    loops.turned(bins, found)
    angle = np.angle(bins[:, 1:, 1:] / bins[:, :-1, 1:])
    assert np.allclose(found[..., 1::3], np.cos(angle), atol=1e-5)
    assert np.allclose(found[..., 2::3], np.sin(angle), atol=1e-5)
    power = np.abs(bins[:, 1:]) ** 2
    power[..., 0] = bins[:, 1:, 0].real ** 2
    assert np.allclose(found[..., 0::3], (10 * np.log10(power) - 6) / 64, atol=1e-5)


def test_periodic_is_the_warped_cosine():
    random = np.random.default_rng(0)
    smooth = random.normal(size=(2, 256 + 320)).astype(np.float32) * 1000
    periods = np.array([[40, 255], [32, 100]])
    smooth[0, 256:416] = smooth[0, 216:376]
    found = np.empty((2, 2), np.float32)
    loops.periodic(smooth, periods, found, 160)
    for row in range(2):
        for frame in range(2):
            at = 256 + 160 * frame
            now = smooth[row, at : at + 160]
            past = smooth[row, at - periods[row, frame] :][:160]
            cosine = now @ past / np.sqrt(1 + (now @ now) * (past @ past))
            wanted = np.log1p(np.exp(5 * cosine)) / np.log1p(np.exp(5)) - 0.5
            assert found[row, frame] == pytest.approx(wanted, abs=1e-5)
