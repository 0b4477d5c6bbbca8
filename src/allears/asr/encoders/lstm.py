"""The encoder of the first neural transducers: LSTMs (Graves 2012), and nothing else."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from allears.nn.lstm import LstmLayers, LstmState


@dataclass(frozen=True, slots=True)
class LstmConfig:
    """With `residual` every layer but the first adds to what it is given."""

    inputs: int
    width: int = 256
    layers: int = 3
    dropout: float = 0.1
    residual: bool = True


class Lstm(nn.Module):
    """Layers of LSTM, normalised per frame."""

    def __init__(self, config: LstmConfig) -> None:
        super().__init__()
        self.width = config.width
        self.layers = LstmLayers(
            config.inputs, config.width, config.layers, config.dropout, residual=config.residual
        )

    def initial_state(self, batch: int) -> LstmState:
        """Before the first frame."""
        return self.layers.initial_state(batch)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: LstmState
    ) -> tuple[Float[Tensor, "batch time width"], LstmState]:
        """All frames of `x`."""
        found: tuple[Tensor, LstmState] = self.layers(x, state)
        return found
