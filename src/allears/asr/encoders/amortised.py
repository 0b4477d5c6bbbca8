"""A causal Transformer that spends computation where it is needed, after "Compute Cost Amortized Transformer for
Streaming ASR" (arXiv 2207.02393): heads of attention and slices of feed-forwards are switched frame by frame.

An arbitrator in each block looks at what enters the block, and with `acoustic` at the encoder's input too. What
is closed adds nothing, and the skip connection carries on. Keys and values are computed for every frame, since
later frames may want them; they count as what is never closed does.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from allears.asr.encoders.transformer import Block, Transformer, TransformerConfig, TransformerState
from allears.nn.attention import Around, AttentionState
from allears.nn.gates import Arbitrator, Gates
from allears.nn.macs import macs_per_frame


@dataclass(frozen=True, slots=True)
class AmortisedConfig:
    """As `TransformerConfig`; `slices` of a feed-forward, `arbitrator` values between an arbitrator's layers.

    A component is open where its logit is above `threshold`.
    """

    inputs: int
    width: int = 144
    layers: int = 8
    heads: int = 4
    size: int = 32
    past: int = 64
    expansion: int = 4
    dropout: float = 0.1
    slices: int = 4
    arbitrator: int = 16
    acoustic: bool = False
    threshold: float = 0.0

    def ungated(self) -> TransformerConfig:
        """The Transformer in which everything is always open."""
        return TransformerConfig(
            self.inputs, self.width, self.layers, self.heads, self.size, self.past,
            self.expansion, self.dropout,
        )  # fmt: skip


class Costs(NamedTuple):
    """Multiply-adds for a frame: of what is always computed, and of each component, blocks end to end."""

    fixed: int
    components: tuple[int, ...]

    @property
    def whole(self) -> int:
        """With everything open."""
        return self.fixed + sum(self.components)


class GatedBlock(Block):
    """Attention, then feed-forward, in parts that are switched; weights are named as an ungated block's."""

    def __init__(self, config: AmortisedConfig) -> None:
        super().__init__(config.ungated())
        self.arbitrator = Arbitrator(
            config.width * (1 + config.acoustic), config.arbitrator,
            config.heads + config.slices, config.threshold,
        )  # fmt: skip
        self.acoustic, self.parts = config.acoustic, (config.heads, config.slices)

    def forward(  # type: ignore[override]
        self,
        x: Float[Tensor, "batch time width"],
        state: AttentionState,
        around: Around,
        heard: Float[Tensor, "batch time width"],
    ) -> tuple[Float[Tensor, "batch time width"], AttentionState]:
        """All frames of `x`; `heard` is what entered the first block."""
        normed = self.before_attention(x)
        seen = torch.cat((normed, heard), 2) if self.acoustic else normed
        heads, slices = self.arbitrator(seen).split(self.parts, 2)
        found, state = self.attention.attend(normed, state, around)
        x = x + self.dropout(_mixed(found, heads, self.attention.mix))
        y = self._forward(self.before_forward(x), slices)
        return x + self.dropout(y), state

    def _forward(self, x: Tensor, slices: Tensor) -> Tensor:
        layers = self.forward_layers
        hidden = functional.silu(layers.widen(x)).unflatten(2, (self.parts[1], -1))
        return _mixed(layers.dropout(hidden), slices, layers.narrow)

    def costs(self) -> tuple[int, ...]:
        """Multiply-adds for a frame of each head (query, scores, mix) and each slice."""
        heads, slices = self.parts
        width, size = self.attention.ask.in_features, self.attention.size
        head = 2 * width * size + 2 * (self.attention.past + 1) * size
        return (head,) * heads + (macs_per_frame(self.forward_layers) // slices,) * slices


class Amortised(Transformer):
    """Gated blocks; the rest, and the names of all weights but the arbitrators', are a Transformer's."""

    def __init__(self, config: AmortisedConfig) -> None:
        super().__init__(config.ungated())
        if config.expansion * config.width % config.slices:
            raise ValueError(f"{config.expansion * config.width} values in {config.slices} slices")
        self.blocks = nn.ModuleList(GatedBlock(config) for _ in range(config.layers))

    @property
    def gates(self) -> list[Gates]:
        """Those of each block."""
        return [block.arbitrator.gates for block in self.blocks]  # type: ignore[union-attr, misc]

    @property
    def threshold(self) -> float:
        """The logit above which a component is open, when not in training; may be set."""
        return self.gates[0].threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        for each in self.gates:
            each.threshold = value

    def costs(self) -> Costs:
        """What a frame costs that sees all of its past."""
        components = tuple(cost for block in self.blocks for cost in block.costs())  # type: ignore[operator]
        return Costs(macs_per_frame(self) - sum(components), components)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: TransformerState
    ) -> tuple[Float[Tensor, "batch time width"], TransformerState]:
        """All frames of `x`."""
        y, after = self.dropout(self.enter(x)), []
        around, clock = self.positions(y, state.clock)
        heard = y
        for block, before in zip(self.blocks, state.blocks, strict=True):
            y, kept = block(y, before, around, heard)
            after.append(kept)
        return self.norm(y), TransformerState(clock, tuple(after))


def _mixed(
    parts: Float[Tensor, "batch time count size"],
    gates: Float[Tensor, "batch time count"],
    mix: nn.Linear,
) -> Float[Tensor, "batch time width"]:
    """What open parts come to; each brings its share of the bias."""
    gates = gates.to(parts.dtype)
    gated = (parts * gates[..., None]).flatten(2)
    weighed = functional.linear(gated, mix.weight)
    return weighed + gates.mean(2, keepdim=True) * mix.bias
