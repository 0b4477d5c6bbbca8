"""The filters of the harmonic vocoder live: what pulses and noise sound like through them, 5 ms by 5 ms.

Every 5 ms of excitation, faded out under one filter and in under the next, is answered in the frequency
domain, and what it answers is laid over what still rings.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from allears.audio.bark import HOP
from allears.voice import excitation, loops

HALF = HOP // 2
"""Samples between filters."""

TRANSFORM = 512
TAIL = TRANSFORM - HALF
"""Samples that a block's answer rings on."""

BINS = TRANSFORM // 2 + 1

_FALL = 0.5 + 0.5 * np.cos(np.pi * np.arange(HALF) / HALF)
"""The falling half of a Hann window; the rising one is what is missing to 1."""


def _transform(window: Float64[np.ndarray, " half"]) -> Float32[np.ndarray, "half bins"]:
    """The transform of a short windowed block as a product; real and imaginary parts alternate."""
    bins = np.fft.rfft(np.diag(window), TRANSFORM).astype(np.complex64)
    return np.ascontiguousarray(bins).view(np.float32)


_FALLING, _RISING = _transform(_FALL), _transform(1 - _FALL)
_BOTH = np.concatenate((_FALLING, _RISING), 1)


class Filters(NamedTuple):
    """Frequency responses, and how the noise follows the period; for each 5 ms, or for one moment."""

    pulses: Complex64[np.ndarray, "batch *halves bins"]
    noise: Complex64[np.ndarray, "batch *halves bins"]
    turns: Float32[np.ndarray, "batch *halves 2"]


def read(found: tuple[np.ndarray, ...], before: Filters) -> Filters:
    """As the network's outputs tell them, behind the one before."""
    turns = found[4].reshape(len(before.turns), -1, 2)
    return Filters(
        _response(found[0], found[1], before.pulses),
        _response(found[2], found[3], before.noise),
        np.concatenate((before.turns[:, None], turns), 1),
    )


def newest(filters: Filters) -> Filters:
    """The last of each stream's."""
    return Filters(*(np.ascontiguousarray(each[:, -1]) for each in filters))


def _response(
    magnitude: Float32[np.ndarray, "batch wide"],
    phase: Float32[np.ndarray, "batch wide"],
    before: Complex64[np.ndarray, "batch bins"],
) -> Complex64[np.ndarray, "batch halves bins"]:
    shape = (len(before), -1, BINS)
    loud = magnitude.reshape(shape)
    response = np.empty((len(before), 1 + loud.shape[1], BINS), np.complex64)
    response[:, 0] = before
    loops.respond(loud, phase.reshape(shape), response.view(np.float32))
    return response


def answers(
    source: excitation.Pulses, noise: Float32[np.ndarray, "batch samples"], filters: Filters
) -> Float32[np.ndarray, "batch blocks transform"]:
    """What filters h and h + 1 answer to the block of excitation between their centres, each faded."""
    batch, samples = noise.shape
    blocks = (batch, samples // HALF, HALF)
    hiss = noise.reshape(blocks)
    cosine, sine = hiss * source.cosine.reshape(blocks), hiss * source.sine.reshape(blocks)
    faded = [
        _product(hiss + turns[..., :1] * cosine + turns[..., 1:] * sine, transform)
        for turns, transform in (
            (filters.turns[:, :-1], _FALLING),
            (filters.turns[:, 1:], _RISING),
        )
    ]
    pulses = _product(source.samples.reshape(blocks), _BOTH)
    both = np.empty((*blocks[:2], BINS), np.complex64)
    loops.answered(pulses, *faded, filters.pulses, filters.noise, both)
    return np.asarray(np.fft.irfft(both, TRANSFORM), np.float32)


def _product(
    blocks: Float32[np.ndarray, "batch blocks half"], transform: Float32[np.ndarray, "half twice"]
) -> Complex64[np.ndarray, "batch blocks bins"]:
    """The spectra of faded blocks."""
    found = np.asarray(blocks.reshape(-1, HALF) @ transform)
    return found.view(np.complex64).reshape(*blocks.shape[:2], -1)


def pulsed(
    blocks: Float32[np.ndarray, "*batch blocks half"],
    response: Complex64[np.ndarray, "*batches halves bins"],
) -> Complex64[np.ndarray, "*batch blocks bins"]:
    """The pulses' part of the answers' spectra."""
    both = (blocks @ _FALLING).view(np.complex64) * response[..., :-1, :]
    both += (blocks @ _RISING).view(np.complex64) * response[..., 1:, :]
    return np.asarray(both)


def overlapped(
    answers: Float32[np.ndarray, "batch blocks transform"],
    ringing: Float32[np.ndarray, "batch tail"],
) -> Float32[np.ndarray, "batch longer"]:
    """Answers laid over what still rings, 80 samples apart: the blocks' own time, then the tail."""
    batch, blocks, _ = answers.shape
    whole = np.zeros((batch, blocks * HALF + TAIL), np.float32)
    whole[:, :TAIL] = ringing
    for block in range(blocks):
        whole[:, block * HALF : block * HALF + TRANSFORM] += answers[:, block]
    return whole
