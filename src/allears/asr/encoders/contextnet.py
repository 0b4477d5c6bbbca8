"""A causal ContextNet (Han et al. 2020): separable convolutions, and blocks weighted by all that was heard.

The paper's mean over the utterance is the mean so far here, its batch norm is a norm per frame, and there are as
many frames at the end as at the beginning.
"""

from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from allears.nn.conv import DepthwiseCausalConv, MeanState, SqueezeExcite
from allears.nn.dropout import Dropout


@dataclass(frozen=True, slots=True)
class ContextNetConfig:
    """`blocks` of `layers` convolutions; a `window` other than 0 lets the mean forget older frames."""

    inputs: int
    width: int = 256
    blocks: int = 6
    layers: int = 3
    kernel: int = 5
    reduction: int = 8
    window: int = 0
    dropout: float = 0.1


class BlockState(NamedTuple):
    """The frames each convolution looks back on, (batch, kernel − 1, width), and the mean."""

    past: tuple[Tensor, ...]
    mean: MeanState


class _Separable(nn.Module):
    """Over time by channel, over channels by frame, normalised."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.conv = DepthwiseCausalConv(width, kernel)
        self.mix = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        y, state = self.conv(x, state)
        return self.norm(self.mix(y)), state


class Block(nn.Module):
    """Separable convolutions with swish, weighted, and added to what they are given, projected."""

    def __init__(self, config: ContextNetConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            _Separable(config.width, config.kernel) for _ in range(config.layers)
        )
        self.weigh = SqueezeExcite(config.width, config.reduction, config.window)
        self.beside = nn.Linear(config.width, config.width)
        self.norm = nn.LayerNorm(config.width)
        self.dropout = Dropout(config.dropout)

    def initial_state(self, batch: int) -> BlockState:
        """Before the first frame."""
        past = tuple(layer.conv.initial_state(batch) for layer in self.layers)  # type: ignore[operator, union-attr]
        return BlockState(past, self.weigh.initial_state(batch))

    def forward(
        self, x: Float[Tensor, "batch time width"], state: BlockState
    ) -> tuple[Float[Tensor, "batch time width"], BlockState]:
        """All frames of `x`."""
        y, after = x, []
        for layer, past in zip(self.layers, state.past, strict=True):
            y, past = layer(y, past)
            y = functional.silu(y)
            after.append(past)
        y, mean = self.weigh(y, state.mean)
        y = functional.silu(self.dropout(y) + self.norm(self.beside(x)))
        return y, BlockState(tuple(after), mean)


class ContextNet(nn.Module):
    """Blocks of convolutions. State: that of each block."""

    def __init__(self, config: ContextNetConfig) -> None:
        super().__init__()
        self.width = config.width
        self.enter = nn.Linear(config.inputs, config.width)
        self.norm = nn.LayerNorm(config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))

    def initial_state(self, batch: int) -> tuple[BlockState, ...]:
        """Before the first frame."""
        return tuple(block.initial_state(batch) for block in self.blocks)  # type: ignore[operator]

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: tuple[BlockState, ...]
    ) -> tuple[Float[Tensor, "batch time width"], tuple[BlockState, ...]]:
        """All frames of `x`."""
        y, after = functional.silu(self.norm(self.enter(x))), []
        for block, before in zip(self.blocks, state, strict=True):
            y, kept = block(y, before)
            after.append(kept)
        return y, tuple(after)
