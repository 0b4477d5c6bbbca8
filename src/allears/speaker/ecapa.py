"""Voices as vectors: ECAPA-TDNN, so that it hears a stream.

Desplanques et al., "ECAPA-TDNN: Emphasized channel attention, propagation and aggregation in TDNN based speaker
verification", Interspeech 2020. Other than there, convolutions are causal, squeeze-excitation and attention know
what was heard so far, three log-mel frames are stacked to one of 30 ms, and sizes are a fraction. Of each band the
mean of what was heard is subtracted, as far as enough was heard to know it.
"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from allears.nn.conv import MeanState, SqueezeExcite
from allears.nn.layers import CausalConv
from allears.speaker.pooling import AttentiveStatistics, PoolState


@dataclass(frozen=True, slots=True)
class EcapaConfig:
    """Sizes: `width` channels in blocks of dilated convolutions, `pooled` of which statistics are taken.

    `settled` are frames of 10 ms after which half of a band's mean is subtracted; 0 subtracts nothing.
    """

    bands: int = 64
    stack: int = 3
    width: int = 256
    kernel: int = 3
    dilations: tuple[int, ...] = (1, 2, 3)
    scale: int = 4
    reduction: int = 4
    pooled: int = 384
    bottleneck: int = 64
    size: int = 192
    settled: int = 100

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


class Centring(nn.Module):
    """Less the mean of all frames so far, as if `settled` frames of zeros had been heard before."""

    def __init__(self, bands: int, settled: float) -> None:
        super().__init__()
        self.bands, self.settled = bands, settled
        self.register_buffer("zero", torch.zeros(()), persistent=False)
        self.zero: Tensor

    def initial_state(self, batch: int) -> MeanState:
        """Nothing was heard."""
        return MeanState(self.zero.new_zeros(batch, self.bands), self.zero.new_zeros(batch))

    def forward(
        self, x: Float[Tensor, "batch time bands"], state: MeanState
    ) -> tuple[Float[Tensor, "batch time bands"], MeanState]:
        """All frames of `x`."""
        counts = state.frames[:, None] + torch.ones_like(x[0, :, 0]).cumsum(0)
        sums = state.held[:, None] + x.cumsum(1)
        after = MeanState(sums[:, -1], counts[:, -1])
        return x - sums / (counts + self.settled)[..., None], after


class Norm(nn.Module):
    """Batch normalisation of channels over the frames of all streams (Ioffe and Szegedy 2015)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: Float[Tensor, "*shape channels"]) -> Float[Tensor, "*shape channels"]:
        """Frames, normalised."""
        y: Tensor = self.norm(x.reshape(-1, x.shape[-1]))
        return y.view(x.shape)


class Dilated(nn.Module):
    """Convolutions in a row over parts of the channels, each hearing what the one before made.

    Gao et al., "Res2Net: A new multi-scale backbone architecture", 2019.
    """

    def __init__(self, width: int, kernel: int, dilation: int, scale: int) -> None:
        super().__init__()
        self.part = width // scale
        self.convs = nn.ModuleList(
            CausalConv(self.part, self.part, kernel, dilation) for _ in range(scale - 1)
        )
        self.norms = nn.ModuleList(Norm(self.part) for _ in range(scale - 1))

    def initial_state(self, batch: int) -> tuple[Tensor, ...]:
        """Zeros before the first frame."""
        convs: Any = self.convs
        return tuple(each.initial_state(batch) for each in convs)

    def forward(
        self, x: Float[Tensor, "batch time width"], state: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "batch time width"], tuple[Tensor, ...]]:
        """All frames of `x`."""
        first, *others = x.split(self.part, 2)
        found, after, heard = [first], [], None
        for part, conv, norm, before in zip(others, self.convs, self.norms, state, strict=True):
            given = part if heard is None else part + heard
            made, kept = conv(given, before)
            heard = norm(torch.relu(made))
            found.append(heard)
            after.append(kept)
        return torch.cat(found, 2), tuple(after)


class BlockState(NamedTuple):
    """Of the convolutions, and of the mean that weights channels."""

    dilated: tuple[Tensor, ...]
    excite: MeanState


