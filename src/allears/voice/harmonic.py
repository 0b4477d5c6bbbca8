"""A small vocoder that knows what a voice is: pulses and noise, each through a filter, in torch.

Every 10 ms a network turns 20 features into two filters for each 5 ms, as cepstra: one for the pulses, one
for the noise (source and filter, as in Engel et al. 2020 and Wang et al. 2019). They begin from the spectrum
that the features themselves describe and are corrected by what is learnt. The filters' magnitude is minimum
phase; the pulses' one has a learnt phase besides. Filtering is by transform and overlap-add.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Complex64, Float
from torch import Tensor, nn

from allears.audio.bark import BANDS, DCT, HOP, LEVEL, triangles
from allears.nn.layers import CausalConv, Gru

FEATURES = 20
HALF = HOP // 2
WINDOW = HOP
"""Samples of excitation to which one filter is applied, centred on its 5 ms."""
TRANSFORM = 512
BINS = TRANSFORM // 2 + 1
DELAY = 24
"""Samples by which the pulses' filter answers late, so that its response can begin before its peak."""

TERMS = 64
"""Quefrencies of the envelope that comes from the features."""
_MAGNITUDE, _PHASE, _NOISE = 48, 40, 40
"""Learnt terms: of the pulses' magnitude, of their phase, of the noise's magnitude."""
_TURNS = 2
"""How the noise follows the period: cosine and sine."""
OUTPUTS = _MAGNITUDE + _PHASE + _NOISE + _TURNS

_KERNEL, _KERNEL_DEEP = 5, 3
_SIZE, _MEMORY = 224, 176

_MEAN = (3.5, *(0.0,) * 17, 0.0, 0.0)
_SPREAD = (
    5.8, 2.5, 1.4, 1.2, 1.0, 0.85, 0.7, 0.63, 0.5, 0.45, 0.38, 0.34, 0.29, 0.27, 0.25, 0.22, 0.2, 0.18, 0.6, 0.3,
)  # fmt: skip

_QUIET, _LOUD = -1.95, -1.6
"""Mean log10 energy of the bands up to which nothing is heard, and from which on all is."""
_NOTHING = 1e-16

_CORRELATION = 19
_VOICED = 0.4
"""Correlation, above that of no voice at all, from which on all is voice."""
_LESS_NOISE = 0.5
"""Share of the noise's amplitude that is held back there when speaking, not when learning."""


class HarmonicState(NamedTuple):
    """What the network remembers: (batch, 4, 20), (batch, 2, 224) and (batch, 176)."""

    first: Tensor
    second: Tensor
    memory: Tensor


class Filters(NamedTuple):
    """Logarithms of complex frequency responses for each 5 ms, and how the noise follows the period."""

    pulses: Float[Tensor, "batch halves bins"]
    pulses_phase: Float[Tensor, "batch halves bins"]
    noise: Float[Tensor, "batch halves bins"]
    noise_phase: Float[Tensor, "batch halves bins"]
    turns: Float[Tensor, "batch halves 2"]
    """Cosine and sine."""


class HarmonicNet(nn.Module):
    """Features in, filters out, one frame late: what comes out at a frame is for the frame before it.

    The filters of frame j are those centred 5 ms before and at its centre. `mixed`: whether to run the layers in
    half precision, to train faster.
    """

    mixed = False
    mean: Tensor
    spread: Tensor
    envelope: Tensor
    level: Tensor
    cosines: Tensor
    sines: Tensor
    delay: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.first = CausalConv(FEATURES, _SIZE, _KERNEL)
        self.second = CausalConv(_SIZE, _SIZE, _KERNEL_DEEP)
        self.gru = Gru(_SIZE, _MEMORY)
        self.dense = nn.Linear(_SIZE + _MEMORY, _SIZE)
        self.output = nn.Linear(_SIZE, 2 * OUTPUTS)
        nn.init.normal_(self.output.weight, std=1e-3)
        with torch.no_grad():
            self.output.bias.zero_()
            bias = self.output.bias.unflatten(0, (2, OUTPUTS))
            bias[:, 0] = -0.3
            bias[:, _MAGNITUDE + _PHASE] = -1.0
        envelope, level = _envelope()
        tables = {
            "mean": np.array(_MEAN),
            "spread": np.array(_SPREAD),
            "envelope": envelope,
            "level": level,
        }
        for name, table in (tables | _transforms()).items():
            self.register_buffer(
                name, torch.from_numpy(np.asarray(table, np.float32)), persistent=False
            )

    def initial_state(self, batch: int) -> HarmonicState:
        """Before the first frame."""
        return HarmonicState(
            self.first.initial_state(batch),
            self.second.initial_state(batch),
            self.gru.initial_state(batch),
        )

    def forward(
        self, features: Float[Tensor, "batch frames 20"], state: HarmonicState
    ) -> tuple[Filters, HarmonicState]:
        """The filters of the frames before each, two a frame."""
        x = (features - self.mean) / self.spread
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.mixed):
            y, first = self.first(x, state.first)
            y, second = self.second(torch.nn.functional.silu(y), state.second)
            y = torch.nn.functional.silu(y)
            z, memory = self.gru(y, state.memory)
            y = torch.nn.functional.silu(self.dense(torch.cat((y, z), 2)))
            learnt = self.output(y)
        last = state.first[:, -2:] * self.spread + self.mean
        frames = torch.cat((last, features), 1)
        filters = self._filters(learnt.float(), frames[:, :-2], frames[:, 1:-1])
        return filters, HarmonicState(first, second, memory)

    def _filters(self, learnt: Tensor, before: Tensor, frame: Tensor) -> Filters:
        halves = torch.stack(((before + frame) / 2, frame), 2).flatten(1, 2)
        cepstra = halves[..., :BANDS]
        base = cepstra @ self.envelope + self.level
        parts = (
            learnt.unflatten(2, (2, OUTPUTS))
            .flatten(1, 2)
            .split((_MAGNITUDE, _PHASE, _NOISE, _TURNS), 2)
        )
        magnitude, phase, noise, turns = parts
        base = base + self._heard(cepstra)
        loud, soft = base + _padded(magnitude), base + _padded(noise)
        if not self.training:
            soft = soft + _padded(_held_back(halves[..., _CORRELATION:]))
        return Filters(
            loud @ self.cosines,
            (loud + _padded(phase)) @ self.sines + self.delay,
            soft @ self.cosines,
            soft @ self.sines,
            turns,
        )

    def _heard(self, cepstra: Tensor) -> Tensor:
        """What the first term is lowered by: so far that nothing is left in digital silence, else 0."""
        mean = (cepstra[..., :1] + LEVEL) / BANDS**0.5
        return _padded(((mean - _QUIET) / (_LOUD - _QUIET)).clamp(_NOTHING, 1).log())


