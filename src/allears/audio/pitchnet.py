"""PitchDNN of libopus 1.6 in torch: what `pitch.analyse` hears of a frame to a pitch in octaves.

Phases' turns go through two dense layers, correlations through two 3×3 convolutions over time and lag;
a GRU follows both, and the mean around the strongest of 180 bins is the pitch.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from allears.audio.pitch import LAGS, TURNS
from allears.nn.layers import Gru

BINS = 180
CHANNELS = 4
_OUTPUTS = 192
"""The release has so many outputs, of which the last 12 mean nothing."""


class PitchNetState(NamedTuple):
    """What convolutions and GRU remember: (batch, 1, 2, 224), (batch, 4, 2, 224), (batch, 64)."""

    first: Tensor
    second: Tensor
    gru: Tensor


class PitchNet(nn.Module):
    """Turns and correlations in, logits of 180 bins out; `pitch` reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = nn.Linear(TURNS, 64)
        self.deeper = nn.Linear(64, 64)
        self.first = nn.Conv2d(1, CHANNELS, 3, padding=(0, 1))
        self.second = nn.Conv2d(CHANNELS, 1, 3, padding=(0, 1))
        self.dense = nn.Linear(LAGS + 64, 64)
        self.gru = Gru(64, 64)
        self.output = nn.Linear(64, _OUTPUTS)

    def initial_state(self, batch: int) -> PitchNetState:
        """Before the first frame."""
        past = self.turns.weight.new_zeros(batch, 1 + CHANNELS, 2, LAGS)
        return PitchNetState(past[:, :1], past[:, 1:], self.gru.initial_state(batch))

    def forward(
        self,
        turns: Float[Tensor, "batch time 88"],
        lags: Float[Tensor, "batch time 224"],
        state: PitchNetState,
    ) -> tuple[Float[Tensor, "batch time 180"], PitchNetState]:
        """Logits of the bins, 1/60 octave apart."""
        turned = torch.tanh(self.deeper(torch.tanh(self.turns(turns))))
        whole = torch.cat((state.first, lags[:, None]), 2)
        hidden = torch.cat((state.second, torch.tanh(self.first(whole))), 2)
        seen = torch.tanh(self.second(hidden))[:, 0]
        joined = torch.tanh(self.dense(torch.cat((seen, turned), 2)))
        y, gru = self.gru(joined, state.gru)
        after = PitchNetState(whole[:, :, -2:], hidden[:, :, -2:], gru)
        return self.output(y)[..., :BINS], after


def pitch(logits: Float[Tensor, "*shape 180"]) -> Float[Tensor, "*shape"]:
    """Octaves: the mean of the five bins around the strongest, by their probability."""
    strongest = logits.argmax(-1, keepdim=True)
    near = strongest + torch.arange(-2, 3)
    inside = (near >= 0) & (near < BINS)
    near = near.clamp(0, BINS - 1)
    weight = torch.exp(logits.gather(-1, near) - logits.gather(-1, strongest)) * inside
    return (weight * near).sum(-1) / weight.sum(-1) / 60 - 1.5
