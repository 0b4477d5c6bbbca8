"""When the next turn comes and whose it is: how long after the last, or before its end, as real labels have it.

A turn is what one speaker says with pauses shorter than `PAUSE`; the gap before a turn is measured from the
latest end of those before it, whose speaker holds the floor, so that gaps below 0 are overlap. How many there
are below 0 is fitted, and a Weibull distribution to either side. Of the families compared it is the one under
which labels of recordings that it was not fitted to are most probable, on the mean over meetings and calls;
`timing.json` has the fits, where they come from and what the others reached.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from allears.corpus.mixtures.rttm import Span
from allears.corpus.recordings import CorpusError

PAUSE = 0.5
"""Seconds of silence from which on a speaker's next words are another turn."""

_PRECISE = 0.005
"""Seconds, half of how precise labels are: shorter gaps count as this long."""
_FEWEST = 3
"""Values to which a shape is fitted."""
_SHAPES = 0.05, 50.0
_ALL = 1 - 1e-12
"""Shares above are as this one, so that no length is infinite."""
_SHIPPED = Path(__file__).with_name("timing.json")


@dataclass(frozen=True, slots=True)
class Weibull:
    """Lengths x ≥ 0 with P(shorter) = 1 − exp(−(x / scale)^shape); of shape 1 it is the exponential one."""

    shape: float
    scale: float

    def __post_init__(self) -> None:
        if not (self.shape > 0 and self.scale > 0):
            raise ValueError(f"shape and scale are above 0, not {self.shape} and {self.scale}")

    def below(self, length: Float[np.ndarray, " *shape"]) -> Float[np.ndarray, " *shape"]:
        """The probability of less; 0 below 0."""
        found: np.ndarray = -np.expm1(-((np.maximum(length, 0) / self.scale) ** self.shape))
        return found

    def at(self, level: float) -> float:
        """What a share `level` (0 to 1) is shorter than."""
        return float(self.scale * (-math.log1p(-min(level, _ALL))) ** (1 / self.shape))

    @classmethod
    def fit(cls, lengths: Float[np.ndarray, " n"]) -> "Weibull":
        """The most probable one; exponential for one or two, and of one second for none."""
        if len(lengths) < _FEWEST:
            return cls(1.0, round(float(lengths.mean()), 4) if len(lengths) else 1.0)
        values = np.maximum(lengths, _PRECISE)
        logs = np.log(values)
        low, high = _SHAPES
        for _ in range(50):  # what is solved rises with the shape
            shape = (low + high) / 2
            weights = np.exp(shape * (logs - logs.max()))
            rises = float(weights @ logs / weights.sum() - 1 / shape - logs.mean())
            low, high = (low, shape) if rises > 0 else (shape, high)
        scale = float((values**shape).mean()) ** (1 / shape)
        return cls(round(shape, 4), round(scale, 4))


@dataclass(frozen=True, slots=True)
class Gaps:
    """A distribution of seconds: a share `overlapping` is −`overlap`, the others are `least` + `silence`."""

    overlapping: float
    overlap: Weibull
    silence: Weibull
    least: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.overlapping <= 1:
            raise ValueError(f"a share is 0 to 1, not {self.overlapping}")

    def below(self, seconds: float | Float[np.ndarray, " *shape"]) -> Float[np.ndarray, " *shape"]:
        """The probability of a shorter gap."""
        place = np.asarray(seconds, np.float64)
        double = self.overlapping * (1 - self.overlap.below(-place))
        pause = (1 - self.overlapping) * self.silence.below(place - self.least)
        found: np.ndarray = double + pause
        return found

    def at(self, level: float, lowest: float = -math.inf, highest: float = math.inf) -> float:
        """The gap that a share `level` (0 to 1) of all between `lowest` and `highest` is shorter than.

        Where there are none between them it is `lowest`.
        """
        low, high = float(self.below(lowest)), float(self.below(highest))
        share = low + level * (high - low)
        if share < self.overlapping:
            gap = -self.overlap.at(1 - share / self.overlapping)
        else:
            rest = 1 - self.overlapping
            gap = self.least + self.silence.at((share - self.overlapping) / rest if rest else 0.0)
        return max(lowest, min(highest, gap))

    @classmethod
    def fit(cls, gaps: Sequence[float], least: float = 0.0) -> "Gaps":
        """To gaps in seconds. Raises CorpusError where there are none."""
        if not len(gaps):
            raise CorpusError("no gap of a kind tells of no distribution; give more labels")
        values = np.array(gaps, np.float64)
        double = values < 0
        overlap, silence = Weibull.fit(-values[double]), Weibull.fit(values[~double] - least)
        return cls(round(float(double.mean()), 4), overlap, silence, least)


@dataclass(frozen=True, slots=True)
class Timing:
    """Gaps before another speaker's turn and before one's own, and how probable it is that another is next."""

    change: Gaps
    same: Gaps
    turn_change: float

    def __post_init__(self) -> None:
        if not 0 <= self.turn_change <= 1:
            raise ValueError(f"a probability is 0 to 1, not {self.turn_change}")


def turns(spans: Iterable[Span], pause: float = PAUSE) -> list[Span]:
    """Labels with those of one speaker joined that are less than `pause` seconds apart, by start."""
    last: dict[str, int] = {}
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span[1:]):
        place = last.get(span.speaker)
        if place is not None and span.start - found[place].end < pause:
            found[place] = found[place]._replace(end=max(found[place].end, span.end))
        else:
            last[span.speaker] = len(found)
            found.append(span)
    return sorted(found, key=lambda span: span[1:])


def gaps(found: Sequence[Span]) -> tuple[list[float], list[float]]:
    """Seconds from who holds the floor to the next turn, by start: those of others, and their own."""
    change: list[float] = []
    same: list[float] = []
    for holder, turn in zip(_holders(found), found[1:], strict=False):
        (same if turn.speaker == holder.speaker else change).append(turn.start - holder.end)
    return change, same


def fit(recordings: Iterable[Sequence[Span]], pause: float = PAUSE) -> Timing:
    """To the labels of recordings. Raises CorpusError where a kind of gap is hardly there."""
    change: list[float] = []
    same: list[float] = []
    for spans in recordings:
        others, own = gaps(turns(spans, pause))
        change += others
        same += own
    probability = len(change) / max(1, len(change) + len(same))
    return Timing(Gaps.fit(change), Gaps.fit(same, pause), round(probability, 4))


def as_json(timing: Timing) -> dict[str, Any]:
    """As it ships."""
    return asdict(timing)


@cache
def shipped(name: str = "meetings") -> Timing:
    """One of the fits that ship: "meetings" (lively) or "calls" (orderly). Raises ValueError for others."""
    fits = json.loads(_SHIPPED.read_text())["fits"]
    if name not in fits:
        raise ValueError(f"there is no timing of {name!r}; there are {', '.join(fits)}")
    row = fits[name]
    return Timing(_gaps(row["change"]), _gaps(row["same"]), row["turn_change"])


def _gaps(row: Mapping[str, Any]) -> Gaps:
    overlap, silence = Weibull(**row["overlap"]), Weibull(**row["silence"])
    return Gaps(row["overlapping"], overlap, silence, row["least"])


def _holders(found: Sequence[Span]) -> Iterable[Span]:
    """After each turn the one that ends last."""
    holder = None
    for turn in found:
        if holder is None or turn.end >= holder.end:
            holder = turn
        yield holder
