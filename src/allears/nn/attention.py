"""Causal attention of streams: several heads, a limited past, and positions that are relative.

Keys are kept as they were rotated (rotary positions, Su et al. 2021), so that a frame rotates only itself. All
wavelengths divide one period; a stream's clock counts modulo that, and never grows beyond what is exact. What
follows from the clock alone is the same in all layers: `Positions` says it once, to each `Attention`.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

PERIOD = 4096
"""Frames after which positions repeat; no past may be longer than half of it."""

_SHORTEST = 2 * math.pi
"""Frames of the fastest rotation."""


class Around(NamedTuple):
    """How far each is turned, (batch, time, 1, size / 2); where it looks, (batch, 1, time, keys): 0, else −∞."""

    cosine: Tensor
    sine: Tensor
    seen: Tensor


class Positions(nn.Module):
    """For layers of attention with heads `size` wide, each frame of which sees itself and `past` before it.

    State: the clock, frames so far, (batch,) int64; in the second period or later it is set back to the second.
    """

    def __init__(self, size: int, past: int) -> None:
        super().__init__()
        if past > PERIOD // 2 or size % 2:
            raise ValueError(f"a past of {past} frames and heads of {size}")
        self.past = past
        self.turns: Tensor
        self.register_buffer("turns", _turns(size // 2), persistent=False)

    def initial_state(self, batch: int) -> Int[Tensor, " batch"]:
        """Before the first frame."""
        return self.turns.new_zeros(batch)

    def forward(
        self, x: Float[Tensor, "batch time width"], clock: Int[Tensor, " batch"]
    ) -> tuple[Around, Int[Tensor, " batch"]]:
        """For all frames of `x`, whatever is in them."""
        frames = x.shape[1]
        times = clock[:, None] + torch.arange(frames, device=clock.device)
        parts = (times[..., None] % PERIOD * self.turns) % PERIOD
        angles = (parts.to(x.dtype) * (2 * math.pi / PERIOD))[:, :, None]
        hidden = ~seen(clock, frames, self.past)[:, None]
        shown = torch.zeros_like(hidden, dtype=x.dtype).masked_fill(hidden, -torch.inf)
        after = clock + frames
        after = torch.where(after < 2 * PERIOD, after, PERIOD + after % PERIOD)
        return Around(angles.cos(), angles.sin(), shown), after


class AttentionState(NamedTuple):
    """Keys, rotated, and values, (batch, past, heads · size), the oldest first."""

    keys: Tensor
    values: Tensor


class Attention(nn.Module):
    """Each frame looks at itself and at the `past` frames before it.

    `attend` gives the heads apart, for what weighs or switches them; `forward` mixes them by `mix`.
    """

    def __init__(self, width: int, heads: int, size: int, past: int) -> None:
        super().__init__()
        self.heads, self.size, self.past = heads, size, past
        self.ask = nn.Linear(width, 3 * heads * size)
        self.mix = nn.Linear(heads * size, width)
        for part in self.ask.weight.detach().chunk(3):
            nn.init.xavier_uniform_(part)
        nn.init.xavier_uniform_(self.mix.weight)
        nn.init.zeros_(self.ask.bias)
        nn.init.zeros_(self.mix.bias)

    def initial_state(self, batch: int) -> AttentionState:
        """Nothing to look at."""
        kept = self.ask.weight.new_zeros(batch, self.past, self.heads * self.size)
        return AttentionState(kept, kept)

    def forward(
        self, x: Float[Tensor, "batch time width"], state: AttentionState, around: Around
    ) -> tuple[Float[Tensor, "batch time width"], AttentionState]:
        """All frames of `x`, of which `around` is by `Positions` of the same size and past."""
        found, state = self.attend(x, state, around)
        mixed: Tensor = self.mix(found.flatten(2))
        return mixed, state

    def attend(
        self, x: Float[Tensor, "batch time width"], state: AttentionState, around: Around
    ) -> tuple[Float[Tensor, "batch time heads size"], AttentionState]:
        """What each head found at each frame."""
        frames = x.shape[1]
        asked = self.ask(x).unflatten(2, (3 * self.heads, self.size))
        turning, value = asked.split((2 * self.heads, self.heads), 2)
        query, key = rotated(turning, around).chunk(2, 2)
        keys = torch.cat((state.keys, key.flatten(2)), 1)
        values = torch.cat((state.values, value.flatten(2)), 1)
        found = functional.scaled_dot_product_attention(
            query.transpose(1, 2), self._apart(keys), self._apart(values), around.seen
        )
        return found.transpose(1, 2), AttentionState(keys[:, frames:], values[:, frames:])

    def _apart(self, x: Tensor) -> Tensor:
        """(batch, heads, time, size)."""
        apart: Tensor = x.unflatten(2, (self.heads, self.size))
        return apart.transpose(1, 2)


def rotated(
    x: Float[Tensor, "batch time heads size"], around: Around
) -> Float[Tensor, "batch time heads size"]:
    """Pairs, one of either half, turned."""
    one, other = x.chunk(2, 3)
    cosine, sine = around.cosine, around.sine
    return torch.cat((one * cosine - other * sine, one * sine + other * cosine), 3)


def seen(clock: Int[Tensor, " batch"], frames: int, past: int) -> Bool[Tensor, "batch time keys"]:
    """Which of `past` kept frames and of the new ones each new frame looks at: `past` before it, if there were."""
    key = torch.arange(past + frames, device=clock.device)
    query = torch.arange(frames, device=clock.device)[:, None]
    band = (key >= query) & (key <= query + past)
    return band & (key >= past - clock[:, None, None])


def _turns(count: int) -> Int[Tensor, " count"]:
    """How often each pair turns in a period, from the fastest to once."""
    fastest = PERIOD / _SHORTEST
    shares = torch.arange(count, dtype=torch.float64) / max(1, count - 1)
    return (fastest ** (1 - shares)).round().to(torch.int64)
