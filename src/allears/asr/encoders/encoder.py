"""What every encoder is to the transducer."""

from typing import Any, Protocol

from jaxtyping import Float
from torch import Tensor

State = Any
"""Tensors, batch first, or NamedTuples of such."""


class Encoder(Protocol):
    """`encoder(x, state) -> (y, state)`: frames in, as many frames out, none of the future looked at.

    It holds weights only. Any number of frames goes in at once and the result is the same, up to rounding;
    streams in one batch do not see each other.
    """

    width: int

    def initial_state(self, batch: int) -> State:
        """Before the first frame."""

    def __call__(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        """All frames of `x`."""
