"""FARGAN (Valin et al. 2024), the vocoder of libopus 1.6, in torch: 10 ms of speech from 20 features.

A network over frames makes conditions for four subframes of 2.5 ms; a second one, recurrent, makes each subframe's
40 samples from its condition, the last 2.5 ms, and what lay one pitch period back. Samples are in the domain
pre-emphasised by 0.85 until the very end. The period of a frame counts one frame late.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from allears.audio.bark import HOP, PRE_EMPHASIS
from allears.audio.pitch import LAGS, MAX_PERIOD, MIN_PERIOD
from allears.nn.layers import CausalConv, Glu, Gru

FEATURES = 20
CONTEXT = 5
"""Frames of features that a continuation is told: three heard ones and two ahead."""

PAST = 2 * HOP
"""Samples that a continuation is told."""

_SUBFRAMES = 4
_SIZE = HOP // _SUBFRAMES
_CONDITION = 80
_AROUND = 2
"""Samples on either side of the subframe that are looked at one period back."""

_INPUT = _CONDITION + _SIZE + 2 * _AROUND + _SIZE
_HIDDEN = 192
_GRUS = (160, 128, 128)
_HALF = HOP // 2


class FarganState(NamedTuple):
    """What is remembered of a batch: the last period in samples, (batch, 1); 256 samples, emphasised;
    the last of those spoken; inputs of both convolutions; the GRUs."""

    period: Int64[Tensor, "batch 1"]
    samples: Float[Tensor, "batch 256"]
    last: Float[Tensor, "batch 1"]
    condition: Float[Tensor, "batch 2 64"]
    conv: Float[Tensor, "batch 1 164"]
    grus: tuple[Tensor, ...]


class _Condition(nn.Module):
    """Features and period of a frame to 80 numbers for each subframe."""

    def __init__(self) -> None:
        super().__init__()
        self.period = nn.Embedding(LAGS, 12)
        self.dense = nn.Linear(FEATURES + 12, 64)
        self.conv = CausalConv(64, 128, 3)
        self.output = nn.Linear(128, _SUBFRAMES * _CONDITION)

    def forward(
        self,
        features: Float[Tensor, "batch 20"],
        period: Int64[Tensor, "batch 1"],
        state: Tensor,
    ) -> tuple[Float[Tensor, "batch 320"], Tensor]:
        row = (period[:, 0] - MIN_PERIOD).clamp(0, LAGS - 1)
        x = torch.tanh(self.dense(torch.cat((features, self.period(row)), 1)))
        y, state = self.conv(x[:, None], state)
        return torch.tanh(self.output(torch.tanh(y[:, 0]))), state


class _Subframe(nn.Module):
    """40 samples, emphasised."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Linear(_CONDITION, 1)
        self.conv = CausalConv(_INPUT, _HIDDEN, 2)
        self.glu = Glu(_HIDDEN)
        self.pitch_gates = nn.Linear(_HIDDEN, 1 + len(_GRUS))
        sizes = zip((_HIDDEN, *_GRUS), _GRUS, strict=False)
        self.grus = nn.ModuleList(Gru(before + 2 * _SIZE, size) for before, size in sizes)
        self.glus = nn.ModuleList(Glu(size) for size in _GRUS)
        self.skip = nn.Linear(sum(_GRUS) + _HIDDEN + 2 * _SIZE, 128)
        self.skip_glu = Glu(128)
        self.output = nn.Linear(128, _SIZE)

    def forward(
        self,
        condition: Float[Tensor, "batch 80"],
        places: Int64[Tensor, "batch 44"],
        state: FarganState,
    ) -> tuple[Float[Tensor, "batch 40"], FarganState]:
        gain = torch.exp(self.gain(condition))
        louder = torch.reciprocal(gain + 1e-5)
        around = (state.samples.gather(1, places) * louder).clamp(-1, 1)
        newest = (state.samples[:, -_SIZE:] * louder).clamp(-1, 1)
        seen = torch.cat((condition, around, newest), 1)
        y, conv = self.conv(seen[:, None], state.conv)
        first = self.glu(torch.tanh(y[:, 0]))
        gates = torch.sigmoid(self.pitch_gates(first)).split(1, 1)
        back = around[:, _AROUND:-_AROUND]
        y, outputs, grus = first, [], []
        for gru, glu, before, gate in zip(self.grus, self.glus, state.grus, gates, strict=False):
            x, after = gru(torch.cat((y, gate * back, newest), 1)[:, None], before)
            y = glu(x[:, 0])
            outputs.append(y)
            grus.append(after)
        skipped = torch.cat((*outputs, first, gates[-1] * back, newest), 1)
        y = self.skip_glu(torch.tanh(self.skip(skipped)))
        samples = torch.tanh(self.output(y)) * gain
        kept = torch.cat((state.samples[:, _SIZE:], samples), 1)
        return samples, state._replace(samples=kept, conv=conv, grus=tuple(grus))


