"""A causal Transformer (Zhang et al. 2020, "Transformer Transducer"), norms first, with a limited past."""

from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from allears.nn.attention import Around, Attention, AttentionState, Positions
from allears.nn.dropout import Dropout
from allears.nn.feedforward import FeedForward


@dataclass(frozen=True, slots=True)
class TransformerConfig:
    """`past` are the frames before its own that each layer looks at; heads are `size` wide."""

    inputs: int
    width: int = 144
    layers: int = 8
    heads: int = 4
    size: int = 32
    past: int = 64
    expansion: int = 4
    dropout: float = 0.1


class TransformerState(NamedTuple):
    """Frames so far, as `Positions` counts them, and what each block remembers."""

    clock: Tensor
    blocks: tuple[AttentionState, ...]


class Block(nn.Module):
    """Attention, then feed-forward, each normalised before and added after."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(config.width)
        self.attention = Attention(config.width, config.heads, config.size, config.past)
        self.before_forward = nn.LayerNorm(config.width)
        self.forward_layers = FeedForward(config.width, config.expansion, config.dropout)
        self.dropout = Dropout(config.dropout)

    def initial_state(self, batch: int) -> AttentionState:
        """Nothing to look at."""
        return self.attention.initial_state(batch)

    def forward(
        self, x: Float[Tensor, "batch time width"], state: AttentionState, around: Around
    ) -> tuple[Float[Tensor, "batch time width"], AttentionState]:
        """All frames of `x`."""
        y, state = self.attention(self.before_attention(x), state, around)
        x = x + self.dropout(y)
        return x + self.dropout(self.forward_layers(self.before_forward(x))), state


class Transformer(nn.Module):
    """Blocks of attention and feed-forward, and a norm at the end."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.width = config.width
        self.enter = nn.Linear(config.inputs, config.width)
        self.dropout = Dropout(config.dropout)
        self.positions = Positions(config.size, config.past)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def initial_state(self, batch: int) -> TransformerState:
        """Before the first frame."""
        blocks = tuple(block.initial_state(batch) for block in self.blocks)  # type: ignore[operator]
        return TransformerState(self.positions.initial_state(batch), blocks)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: TransformerState
    ) -> tuple[Float[Tensor, "batch time width"], TransformerState]:
        """All frames of `x`."""
        y, after = self.dropout(self.enter(x)), []
        around, clock = self.positions(y, state.clock)
        for block, before in zip(self.blocks, state.blocks, strict=True):
            y, kept = block(y, before, around)
            after.append(kept)
        return self.norm(y), TransformerState(clock, tuple(after))
