"""The feed-forward half of a Transformer's block."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from allears.nn.dropout import Dropout


class FeedForward(nn.Module):
    """Wider by `expansion`, swish, and back (Vaswani et al. 2017; Ramachandran et al. 2017)."""

    def __init__(self, width: int, expansion: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.widen = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)
        self.dropout = Dropout(dropout)
        for layer in (self.widen, self.narrow):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Float[Tensor, "*shape width"]) -> Float[Tensor, "*shape width"]:
        """Each frame by itself."""
        found: Tensor = self.narrow(self.dropout(functional.silu(self.widen(x))))
        return found