class Fargan(nn.Module):
    """Frames of 20 features to 160 samples in ±1 each."""

    deemphasis: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.condition = _Condition()
        self.subframe = _Subframe()
        self.register_buffer("deemphasis", _deemphasis(), persistent=False)

    def initial_state(self, batch: int) -> FarganState:
        """Before anything was spoken."""
        conv = self.condition.conv.initial_state(batch)
        zeros = conv.new_zeros(batch, MAX_PERIOD)
        grus = tuple(zeros[:, :size] for size in _GRUS)
        period = zeros[:, :1].long()
        return FarganState(
            period, zeros, zeros[:, :1], conv, self.subframe.conv.initial_state(batch), grus
        )

    def forward(
        self,
        features: Float[Tensor, "batch frames 20"],
        periods: Int64[Tensor, "batch frames"],
        state: FarganState,
    ) -> tuple[Float[Tensor, "batch samples"], FarganState]:
        """Speak; the features of a frame are those centred 20 ms after what has been spoken."""
        spoken = []
        for frame, period in zip(features.unbind(1), periods.split(1, 1), strict=True):
            samples, state = self.step(frame, period, state)
            spoken.append(samples)
        return torch.cat(spoken, 1), state

    def step(
        self,
        features: Float[Tensor, "batch 20"],
        period: Int64[Tensor, "batch 1"],
        state: FarganState,
    ) -> tuple[Float[Tensor, "batch 160"], FarganState]:
        """One frame of 10 ms."""
        condition, kept = self.condition(features, period, state.condition)
        places = _places(state.period)
        parts = []
        for part in condition.split(_CONDITION, 1):
            samples, state = self.subframe(part, places, state)
            parts.append(samples)
        halves, last = [], state.last
        for half in torch.cat(parts, 1).split(_HALF, 1):
            halves.append(torch.cat((last, half), 1) @ self.deemphasis)
            last = halves[-1][:, -1:]
        return torch.cat(halves, 1), state._replace(period=period, last=last, condition=kept)

    def begin(
        self,
        past: Float[Tensor, "batch 320"],
        features: Float[Tensor, "batch 5 20"],
        periods: Int64[Tensor, "batch 5"],
        state: FarganState,
    ) -> FarganState:
        """Continue from real speech, the last 20 ms before, as if all of it had been spoken here.

        Features are those of the last three frames heard and of the two to come. What the GRUs know stays.
        """
        kept = state.condition
        for frame, period in zip(features.unbind(1), periods.split(1, 1), strict=True):
            condition, kept = self.condition(frame, period, kept)
        rest = past[:, 1:] - PRE_EMPHASIS * past[:, :-1]
        emphasised = torch.cat((past[:, :1] * 0, rest), 1)
        known, heard = emphasised.split(HOP, 1)
        period = periods[:, -2:-1]
        state = state._replace(samples=torch.cat((state.samples[:, :-HOP], known), 1))
        parts = zip(condition.split(_CONDITION, 1), heard.split(_SIZE, 1), strict=True)
        for part, real in parts:
            _, state = self.subframe(part, _places(period), state)
            state = state._replace(samples=torch.cat((state.samples[:, :-_SIZE], real), 1))
        return state._replace(period=period, last=past[:, -1:], condition=kept)


def _places(period: Int64[Tensor, "batch 1"]) -> Int64[Tensor, "batch 44"]:
    """Where one period back lies in the last 256 samples; what is not spoken yet, two periods back."""
    period = period.clamp(MIN_PERIOD, MAX_PERIOD - 1)
    first = MAX_PERIOD - _AROUND - period
    places = first + torch.arange(_SIZE + 2 * _AROUND)
    places = torch.where(places >= MAX_PERIOD, places - period, places)
    return places.clamp(min=0)


def _deemphasis() -> Float[Tensor, "given half"]:
    """From the last sample spoken and half a frame, emphasised, to what it sounds like."""
    lag = torch.arange(_HALF) - torch.arange(-1, _HALF)[:, None]
    return torch.where(lag >= 0, PRE_EMPHASIS ** lag.double(), 0.0).float()
