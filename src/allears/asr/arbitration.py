"""What an amortised Transformer is taught beside the words: to spend no more than a share of the computation.

The cost of a batch is Σ_t Σ_i c_i·g_ti through T·Σ_i c_i: c_i are multiply-adds of a component, g_ti is 1 where
it is open, what is never closed counts as a component that is always open, and padding does not count.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from allears.asr.encoders.amortised import Amortised, Costs


@dataclass(frozen=True, slots=True)
class Thrift:
    """How computation is priced over a training of `batches`.

    With a `target` the loss of each utterance grows by weight · max(0, C − C*)², where C* falls from 1 to the
    target during the first `easing` of the training; without, by weight · C. Temperatures of draws fall from
    the first of `temperatures` to the second, at an even rate.
    """

    batches: int
    target: float | None = 0.4
    weight: float = 30.0
    easing: float = 0.4
    temperatures: tuple[float, float] = (1.0, 0.3)

    def temperature(self, number: int) -> float:
        """In batch `number`."""
        first, last = self.temperatures
        share = min(1.0, number / self.batches)
        return float(first * (last / first) ** share)

    def price(self, cost: Tensor, number: int) -> Tensor:
        """What a cost adds to a loss in batch `number`."""
        if self.target is None:
            return self.weight * cost
        eased = min(1.0, number / max(1.0, self.easing * self.batches))
        return self.weight * (cost - (1 - (1 - self.target) * eased)).clamp(min=0) ** 2


class Arbitration:
    """The `asr.task.Extra` that prices what an encoder computes; it listens to the encoder from now on."""

    def __init__(self, encoder: Amortised, thrift: Thrift) -> None:
        self._encoder, self._thrift, self._number = encoder, thrift, 0
        self._listening = Listening(encoder)
        self._listening.__enter__()

    def begin(self, number: int) -> None:
        """Before batch `number`."""
        self._number = number
        self._listening.heard.clear()
        for gates in self._encoder.gates:
            gates.temperature = self._thrift.temperature(number)

    def losses(self, frames: Int[Tensor, " batch"]) -> tuple[Tensor, Mapping[str, float]]:
        """What is added to each utterance's loss, (); the cost to show."""
        found = cost(self._encoder.costs(), self._listening.heard, frames)
        return self._thrift.price(found, self._number), {"cost": found.item()}


class Listening(AbstractContextManager["Listening"]):
    """While entered, `heard` is the switches of each block, (batch, time, components), one pass after another."""

    def __init__(self, encoder: Amortised) -> None:
        self.heard: list[Tensor] = []
        self._encoder = encoder
        self._hooks: list[RemovableHandle] = []

    def __enter__(self) -> "Listening":
        self._hooks = [
            gates.register_forward_hook(lambda _module, _inputs, found: self.heard.append(found))
            for gates in self._encoder.gates
        ]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for hook in self._hooks:
            hook.remove()


def cost(
    costs: Costs,
    switches: Sequence[Float[Tensor, "batch time _"]],
    frames: Int[Tensor, " batch"],
) -> Float[Tensor, ""]:
    """Of all open components in the first `frames` of each utterance, as a share of everything always open."""
    every = torch.cat(list(switches), 2).float()
    real = torch.arange(every.shape[1])[None] < frames[:, None].cpu()
    prices = torch.tensor(costs.components, dtype=torch.float32, device=every.device)
    spent = (every @ prices * real.to(every)).sum() / float(frames.sum())
    return (costs.fixed + spent) / costs.whole


@torch.inference_mode()
def open_shares(
    model: Any, mels: Sequence[Float[Tensor, "time bands"]]
) -> tuple[float, Float[Tensor, " components"]]:
    """The cost C of a transducer's encoder on recordings, and how often each component is open."""
    encoder, stack = model.encoder, model.config.stack
    model.eval()
    opened: Tensor | None = None
    total = 0
    with Listening(encoder) as listening:
        for each in mels:
            listening.heard.clear()
            whole = each[: len(each) // stack * stack]
            model.encode(whole[None], encoder.initial_state(1))
            found = torch.cat(listening.heard, 2)[0].sum(0)
            opened = found if opened is None else opened + found
            total += len(whole) // stack
    assert opened is not None
    shares = opened / total
    costs = encoder.costs()
    spent = costs.fixed + float(shares @ torch.tensor(costs.components, dtype=shares.dtype))
    return spent / costs.whole, shares
