"""Where figures are drawn: an axis of word error rates, and intervals along it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from allears.score.bootstrap import Estimate


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high`, with a line at every `step`."""

    low: float
    high: float
    step: float

    @property
    def ticks(self) -> list[float]:
        """Where its lines are."""
        first, last = (
            math.ceil(self.low / self.step - 1e-9),
            math.floor(self.high / self.step + 1e-9),
        )
        return [each * self.step for each in range(first, last + 1)]

    def at(self, value: float) -> float:
        """Per cent of its length; its ends for what is beyond them."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)

    def beyond(self, value: float) -> bool:
        """Whether it is too short for a value."""
        return value > self.high * (1 + 1e-9) or value < self.low - 1e-9


def axis(estimates: Sequence[Estimate], lines: int = 5) -> Axis:
    """From 0 (rates) or the least (differences) to the greatest; no interval makes it longer than twice that."""
    values = [each.value for each in estimates if math.isfinite(each.value)] or [1.0]
    limit = 2 * max(map(abs, values)) or 1.0
    ends = [end for each in estimates if each.bounded for end in (each.low, each.high)]
    inside = [min(limit, max(-limit, end)) for end in ends]
    low, high = min(0.0, *values, *inside), max(0.0, *values, *inside)
    high = high if high > low else 0.5
    step = _round((high - low) / lines)
    return Axis(step * math.floor(low / step + 1e-9), step * math.ceil(high / step - 1e-9), step)


def _round(size: float) -> float:
    """The next step of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(power * each for each in (1, 2, 5, 10) if power * each >= size * (1 - 1e-9))
