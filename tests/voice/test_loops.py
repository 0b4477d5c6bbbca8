"""Compiled loops against the plain arithmetic that they stand for."""

import numpy as np

from allears.voice import loops

RANDOM = np.random.default_rng(0)


def drawn(*shape):
    return (RANDOM.normal(size=(*shape, 2)) @ np.array([1, 1j])).astype(np.complex64)


def responded(magnitude, phase):
    batch, halves, bins = magnitude.shape
    found = np.full((batch, 1 + halves, bins), 3, np.complex64)
    loops.respond(magnitude, phase, found.view(np.float32))
    assert (found[:, 0] == 3).all()
    return found[:, 1:]


def test_responses_are_exponentials_of_level_and_phase():
    magnitude = np.linspace(-40, 14, 7 * 2 * 150).astype(np.float32).reshape(7, 2, 150)
    phase = RANDOM.uniform(-100, 100, (7, 2, 150)).astype(np.float32)
    phase[0, 0, :8] = np.arange(-4, 4) * np.pi / 2
    wanted = np.exp(np.minimum(magnitude, 12) + 1j * phase.astype(np.float64))
    assert (np.abs(responded(magnitude, phase) - wanted) < 2e-5 * np.abs(wanted)).all()


def test_nothing_at_all_is_a_number_and_next_to_nothing():
    silent = np.full((1, 1, 9), -1e9, np.float32)
    found = responded(silent, 0 * silent)
    assert (found.real > 0).all() and (np.abs(found) < 1e-30).all()


def test_each_block_fades_out_of_one_response_and_into_the_next():
    pulses, falling, rising = drawn(3, 2, 10), drawn(3, 2, 5), drawn(3, 2, 5)
    by_pulses, by_noise = drawn(3, 3, 5), drawn(3, 3, 5)
    found = np.empty((3, 2, 5), np.complex64)
    loops.answered(pulses, falling, rising, by_pulses, by_noise, found)
    wanted = pulses[..., :5] * by_pulses[:, :-1] + pulses[..., 5:] * by_pulses[:, 1:]
    wanted += falling * by_noise[:, :-1] + rising * by_noise[:, 1:]
    assert np.allclose(found, wanted, atol=1e-5)
