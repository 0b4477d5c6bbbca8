"""ConvRNN-T (Radfar et al. 2022, arXiv 2209.14868): what is near, and all that was heard, before LSTMs.

A *local* stack of causal convolutions hears the last frames; a *global* one, dilated and with
squeeze-and-excitation, sums up what came before. The paper's mean for that is here the mean so far, so that
nothing of the future is heard, and the norms are per frame. Channels, kernels and dilations are those of
a public implementation.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from allears.nn.conv import DepthwiseCausalConv, MeanState, SqueezeExcite
from allears.nn.dropout import Dropout
from allears.nn.layers import CausalConv
from allears.nn.lstm import LstmLayers, LstmState


@dataclass(frozen=True, slots=True)
class ConvRnnConfig:
    """`front` is the width before the LSTMs; a `window` other than 0 lets the mean forget older frames."""

    inputs: int
    width: int = 224
    layers: int = 3
    front: int = 128
    channels: tuple[int, ...] = (100, 100, 64, 64)
    local_kernel: int = 5
    blocks: int = 6
    global_kernel: int = 3
    reduction: int = 16
    window: int = 0
    dropout: float = 0.1
    residual: bool = True


class BlockState(NamedTuple):
    """The frames the convolution looks back on, (batch, back, 2 · front), and the mean."""

    past: Tensor
    mean: MeanState


class ConvRnnState(NamedTuple):
    """Of the local layers (batch, kernel − 1, channels) each, of the global blocks, and of the LSTMs."""

    local: tuple[Tensor, ...]
    globally: tuple[BlockState, ...]
    lstm: LstmState


class _Local(nn.Module):
    """Causal convolutions with ReLU, and a layer that brings them to `front`."""

    def __init__(self, config: ConvRnnConfig) -> None:
        super().__init__()
        sizes = (config.inputs, *config.channels)
        self.convs = nn.ModuleList(
            CausalConv(inputs, outputs, config.local_kernel) for inputs, outputs in pairwise(sizes)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in config.channels)
        self.finish = nn.Linear(sizes[-1], config.front)

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        after = []
        for conv, norm, past in zip(self.convs, self.norms, state, strict=True):
            y, past = conv(x, past)
            x = norm(torch.relu(y))
            after.append(past)
        return self.finish(x), tuple(after)


class _Global(nn.Module):
    """Twice as wide, each two channels over time to one, mixed, weighted by the mean so far, and added."""

    def __init__(self, config: ConvRnnConfig, dilation: int) -> None:
        super().__init__()
        width = config.front
        self.widen = nn.Linear(width, 2 * width)
        self.wide = nn.LayerNorm(2 * width)
        self.conv = DepthwiseCausalConv(2 * width, config.global_kernel, dilation)
        self.narrow = nn.LayerNorm(width)
        self.mix = nn.Linear(width, width)
        self.weigh = SqueezeExcite(width, config.reduction, config.window)
        self.dropout = Dropout(config.dropout)

    def initial_state(self, batch: int) -> BlockState:
        return BlockState(self.conv.initial_state(batch), self.weigh.initial_state(batch))

    def forward(self, x: Tensor, state: BlockState) -> tuple[Tensor, BlockState]:
        y = self.wide(torch.relu(self.widen(x)))
        y, past = self.conv(y, state.past)
        # A filter of two channels each is one of either, summed.
        one, other = y.chunk(2, 2)
        y = self.mix(self.narrow(torch.relu(one + other)))
        y, mean = self.weigh(y, state.mean)
        return x + self.dropout(y), BlockState(past, mean)


class ConvRnn(nn.Module):
    """Local and global convolutions, merged, then layers of LSTM."""

    def __init__(self, config: ConvRnnConfig) -> None:
        super().__init__()
        self.width = config.width
        self.near = _Local(config)
        self.far = nn.ModuleList(_Global(config, 2**power) for power in range(1, config.blocks + 1))
        self.merge = nn.Linear(2 * config.front, config.front)
        self.norm = nn.LayerNorm(config.front)
        self.layers = LstmLayers(
            config.front, config.width, config.layers, config.dropout, residual=config.residual
        )

    def initial_state(self, batch: int) -> ConvRnnState:
        """Before the first frame."""
        return ConvRnnState(
            tuple(conv.initial_state(batch) for conv in self.near.convs),  # type: ignore[operator]
            tuple(block.initial_state(batch) for block in self.far),  # type: ignore[operator]
            self.layers.initial_state(batch),
        )

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: ConvRnnState
    ) -> tuple[Float[Tensor, "batch time width"], ConvRnnState]:
        """All frames of `x`."""
        near, local = self.near(x, state.local)
        far, globally = near, []
        for block, before in zip(self.far, state.globally, strict=True):
            far, after = block(far, before)
            globally.append(after)
        merged = self.norm(self.merge(torch.cat((near, far), 2)))
        y, lstm = self.layers(merged, state.lstm)
        return y, ConvRnnState(local, tuple(globally), lstm)
