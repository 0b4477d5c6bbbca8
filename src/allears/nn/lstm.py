"""Long short-term memory (Hochreiter and Schmidhuber 1997) in layers that stream."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from allears.nn.dropout import Dropout


class LstmState(NamedTuple):
    """(batch, layers, width) each."""

    hidden: Tensor
    cell: Tensor


class LstmLayers(nn.Module):
    """`layers` LSTMs, each normalised per frame; with `residual` all but the first add to what they are given.

    Where others stand before them (`follows`), `inputs` being their width, the first adds, too.
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        layers: int,
        dropout: float = 0.0,
        *,
        residual: bool = True,
        follows: bool = False,
    ) -> None:
        super().__init__()
        self.width, self.layers = width, layers
        self.adding = [residual and (follows or index > 0) for index in range(layers)]
        self.recurrences = nn.ModuleList(
            _recurrence(width if index else inputs, width) for index in range(layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.dropout = Dropout(dropout)

    def initial_state(self, batch: int) -> LstmState:
        """Zeros before the first frame."""
        zeros = next(self.parameters()).new_zeros(batch, self.layers, self.width)
        return LstmState(zeros, zeros)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: LstmState
    ) -> tuple[Float[Tensor, "batch time width"], LstmState]:
        """All frames of `x`, at least one."""
        hidden, cell = [], []
        for index, (recurrence, norm) in enumerate(zip(self.recurrences, self.norms, strict=True)):
            # Of (batch, layers, width) the one layer, as torch has it: (1, batch, width).
            before = tuple(each[:, index].contiguous()[None] for each in state)
            y, after = recurrence(x, before)
            y = self.dropout(norm(y))
            x = x + y if self.adding[index] else y
            hidden.append(after[0][0])
            cell.append(after[1][0])
        return x, LstmState(torch.stack(hidden, 1), torch.stack(cell, 1))


def _recurrence(inputs: int, width: int) -> nn.LSTM:
    """One layer; it begins by keeping what it holds (Jozefowicz et al. 2015)."""
    layer = nn.LSTM(inputs, width, batch_first=True)
    weights = {name: weight.detach() for name, weight in layer.named_parameters()}
    nn.init.xavier_uniform_(weights["weight_ih_l0"])
    for gate in weights["weight_hh_l0"].chunk(4):
        nn.init.orthogonal_(gate)
    for bias in (weights["bias_ih_l0"], weights["bias_hh_l0"]):
        nn.init.zeros_(bias)
    nn.init.ones_(weights["bias_ih_l0"][width : 2 * width])
    return layer
