"""The rate-distortion-optimised autoencoder of DRED (Valin et al. 2023) as in libopus 1.6, in torch.

The encoder takes two frames of 20 features every 20 ms and gives a latent vector of the last 40 ms
and the state from which a decoder can start there. The decoder runs backwards in time, four frames
a step.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from allears.nn.layers import CausalConv, Glu, Gru

FEATURES = 20
LATENTS, STATES = 25, 50
STAGES = 5
_DILATIONS = (1, 2, 2, 2, 2)


class EncoderState(NamedTuple):
    """What five stages remember: (batch, 32) and (batch, dilation, 64) each."""

    gru: tuple[Tensor, ...]
    conv: tuple[Tensor, ...]


class DecoderState(NamedTuple):
    """What five stages remember: (batch, 64) and (batch, 1, 32) each."""

    gru: tuple[Tensor, ...]
    conv: tuple[Tensor, ...]


class _Stage(nn.Module):
    """A GRU, then a dense layer and a convolution; both outputs are appended to the input."""

    def __init__(self, inputs: int, size: int, outputs: int, dilation: int, *, gated: bool) -> None:
        super().__init__()
        self.gru = Gru(inputs, size)
        self.glu = Glu(size) if gated else nn.Identity()
        self.dense = nn.Linear(inputs + size, outputs)
        self.conv = CausalConv(outputs, outputs, 2, dilation)

    def forward(self, x: Tensor, gru: Tensor, conv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y, gru = self.gru(x, gru)
        x = torch.cat((x, self.glu(y)), 2)
        z, conv = self.conv(torch.tanh(self.dense(x)), conv)
        return torch.cat((x, torch.tanh(z)), 2), gru, conv


def _each(stages: nn.ModuleList) -> Iterator[_Stage]:
    return (stage for stage in stages if isinstance(stage, _Stage))


def _stages(
    stages: nn.ModuleList,
    x: Tensor,
    grus: tuple[Tensor, ...],
    convs: tuple[Tensor, ...],
    mixed: bool,
) -> tuple[Tensor, tuple[Tensor, ...], tuple[Tensor, ...]]:
    after = []
    with torch.autocast(x.device.type, torch.bfloat16, enabled=mixed):
        for stage, gru, conv in zip(stages, grus, convs, strict=True):
            x, gru, conv = stage(x, gru, conv)
            after.append((gru, conv))
    gru_after, conv_after = zip(*after, strict=True)
    return x.float(), gru_after, conv_after


class Encoder(nn.Module):
    """40 features (two frames, the older first) to 25 latents and 50 state values, every 20 ms.

    `mixed`: whether to run the stages, but not what leads in and out, in half precision, to train faster.
    """

    mixed = False

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(2 * FEATURES, 64)
        self.stages = nn.ModuleList(
            _Stage(64 + 96 * index, 32, 64, dilation, gated=False)
            for index, dilation in enumerate(_DILATIONS)
        )
        self.latents = nn.Linear(544, LATENTS)
        self.hidden = nn.Linear(544, 128)
        self.states = nn.Linear(128, STATES)

    def initial_state(self, batch: int) -> EncoderState:
        """Before the first frame."""
        return EncoderState(
            tuple(stage.gru.initial_state(batch) for stage in _each(self.stages)),
            tuple(stage.conv.initial_state(batch) for stage in _each(self.stages)),
        )

    def forward(
        self, x: Float[Tensor, "batch time 40"], state: EncoderState
    ) -> tuple[Float[Tensor, "batch time 25"], Float[Tensor, "batch time 50"], EncoderState]:
        """Latents and decoder states at every step, not yet quantised."""
        y, gru, conv = _stages(self.stages, torch.tanh(self.dense(x)), *state, self.mixed)
        states = self.states(torch.tanh(self.hidden(y)))
        return self.latents(y), states, EncoderState(gru, conv)


class Decoder(nn.Module):
    """Every second latent, newest first, to four frames of 20 features a step, newest first.

    A step's input is 25 dequantised latents and level / 8 − 1. `mixed`: as in the encoder.
    """

    mixed = False

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(STATES, 128)
        self.start = nn.Linear(128, STAGES * 64)
        self.dense = nn.Linear(LATENTS + 1, 96)
        self.stages = nn.ModuleList(
            _Stage(96 + 96 * index, 64, 32, 1, gated=True) for index in range(STAGES)
        )
        self.output = nn.Linear(576, 4 * FEATURES)

    def begin(self, states: Float[Tensor, "batch 50"]) -> DecoderState:
        """The state before the newest latent, from what the payload says."""
        start = torch.tanh(self.start(torch.tanh(self.hidden(states))))
        convs = tuple(stage.conv.initial_state(len(states)) for stage in _each(self.stages))
        return DecoderState(start.chunk(STAGES, 1), convs)

    def forward(
        self, x: Float[Tensor, "batch time 26"], state: DecoderState
    ) -> tuple[Float[Tensor, "batch time 80"], DecoderState]:
        """Features of 40 ms a step."""
        y, gru, conv = _stages(self.stages, torch.tanh(self.dense(x)), *state, self.mixed)
        return self.output(y), DecoderState(gru, conv)
