"""The predictor of libopus' neural concealment (1.5 and later), in torch: what a voice says next.

Each 10 ms it is given 36 Burg cepstra and 20 features of what was heard, or zeros in place of what was not,
and a mark (1 heard, −1 features alone, 0 neither); it answers with the next 20 features.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from allears.nn.layers import Gru

GIVEN = 36 + 20 + 1
FEATURES = 20
_SIZE = 192


class PredictorState(NamedTuple):
    """What both GRUs remember, (batch, 192) each."""

    first: Tensor
    second: Tensor


class Predictor(nn.Module):
    """A dense layer, two GRUs, a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(GIVEN, 128)
        self.first = Gru(128, _SIZE)
        self.second = Gru(_SIZE, _SIZE)
        self.output = nn.Linear(_SIZE, FEATURES)

    def initial_state(self, batch: int) -> PredictorState:
        """Before the first frame."""
        return PredictorState(self.first.initial_state(batch), self.second.initial_state(batch))

    def forward(
        self, x: Float[Tensor, "batch frames 57"], state: PredictorState
    ) -> tuple[Float[Tensor, "batch frames 20"], PredictorState]:
        """The features expected after each frame."""
        y, first = self.first(torch.tanh(self.dense(x)), state.first)
        y, second = self.second(y, state.second)
        return self.output(y), PredictorState(first, second)
