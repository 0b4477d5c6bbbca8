"""Dropout (Srivastava et al. 2014) of which the drawing costs little on a processor.

torch draws a number for each value there, and that takes a fifth of the time of a small network's training; a byte
each is enough.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

_SIDES = 256


class Dropout(nn.Module):
    """In training a `share` of the values, to the next 1/256, is 0 and the others are greater by as much."""

    def __init__(self, share: float) -> None:
        super().__init__()
        if not 0 <= share < 1:
            raise ValueError(f"dropout of {share}")
        self.dropped = min(_SIDES - 1, round(share * _SIDES))

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """`x`, and without training nothing else."""
        if not self.training or not self.dropped:
            return x
        scale = x.new_tensor(_SIDES / (_SIDES - self.dropped))
        return x * torch.where(_bytes(x) < self.dropped, x.new_zeros(()), scale)


def _bytes(like: Tensor) -> Tensor:
    """Random bytes of this shape, drawn eight at once."""
    draws = torch.empty((like.numel() + 7) // 8, dtype=torch.int64, device=like.device)
    return draws.random_(-(2**63), None).view(torch.uint8)[: like.numel()].view(like.shape)
