"""States of many streams in one batch: joined while they go together, taken apart when one goes alone.

A state is a tuple of arrays, batch first, or of such tuples. What a stream holds is its share of a batch, so
that streams which go on together are neither copied apart nor together again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T", bound=tuple[object, ...])


@dataclass(frozen=True, slots=True)
class Share(Generic[T]):
    """The state of stream `index` of the `size` in a batch."""

    whole: T
    index: int = 0
    size: int = 1

    @property
    def alone(self) -> T:
        """That state as a batch of one."""
        return self.whole if self.size == 1 else alone(self.whole, self.index)


def gather(shares: Sequence[Share[T]]) -> T:
    """The batch of these streams in this order."""
    first = shares[0]
    if len(shares) == first.size and all(
        each.whole is first.whole and each.index == index for index, each in enumerate(shares)
    ):
        return first.whole
    return joined([each.alone for each in shares])


def scatter(whole: T, size: int) -> list[Share[T]]:
    """Each stream's share of a batch."""
    return [Share(whole, index, size) for index in range(size)]


def joined(states: Sequence[T]) -> T:
    """The states of several batches as that of one: arrays end to end along their first dimension."""
    if len(states) == 1:
        return states[0]
    return _built(states[0], [_joined(parts) for parts in zip(*states, strict=True)])


def alone(state: T, index: int) -> T:
    """The state of one stream of a batch, as a batch of one."""
    return _built(state, [_alone(part, index) for part in state])


def _joined(parts: tuple[object, ...]) -> object:
    if isinstance(parts[0], tuple):
        return joined(parts)  # type: ignore[type-var, unused-ignore]
    return np.concatenate([np.asarray(part) for part in parts])


def _alone(part: object, index: int) -> object:
    if isinstance(part, tuple):
        return alone(part, index)
    return part[index : index + 1]  # type: ignore[index, unused-ignore]


def _built(like: T, parts: list[object]) -> T:
    """A tuple, plain or named, as `like` is."""
    make: Callable[[list[object]], T] = getattr(like, "_make", tuple)  # type: ignore[arg-type]
    return make(parts)
