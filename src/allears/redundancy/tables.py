"""The quantiser of latents and states, as training learns it: four numbers per level and dimension.

A value x becomes u − δ·tanh(u / (δ + 0.1)) with u = x·scale, rounded; δ is the dead zone. What it
costs is modelled by a zero of probability p0 and two-sided geometric magnitudes of decay r (Valin et
al. 2023).
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

LEVELS = 16


class Quantiser(nn.Module):
    """Learned scales, dead zones and probabilities for vectors of `size` at 16 levels."""

    def __init__(self, size: int, finest: float, coarsest: float) -> None:
        super().__init__()
        steps = torch.linspace(math.log(finest), math.log(coarsest), LEVELS)[:, None]
        self.log_scale = nn.Parameter(steps.expand(LEVELS, size).clone())
        zones = torch.linspace(-2.5, 0.0, LEVELS)[:, None]
        self.zone = nn.Parameter(zones.expand(LEVELS, size).clone())
        decay = torch.linspace(1.5, -2.0, LEVELS)[:, None]
        self.decay = nn.Parameter(decay.expand(LEVELS, size).clone())
        self.theta = nn.Parameter(torch.zeros(LEVELS, size))

    def scales(self) -> Float[Tensor, "levels size"]:
        """Multipliers before rounding, below one."""
        return self.log_scale.clamp(max=-1 / 256, min=math.log(1 / 256)).exp()

    def compress(
        self, x: Float[Tensor, "*shape size"], level: Int[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape size"]:
        """`x` scaled, what is near zero drawn to it; not yet rounded."""
        u = x * self.scales()[level]
        zone = torch.sigmoid(self.zone)[level]
        return u - zone * torch.tanh(u / (zone + 0.1))

    def expand(
        self, u: Float[Tensor, "*shape size"], level: Int[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape size"]:
        """What the decoder is given."""
        return u / self.scales()[level]

    def soft_bits(
        self, u: Float[Tensor, "*shape size"], level: Int[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """A smooth estimate: −Σ log2[(1 − r)/(1 + r) · r^|u|]."""
        r = self._decay()[level]
        return -(torch.log2((1 - r) / (1 + r)) + u.abs() * torch.log2(r)).sum(-1)

    def hard_bits(
        self, u: Float[Tensor, "*shape size"], level: Int[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """What the rounded values cost: p0 = 1 − r^(0.5 + 0.5·θ) for zero."""
        r = self._decay()[level]
        zero = 1 - r ** (0.5 + 0.5 * torch.sigmoid(self.theta)[level])
        size = u.detach().round().abs()
        other = torch.log2(0.5 * (1 - zero) * (1 - r) + 1e-9) + (size - 1) * torch.log2(r)
        return -torch.where(size == 0, torch.log2(zero + 1e-9), other).sum(-1)

    def _decay(self) -> Tensor:
        return 0.002 + 0.99 * torch.sigmoid(self.decay)
