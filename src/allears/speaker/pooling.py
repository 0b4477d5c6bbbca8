"""Attentive statistics of a stream: one vector of all that was heard, to be had at any moment.

Okabe et al., "Attentive statistics pooling for deep speaker embedding", Interspeech 2018, with an attention of
each channel's own (Desplanques et al. 2020) that looks at one frame at a time: a frame's weight is then known when
it is heard, and what is remembered is as large after hours as after a second. Means and squares of differences
are joined as Chan, Golub and LeVeque 1979 have it, weights kept relative to the largest so far.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

_LEAST = 1e-5
"""Variance below which a channel's deviation says nothing."""
_FLOOR = -1e30


class PoolState(NamedTuple):
    """Each (batch, channels): the largest logit, the sum of weights relative to it, mean, squared differences.

    Zeros where nothing was heard.
    """

    peak: Tensor
    weight: Tensor
    mean: Tensor
    spread: Tensor


class AttentiveStatistics(nn.Module):
    """`layer(x, weights, state) -> state`; `statistics(state)` is what was heard so far."""

    def __init__(self, channels: int, bottleneck: int) -> None:
        super().__init__()
        self.channels = channels
        self.look = nn.Linear(channels, bottleneck)
        self.attend = nn.Linear(bottleneck, channels)

    def initial_state(self, batch: int) -> PoolState:
        """Nothing was heard."""
        zeros = self.attend.weight.new_zeros(batch, self.channels)
        return PoolState(zeros, zeros, zeros, zeros)

    def forward(
        self,
        x: Float[Tensor, "batch time channels"],
        weights: Float[Tensor, "batch time"],
        state: PoolState,
    ) -> PoolState:
        """After the frames of `x`, each counted by its weight from 0 up: at 0 as if it were not there."""
        logits = self.attend(torch.tanh(self.look(x)))
        return _joined(_of(_single(x), _single(logits), weights[..., None]), state)

    def statistics(self, state: PoolState) -> Float[Tensor, "batch twice_channels"]:
        """Means, then deviations; zeros and next to none where nothing was heard."""
        variance = state.spread / state.weight.clamp(min=1e-30)
        return torch.cat((state.mean, (variance + _LEAST).sqrt()), 1)


def _single(x: Tensor) -> Tensor:
    """In single precision at least."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _of(x: Tensor, logits: Tensor, weights: Tensor) -> PoolState:
    """What frames are by themselves."""
    counted = torch.where(weights > 0, logits, logits.new_full((), _FLOOR))
    peak = counted.detach().amax(1)
    share = weights * torch.exp((counted - peak[:, None]).clamp(max=0))
    weight = share.sum(1)
    share = share / weight.clamp(min=1e-30)[:, None]
    mean = (share * x).sum(1)
    spread = weight * (share * (x - mean[:, None]) ** 2).sum(1)
    return PoolState(peak, weight, mean, spread)


def _joined(new: PoolState, old: PoolState) -> PoolState:
    """Both together; one without weight changes nothing."""
    peak = torch.maximum(_known(new), _known(old))
    mine = new.weight * torch.exp((_known(new) - peak).clamp(max=0))
    theirs = old.weight * torch.exp((_known(old) - peak).clamp(max=0))
    weight = mine + theirs
    part = mine / weight.clamp(min=1e-30)
    apart = new.mean - old.mean
    spread = new.spread * _ratio(mine, new.weight) + old.spread * _ratio(theirs, old.weight)
    return PoolState(
        torch.where(weight > 0, peak, torch.zeros_like(peak)),
        weight,
        old.mean + part * apart,
        spread + part * theirs * apart**2,
    )


def _known(state: PoolState) -> Tensor:
    """The peak; far below all others where nothing was heard."""
    return torch.where(state.weight > 0, state.peak, state.peak.new_full((), _FLOOR))


def _ratio(scaled: Tensor, whole: Tensor) -> Tensor:
    return scaled / whole.clamp(min=1e-30)
