"""States of layers in torch: joined to a batch and taken apart, as `batch` does with arrays.

A state is a tensor, batch first, or a tuple, plain or named, of states.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor


def joined(states: Sequence[Any]) -> Any:
    """The states of several batches as that of one."""
    first = states[0]
    if isinstance(first, Tensor):
        return torch.cat(list(states))
    return rebuilt(first, [joined(parts) for parts in zip(*states, strict=True)])


def alone(state: Any, index: int) -> Any:
    """The state of one stream of a batch, as a batch of one."""
    if isinstance(state, Tensor):
        return state[index : index + 1]
    return rebuilt(state, [alone(part, index) for part in state])


def tensors(state: Any) -> Iterator[Tensor]:
    """All tensors of a state, in order."""
    if isinstance(state, Tensor):
        yield state
    else:
        for part in state:
            yield from tensors(part)


def filled(like: Any, values: Iterator[Tensor]) -> Any:
    """A state as `like`, with tensors from `values` in the order that `tensors` gives them."""
    if isinstance(like, Tensor):
        return next(values)
    return rebuilt(like, [filled(part, values) for part in like])


def rebuilt(like: Any, parts: list[Any]) -> Any:
    """A tuple, plain or named, as `like` is."""
    make: Callable[[list[Any]], Any] = getattr(like, "_make", tuple)
    return make(parts)
