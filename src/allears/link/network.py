"""A network that exists only in arithmetic: it loses, delays, reorders and repeats packets."""

import random
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from allears.wire.loss import LossModel


@runtime_checkable
class Network(Protocol):
    """When the packets sent at a time arrive: not at all, once, or more often."""

    def __call__(self, sent: float) -> list[float]:
        """Arrival times in seconds of the packet sent at `sent`."""
        ...


@dataclass(slots=True)
class RandomNetwork:
    """`loss` decides what is lost; the rest arrives after `delay` seconds and an exponential `jitter`.

    `jitter` is the mean of what comes on top of the delay: packets overtake each other where it nears
    their spacing. `reorder` of the packets are held back by `hold` seconds more; `duplicate` of them
    come twice.
    """

    loss: LossModel
    rng: random.Random
    delay: float = 0.0
    jitter: float = 0.0
    reorder: float = 0.0
    hold: float = 0.03
    duplicate: float = 0.0

    def __call__(self, sent: float) -> list[float]:
        """Arrival times in seconds of the packet sent at `sent`."""
        if self.loss():
            return []
        copies = 2 if self._happens(self.duplicate) else 1
        return [self._arrival(sent) for _ in range(copies)]

    def _arrival(self, sent: float) -> float:
        late = self.rng.expovariate(1 / self.jitter) if self.jitter else 0.0
        return sent + self.delay + late + (self.hold if self._happens(self.reorder) else 0.0)

    def _happens(self, probability: float) -> bool:
        # No number is drawn where nothing can happen, so that one setting does not move another's luck.
        return probability > 0 and self.rng.random() < probability
