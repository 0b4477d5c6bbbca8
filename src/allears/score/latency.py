"""How late the marks of turns are given out: `<sot>` after the start of the turn, `<eot>` after its end.

Latency is the time of the stream at which a mark comes, less the reference's time; below 0 it is early. Delays are
kept as a histogram, so that those of many sessions add up to one distribution with its percentiles.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Shaped

from allears.score.counts import Counts
from allears.score.segments import MICROSECONDS, Segment, microseconds
from allears.score.turns import paired_turns

BIN = 10_000
"""Microseconds of a bin: a percentile is at most 10 ms off."""

FIRST, LAST = -5 * MICROSECONDS, 10 * MICROSECONDS
"""Microseconds between which there are bins; one more on either side holds what is beyond."""

BINS = (LAST - FIRST) // BIN + 2
_EARLY = -FIRST // BIN + 1
"""Bins of what is below 0."""


@dataclass(frozen=True, slots=True)
class Delays(Counts):
    """A distribution of delays; `rate` is the share of early ones.

    `bins` count those of each bin; `microseconds` is their sum, `absent` how many marks never came.
    """

    bins: tuple[int, ...] = (0,) * BINS
    microseconds: int = 0
    absent: int = 0

    def __add__(self, other: "Delays") -> "Delays":
        return Delays(
            tuple(map(sum, zip(self.bins, other.bins, strict=True))),
            self.microseconds + other.microseconds,
            self.absent + other.absent,
        )

    @property
    def count(self) -> int:
        """How many delays there are."""
        return sum(self.bins)

    @property
    def early(self) -> int:
        """How many marks came before their time."""
        return sum(self.bins[:_EARLY])

    @property
    def fraction(self) -> tuple[int, int]:
        """Early marks, and all that came."""
        return self.early, self.count

    @property
    def mean(self) -> float:
        """In seconds; NaN where there are none."""
        return self.microseconds / MICROSECONDS / self.count if self.count else np.nan

    def percentile(self, percent: float) -> float:
        """In seconds, within `BIN`; ±∞ where it is beyond the bins, NaN where there are no delays."""
        return float(percentiles(np.array([self.bins], float), percent)[0])


def delays(seconds: Iterable[float | None]) -> Delays:
    """Of marks; None for one that never came."""
    times = list(seconds)
    came = [microseconds(each) for each in times if each is not None]
    places = np.clip((np.array(came, np.int64) - FIRST) // BIN + 1, 0, BINS - 1)
    bins = np.bincount(places, minlength=BINS)
    return Delays(tuple(bins.tolist()), sum(came), len(times) - len(came))


def percentiles(
    bins: Shaped[np.ndarray, "draws bins"], percent: float
) -> Float64[np.ndarray, " draws"]:
    """Seconds below which `percent` of each row's delays are; in a bin they are taken as spread evenly.

    Rows may be sums over sessions that a bootstrap drew.
    """
    reached = np.cumsum(bins, 1)
    wanted = reached[:, -1:] * percent / 100
    place = np.minimum((reached < np.maximum(wanted, 1e-9)).sum(1), BINS - 1)
    rows = np.arange(len(bins))
    within = wanted[:, 0] - (reached - bins)[rows, place]
    edge = (FIRST + (place - 1.0) * BIN) / MICROSECONDS
    edge[place == 0], edge[place == BINS - 1] = -np.inf, np.inf
    with np.errstate(invalid="ignore"):
        share: np.ndarray = edge + within / bins[rows, place] * (BIN / MICROSECONDS)
    return share


@dataclass(frozen=True, slots=True)
class Latency(Counts):
    """Delays of both marks of the turns that were found; `rate` is the share of turns that were not.

    `missed` turns of the reference have none of the system's, `spurious` ones are the system's alone.
    """

    start: Delays = Delays()
    end: Delays = Delays()
    matched: int = 0
    missed: int = 0
    spurious: int = 0

    @property
    def fraction(self) -> tuple[int, int]:
        """Turns of the reference that were not found, and all."""
        return self.missed, self.matched + self.missed


class MarkedTurn(NamedTuple):
    """A turn that a system found, and the seconds of the stream at which it said so; None for never."""

    turn: Segment
    start_emitted: float | None
    end_emitted: float | None


def latency(
    reference: Sequence[Segment], hypothesis: Sequence[MarkedTurn], slack: float = 0.0
) -> Latency:
    """Of a session; each segment is a turn. Turns are paired by `paired_turns`, which `slack` is for."""
    pairs = paired_turns(reference, [each.turn for each in hypothesis], slack)
    found = [(reference[said], hypothesis[heard]) for said, heard in pairs]
    return Latency(
        start=delays(_less(mark.start_emitted, turn.start) for turn, mark in found),
        end=delays(_less(mark.end_emitted, turn.end) for turn, mark in found),
        matched=len(pairs),
        missed=len(reference) - len(pairs),
        spurious=len(hypothesis) - len(pairs),
    )


def _less(emitted: float | None, reference: float) -> float | None:
    return None if emitted is None else emitted - reference
