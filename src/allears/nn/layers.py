"""Layers of small streaming networks, in torch: `layer(x, state) -> (y, state)`, batch first.

A layer holds weights only; what it remembers of a stream is handed in and back, so that many streams
join into one batch and split again. Whole sequences and single steps run the same lines. The gates of a
GRU stand in the order update, reset, candidate, as in the released weights of Opus.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from allears.nn.recurrence import Recurrence


class Gru(nn.Module):
    """A gated recurrent unit (Cho et al. 2014), its reset applied after the recurrent product.

    `input` is (3·size, inputs), `recurrent` (3·size, size). State: (batch, size).
    """

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.input = nn.Linear(inputs, 3 * size)
        self.recurrent = nn.Linear(size, 3 * size)
        for gate in self.recurrent.weight.detach().chunk(3):
            nn.init.orthogonal_(gate)

    def initial_state(self, batch: int) -> Tensor:
        """Silence before the first step."""
        return self.input.weight.new_zeros(batch, self.size)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: Float[Tensor, "batch size"]
    ) -> tuple[Float[Tensor, "batch time size"], Float[Tensor, "batch size"]]:
        """All steps of `x`."""
        if x.shape[1] == 1:
            return self._step(x, state)
        states: Tensor = Recurrence.apply(  # type: ignore[no-untyped-call]
            self.input(x).float(), state, self.recurrent.weight, self.recurrent.bias
        )
        return states, states[:, -1]

    def _step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        update, reset, candidate = self.input(x[:, 0]).chunk(3, 1)
        kept_update, kept_reset, kept = self.recurrent(state).chunk(3, 1)
        update = torch.sigmoid(update + kept_update)
        candidate = torch.tanh(candidate + torch.sigmoid(reset + kept_reset) * kept)
        state = candidate + update * (state - candidate)
        return state[:, None], state


class CausalConv(nn.Module):
    """A convolution over time that looks `(kernel − 1) · dilation` steps back and none ahead.

    State: those last inputs, (batch, steps, inputs), the oldest first.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.inputs, self.kernel, self.dilation = inputs, kernel, dilation
        self.weight = nn.Linear(kernel * inputs, outputs)

    def initial_state(self, batch: int) -> Tensor:
        """Zeros before the first step."""
        return self.weight.weight.new_zeros(batch, (self.kernel - 1) * self.dilation, self.inputs)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: Float[Tensor, "batch back inputs"]
    ) -> tuple[Float[Tensor, "batch time outputs"], Float[Tensor, "batch back inputs"]]:
        """All steps of `x`."""
        steps = x.shape[1]
        whole = torch.cat((state, x), 1)
        taps = [whole[:, tap * self.dilation :][:, :steps] for tap in range(self.kernel)]
        return self.weight(torch.cat(taps, 2)), whole[:, steps:]


class Glu(nn.Module):
    """A gated linear unit on itself: x · σ(W x)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.gate = nn.Linear(size, size)

    def forward(self, x: Float[Tensor, "*shape size"]) -> Float[Tensor, "*shape size"]:
        """`x`, gated."""
        return x * torch.sigmoid(self.gate(x))
