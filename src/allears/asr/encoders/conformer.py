"""A causal Conformer (Gulati et al. 2020): attention with a limited past, and convolutions that look back only.

The paper's batch norm is a norm per frame here, so that a stream depends on nothing but itself.
"""

from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from allears.nn.attention import Around, Attention, AttentionState, Positions
from allears.nn.conv import DepthwiseCausalConv
from allears.nn.dropout import Dropout
from allears.nn.feedforward import FeedForward


@dataclass(frozen=True, slots=True)
class ConformerConfig:
    """`past` are the frames before its own that each layer looks at; heads are `size` wide."""

    inputs: int
    width: int = 128
    layers: int = 5
    heads: int = 4
    size: int = 32
    past: int = 64
    kernel: int = 15
    expansion: int = 4
    dropout: float = 0.1


class BlockState(NamedTuple):
    """Of the attention, and the frames the convolution looks back on, (batch, kernel − 1, width)."""

    attention: AttentionState
    conv: Tensor


class ConformerState(NamedTuple):
    """Frames so far, as `Positions` counts them, and what each block remembers."""

    clock: Tensor
    blocks: tuple[BlockState, ...]


class _Convolution(nn.Module):
    """Gated, over time, normalised, swish, mixed."""

    def __init__(self, config: ConformerConfig) -> None:
        super().__init__()
        self.enter = nn.Linear(config.width, 2 * config.width)
        self.conv = DepthwiseCausalConv(config.width, config.kernel)
        self.norm = nn.LayerNorm(config.width)
        self.leave = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        y, state = self.conv(functional.glu(self.enter(x), 2), state)
        return self.leave(functional.silu(self.norm(y))), state


class Block(nn.Module):
    """Half a feed-forward, attention, convolution, and the other half, each added to what it is given."""

    def __init__(self, config: ConformerConfig) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(config.width) for _ in range(5))
        self.first = FeedForward(config.width, config.expansion, config.dropout)
        self.attention = Attention(config.width, config.heads, config.size, config.past)
        self.convolution = _Convolution(config)
        self.second = FeedForward(config.width, config.expansion, config.dropout)
        self.dropout = Dropout(config.dropout)

    def initial_state(self, batch: int) -> BlockState:
        """Before the first frame."""
        return BlockState(
            self.attention.initial_state(batch), self.convolution.conv.initial_state(batch)
        )

    def forward(
        self, x: Float[Tensor, "batch time width"], state: BlockState, around: Around
    ) -> tuple[Float[Tensor, "batch time width"], BlockState]:
        """All frames of `x`."""
        x = x + 0.5 * self.dropout(self.first(self.norms[0](x)))
        y, attention = self.attention(self.norms[1](x), state.attention, around)
        x = x + self.dropout(y)
        y, conv = self.convolution(self.norms[2](x), state.conv)
        x = x + self.dropout(y)
        x = x + 0.5 * self.dropout(self.second(self.norms[3](x)))
        return self.norms[4](x), BlockState(attention, conv)


class Conformer(nn.Module):
    """Blocks of attention and convolution."""

    def __init__(self, config: ConformerConfig) -> None:
        super().__init__()
        self.width = config.width
        self.enter = nn.Linear(config.inputs, config.width)
        self.dropout = Dropout(config.dropout)
        self.positions = Positions(config.size, config.past)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))

    def initial_state(self, batch: int) -> ConformerState:
        """Before the first frame."""
        blocks = tuple(block.initial_state(batch) for block in self.blocks)  # type: ignore[operator]
        return ConformerState(self.positions.initial_state(batch), blocks)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: ConformerState
    ) -> tuple[Float[Tensor, "batch time width"], ConformerState]:
        """All frames of `x`."""
        y, after = self.dropout(self.enter(x)), []
        around, clock = self.positions(y, state.clock)
        for block, before in zip(self.blocks, state.blocks, strict=True):
            y, kept = block(y, before, around)
            after.append(kept)
        return y, ConformerState(clock, tuple(after))