def _held_back(correlation: Tensor) -> Tensor:
    """What noise is lowered by where there is a voice: learnt is the truth, listeners like it clearer."""
    voiced = ((correlation + 0.5) / _VOICED).clamp(0, 1)
    return (1 - _LESS_NOISE * voiced).log()


def _padded(terms: Tensor) -> Tensor:
    nothing = terms.new_zeros((*terms.shape[:-1], TERMS - terms.shape[-1]))
    return torch.cat((terms, nothing), -1)


def _envelope() -> tuple[np.ndarray, np.ndarray]:
    """From a frame's cepstrum to that of the filter which gives unit noise its energy in the bands."""
    weights = triangles()
    unit = weights.sum(0) * (HOP / (2 * HOP) ** 2) * 32_768.0**2
    between = triangles(1.0)  # bins (50 Hz) between the bands' centres
    quefrencies = np.cos(np.pi * np.outer(np.arange(TERMS), np.arange(HOP + 1)) / HOP)
    quefrencies[:, [0, -1]] /= 2
    quefrencies[1:] *= 2
    turned = (between.T @ (quefrencies / HOP).T) * (np.log(10) / 2)
    level = (LEVEL * DCT[:, 0] - np.log10(unit)) @ turned
    return DCT.T @ turned, level


def _transforms() -> dict[str, np.ndarray]:
    """Cepstral terms to log magnitude and to phase at each bin; the phase of the delay."""
    angles = np.pi * np.outer(np.arange(TERMS), np.arange(BINS)) / (BINS - 1)
    late = -2 * np.pi * DELAY * np.arange(BINS) / TRANSFORM
    return {"cosines": np.cos(angles), "sines": -np.sin(angles), "delay": late}


LOUDEST = 12.0
"""Log magnitude at most."""

WINDOWED = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
"""Hann; two overlapping by half make 1."""


def shape(
    filters: Filters,
    pulses: Float[Tensor, "batch samples"],
    noise: Float[Tensor, "batch samples"],
    cosine: Float[Tensor, "batch samples"],
    sine: Float[Tensor, "batch samples"],
) -> Float[Tensor, "batch shaped"]:
    """Filter the excitation, still emphasised; half h is centred on sample 80·(h + 1) of it.

    Samples and their halves: 80·(halves + 1). What comes out is as long; the first 80 fade in, the last fade out.
    """
    window = torch.from_numpy(WINDOWED.astype(np.float32)).to(pulses.device)
    turns = filters.turns[..., None]
    parts = [each.unfold(1, WINDOW, HALF) for each in (pulses, noise, cosine, sine)]
    hiss = parts[1] * (1 + turns[:, :, 0] * parts[2] + turns[:, :, 1] * parts[3])
    both = _response(filters.pulses, filters.pulses_phase) * _spectrum(parts[0] * window)
    both = both + _response(filters.noise, filters.noise_phase) * _spectrum(hiss * window)
    answers = torch.fft.irfft(both, TRANSFORM)
    return _overlapped(answers)[:, : pulses.shape[1]]


def _response(magnitude: Tensor, phase: Tensor) -> Tensor:
    return torch.polar(magnitude.clamp(max=LOUDEST).exp(), phase)


def _spectrum(x: Tensor) -> Complex64[Tensor, "batch halves bins"]:
    spectrum: Tensor = torch.fft.rfft(x, TRANSFORM)
    return spectrum


def _overlapped(answers: Float[Tensor, "batch halves transform"]) -> Float[Tensor, "batch samples"]:
    """Answers laid over one another, HALF apart."""
    batch, halves, size = answers.shape
    pieces = -(-size // HALF)
    padded = torch.nn.functional.pad(answers, (0, pieces * HALF - size)).unflatten(
        2, (pieces, HALF)
    )
    whole = answers.new_zeros(batch, halves + pieces - 1, HALF)
    for piece in range(pieces):
        whole[:, piece : piece + halves] += padded[:, :, piece]
    return whole.flatten(1)
