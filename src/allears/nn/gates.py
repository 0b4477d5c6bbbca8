"""Switches that are learnt: open or closed for each frame, by what a small network says of it.

In training a switch is drawn (Gumbel-sigmoid: Jang et al. 2017, Maddison et al. 2017) and its gradient is that
of the soft draw (straight-through: Bengio et al. 2013); otherwise it is open above a threshold.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

OPEN = 2.0
"""Logit that all switches begin with: as good as open."""


class Gates(nn.Module):
    """Logits to 0 or 1. `threshold` may be set at any time; `temperature` is of the draws in training."""

    def __init__(self, threshold: float = 0.0) -> None:
        super().__init__()
        self.threshold, self.temperature = threshold, 1.0

    def forward(self, logits: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """One for each logit."""
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        drawn = logits + _logistic(logits) if self.training else logits - self.threshold
        hard = (drawn > 0).to(logits.dtype)
        if not torch.is_grad_enabled():
            return hard
        soft = (drawn / self.temperature).sigmoid()
        return hard + (soft - soft.detach())


class Arbitrator(nn.Module):
    """Two layers that say of each frame which of `switches` components it needs."""

    def __init__(self, inputs: int, hidden: int, switches: int, threshold: float = 0.0) -> None:
        super().__init__()
        self.look, self.judge = nn.Linear(inputs, hidden), nn.Linear(hidden, switches)
        self.gates = Gates(threshold)
        nn.init.xavier_uniform_(self.look.weight)
        nn.init.xavier_uniform_(self.judge.weight)
        nn.init.zeros_(self.look.bias)
        nn.init.constant_(self.judge.bias, OPEN)

    def forward(self, x: Float[Tensor, "*shape inputs"]) -> Float[Tensor, "*shape switches"]:
        """0 or 1 for each component."""
        switched: Tensor = self.gates(self.judge(self.look(x).relu()))
        return switched


def _logistic(like: Tensor) -> Tensor:
    """The difference of two Gumbel draws."""
    uniform = torch.rand_like(like).clamp(1e-6, 1 - 1e-6)
    return uniform.logit()
