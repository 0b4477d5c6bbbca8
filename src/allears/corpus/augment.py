"""Speech made to sound as it does elsewhere: faster, louder, in noise, in a room; and features with gaps.

Each is called with samples at 16 kHz in ±1 and a generator, and gives samples. Lengths stay, but for
`Speed`; the direct sound stays where it was. What is added may take samples beyond ±1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import soxr  # type: ignore[import-untyped]
from jaxtyping import Float32

from allears.audio import framing

RATE = 16_000

_FRAME = 320
_ACTIVE = 0.01
"""Frames of 20 ms count as active from 20 dB below the loud ones (the 95th percentile)."""


@runtime_checkable
class Augmentation(Protocol):
    """What makes other samples of samples."""

    def __call__(
        self, samples: Float32[np.ndarray, " n"], random: np.random.Generator
    ) -> Float32[np.ndarray, " m"]:
        """Return new samples; the given ones are not written to."""
        ...


@dataclass(frozen=True, slots=True)
class Speed:
    """One of `factors` drawn evenly: 1.1 is faster and higher, and n / 1.1 samples long.

    Ko et al., "Audio augmentation for speech recognition", Interspeech 2015.
    """

    factors: tuple[float, ...] = (0.9, 1.0, 1.1)

    def __post_init__(self) -> None:
        if not self.factors or min(self.factors) <= 0:
            raise ValueError(f"factors of speed are above 0, not {self.factors}")

    def __call__(
        self, samples: Float32[np.ndarray, " n"], random: np.random.Generator
    ) -> Float32[np.ndarray, " m"]:
        """Resample by a factor."""
        factor = self.factors[int(random.integers(len(self.factors)))]
        if factor == 1:
            return samples
        faster: np.ndarray = soxr.resample(samples, RATE * factor, RATE, quality="LQ")
        return faster


@dataclass(frozen=True, slots=True)
class Noise:
    """A stretch of one of `clips` added, the level of active speech `snr_db` (lowest, highest) above its own.

    Clips that are too short go on from their beginning. Silence, on either side, stays as it is.
    """

    clips: Sequence[Float32[np.ndarray, " _"]]
    snr_db: tuple[float, float] = (5.0, 20.0)

    def __post_init__(self) -> None:
        _require_sounds(self.clips)
        _require_range(self.snr_db)

    def __call__(
        self, samples: Float32[np.ndarray, " n"], random: np.random.Generator
    ) -> Float32[np.ndarray, " n"]:
        """Mix in noise."""
        clip = self.clips[int(random.integers(len(self.clips)))]
        spare = len(clip) - len(samples)
        at = int(random.integers(spare + 1 if spare >= 0 else len(clip)))
        noise = clip[at : at + len(samples)] if spare >= 0 else _looped(clip, at, len(samples))
        snr = 10 ** (random.uniform(*self.snr_db) / 10)
        speech, other = active_power(samples), active_power(noise)
        if not speech or not other:
            return samples
        mixed: np.ndarray = samples + np.float32((speech / other / snr) ** 0.5) * noise
        return mixed


@dataclass(frozen=True, slots=True)
class Reverberation:
    """One of `responses` of rooms at 16 kHz: their loudest sample is the direct sound.

    It stays in time, and the energy stays; what rings on after the end is cut.
    """

    responses: Sequence[Float32[np.ndarray, " _"]]

    def __post_init__(self) -> None:
        _require_sounds(self.responses)
        if not all(response.any() for response in self.responses):
            raise ValueError("a room's response is silent")

    def __call__(
        self, samples: Float32[np.ndarray, " n"], random: np.random.Generator
    ) -> Float32[np.ndarray, " n"]:
        """Convolve with a room."""
        response = self.responses[int(random.integers(len(self.responses)))]
        direct = int(np.abs(response).argmax())
        heard = _convolved(samples, response)[direct : direct + len(samples)]
        before, after = float(samples @ samples), float(heard @ heard)
        if not before or not after:
            return samples
        scaled: np.ndarray = heard * np.float32((before / after) ** 0.5)
        return scaled


@dataclass(frozen=True, slots=True)
class Level:
    """Louder or quieter by `db` (lowest, highest), never so loud that a sample passes ±1."""

    db: tuple[float, float] = (-20.0, 6.0)

    def __post_init__(self) -> None:
        _require_range(self.db)

    def __call__(
        self, samples: Float32[np.ndarray, " n"], random: np.random.Generator
    ) -> Float32[np.ndarray, " n"]:
        """Scale."""
        gain = 10 ** (random.uniform(*self.db) / 20)
        peak = float(np.abs(samples).max(initial=0))
        return samples * np.float32(min(gain, 1 / peak) if peak else gain)


@dataclass(frozen=True, slots=True)
class Chain:
    """Several in a row, each with the probability that stands before it."""

    steps: tuple[tuple[float, Augmentation], ...]

    def __post_init__(self) -> None:
        if not all(0 <= probability <= 1 for probability, _ in self.steps):
            raise ValueError("probabilities are 0 to 1")

    def __call__(
        self, samples: Float32[np.ndarray, " n"], random: np.random.Generator
    ) -> Float32[np.ndarray, " m"]:
        """Do those that the dice say."""
        for probability, step in self.steps:
            if random.random() < probability:
                samples = step(samples, random)
        return samples


def spec_augment(
    features: Float32[np.ndarray, "frames mels"],
    random: np.random.Generator,
    *,
    times: int = 2,
    longest: int = 40,
    share: float = 0.2,
    bands: int = 2,
    widest: int = 15,
) -> Float32[np.ndarray, "frames mels"]:
    """Features with gaps, each mel filled with its mean over all frames; the given ones are not written to.

    `times` gaps of up to `longest` frames, nor more than a `share` of all, and `bands` gaps of up to
    `widest` mels, nor more than all; they may overlap. Park et al., "SpecAugment", Interspeech 2019.
    """
    frames, mels = features.shape
    masked = np.zeros((frames, mels), np.bool_)
    for _ in range(times):
        masked[_gap(random, frames, min(longest, int(share * frames)))] = True
    for _ in range(bands):
        masked[:, _gap(random, mels, min(widest, mels))] = True
    mean = features.mean(0, dtype=np.float64) if frames else np.zeros(mels)
    return np.where(masked, mean.astype(np.float32), features)


def warp(
    features: Float32[np.ndarray, "frames mels"], factor: float
) -> Float32[np.ndarray, "frames mels"]:
    """What a vocal tract shorter by `factor` would say: mel m is what m · factor was, the highest beyond the last.

    Jaitly and Hinton, "Vocal Tract Length Perturbation (VTLP) improves speech recognition", ICML workshop 2013,
    but linear over mels.
    """
    last = features.shape[1] - 1
    place = np.minimum(np.arange(last + 1) * factor, last)
    low = place.astype(int)
    share = (place - low).astype(np.float32)
    warped: np.ndarray = features[:, low] * (1 - share)
    warped += features[:, np.minimum(low + 1, last)] * share
    return warped


def active_power(samples: Float32[np.ndarray, " n"]) -> float:
    """Mean square of the frames of 20 ms in which something sounds; 0 for silence."""
    whole = len(samples) // _FRAME * _FRAME
    framed = samples[:whole].reshape(-1, _FRAME) if whole else samples[None]
    powers = np.einsum("fs,fs->f", framed, framed) / max(1, framed.shape[1])
    loud = np.partition(powers, (at := int(0.95 * (len(powers) - 1))))[at]
    return float(powers[powers >= _ACTIVE * loud].mean())


def _looped(
    clip: Float32[np.ndarray, " clip"], at: int, length: int
) -> Float32[np.ndarray, " length"]:
    return np.resize(np.roll(clip, -at), length)


def _gap(random: np.random.Generator, length: int, most: int) -> slice:
    size = int(random.integers(most + 1))
    at = int(random.integers(length - size + 1))
    return slice(at, at + size)


def _convolved(
    samples: Float32[np.ndarray, " n"], response: Float32[np.ndarray, " r"]
) -> Float32[np.ndarray, " m"]:
    """The convolution and zeros after it, by blocks that are Fourier-transformed (overlap and add)."""
    size = 1 << (min(3 * len(response), len(samples) + len(response)) - 1).bit_length()
    step = size - len(response) + 1
    blocks = np.fft.rfft(framing.frames(samples, step), size) * np.fft.rfft(response, size)
    whole = np.zeros(len(blocks) * step + size, np.float32)
    for number, block in enumerate(np.fft.irfft(blocks, size)):
        whole[number * step : number * step + size] += block
    return whole


def _require_sounds(sounds: Sequence[Float32[np.ndarray, " _"]]) -> None:
    if not len(sounds) or not all(len(each) for each in sounds):
        raise ValueError("there is no sound to draw from")


def _require_range(ends: tuple[float, float]) -> None:
    if not ends[0] <= ends[1]:
        raise ValueError(f"a range goes from its lowest to its highest, not {ends}")