class Block(nn.Module):
    """SE-Res2Block: channels mixed, heard over time, mixed again, weighted, and added to what came in."""

    def __init__(self, config: EcapaConfig, dilation: int) -> None:
        super().__init__()
        width = config.width
        self.inward, self.outward = nn.Linear(width, width), nn.Linear(width, width)
        self.before, self.after = Norm(width), Norm(width)
        self.dilated = Dilated(width, config.kernel, dilation, config.scale)
        self.excite = SqueezeExcite(width, config.reduction)

    def initial_state(self, batch: int) -> BlockState:
        """Before the first frame."""
        return BlockState(self.dilated.initial_state(batch), self.excite.initial_state(batch))

    def forward(
        self, x: Float[Tensor, "batch time width"], state: BlockState
    ) -> tuple[Float[Tensor, "batch time width"], BlockState]:
        """All frames of `x`."""
        y, dilated = self.dilated(self.before(torch.relu(self.inward(x))), state.dilated)
        y, excite = self.excite(self.after(torch.relu(self.outward(y))), state.excite)
        return x + y, BlockState(dilated, excite)


class EcapaState(NamedTuple):
    """All that is remembered of a batch of streams."""

    centre: MeanState
    front: Tensor
    blocks: tuple[BlockState, ...]
    pool: PoolState


class Ecapa(nn.Module):
    """`model(mels, state, weights) -> (embedding, state)`: the voice in all that was heard so far."""

    def __init__(self, config: EcapaConfig) -> None:
        super().__init__()
        self.config = config
        self.centre = Centring(config.bands * config.stack, config.settled / config.stack)
        self.front = CausalConv(config.bands * config.stack, config.width, config.kernel)
        self.begun = Norm(config.width)
        self.blocks = nn.ModuleList(Block(config, each) for each in config.dilations)
        self.mix = nn.Linear(len(config.dilations) * config.width, config.pooled)
        self.pool = AttentiveStatistics(config.pooled, config.bottleneck)
        self.pooled = nn.BatchNorm1d(2 * config.pooled)
        self.embed = nn.Linear(2 * config.pooled, config.size)
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(config.bands))
        self.register_buffer("scale", torch.ones(config.bands))

    def normalise(self, mean: Float[Tensor, " bands"], deviation: Float[Tensor, " bands"]) -> None:
        """Frames of this mean and deviation become such of 0 and 1."""
        self.mean.copy_(mean)
        self.scale.copy_(1 / deviation)

    def initial_state(self, batch: int) -> EcapaState:
        """Nothing was heard."""
        blocks: Any = self.blocks
        return EcapaState(
            self.centre.initial_state(batch),
            self.front.initial_state(batch),
            tuple(each.initial_state(batch) for each in blocks),
            self.pool.initial_state(batch),
        )

    def forward(
        self,
        mels: Float[Tensor, "batch time bands"],
        state: EcapaState | None = None,
        weights: Float[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch size"], EcapaState]:
        """The embedding after these frames, not of length 1 yet; `time` is a multiple of `stack`.

        What a frame counts is its weight, from 0 up; 1 without weights. A frame of 0 is heard in passing by
        those after it, so leave out what is not to be heard at all.
        """
        state = self.initial_state(len(mels)) if state is None else state
        weights = torch.ones_like(mels[:, :, 0]) if weights is None else weights
        hidden, state = self._heard(mels, state)
        counts = weights.reshape(weights.shape[0], -1, self.config.stack).mean(2)
        pool = self.pool(hidden, counts, state.pool)
        return self.embedding(pool), state._replace(pool=pool)

    def embedding(self, pool: PoolState) -> Float[Tensor, "batch size"]:
        """The voice in what was pooled."""
        found: Tensor = self.embed(self.pooled(self.pool.statistics(pool)))
        return found

    def _heard(self, mels: Tensor, state: EcapaState) -> tuple[Tensor, EcapaState]:
        batch, time, bands = mels.shape
        stack = self.config.stack
        frames = ((mels - self.mean) * self.scale).reshape(batch, time // stack, stack * bands)
        centre = state.centre
        if self.config.settled:
            frames, centre = self.centre(frames, centre)
        x, front = self.front(frames, state.front)
        x = self.begun(torch.relu(x))
        found, after = [], []
        for block, before in zip(self.blocks, state.blocks, strict=True):
            x, kept = block(x, before)
            found.append(x)
            after.append(kept)
        hidden = torch.relu(self.mix(torch.cat(found, 2)))
        return hidden, EcapaState(centre, front, tuple(after), state.pool)
