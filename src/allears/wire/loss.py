"""Which packets a network loses: none, at random, in bursts, or as a recorded trace says.

Bursts follow Gilbert (Bell Syst. Tech. J. 39, 1960) and Elliott (42, 1963): a good and a bad state,
each with its own chance of loss, and a chance per packet of changing to the other.
"""

import random
import re
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from allears.errors import AllearsError
from allears.wire.errors import ParseError

SPEC_FORMS = (
    "none, 20%, 0.2, uniform:20%, burst:20%:120ms (rate, mean burst), "
    "ge:p_bad:p_good[:loss_bad[:loss_good]]"
)
"""The forms that `parse_loss` reads, for messages and help."""

_NUMBER = r"(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})"
_RATE = re.compile(_NUMBER + "(%?)", re.ASCII)
_MILLISECONDS = re.compile(_NUMBER + "ms", re.ASCII)


class LossSpecError(AllearsError, ValueError):
    """A loss specification that cannot be read; the message shows the forms that can."""


@runtime_checkable
class LossModel(Protocol):
    """A network's losses: called once per packet, in the order of sending."""

    def __call__(self) -> bool:
        """Return whether the next packet is lost."""
        ...


class NoLoss:
    """Every packet arrives."""

    def __call__(self) -> bool:
        """Return False."""
        return False


class UniformLoss:
    """Each packet is lost with probability `rate`, whatever became of the others.

    Raises ValueError for a rate outside 0 to 1.
    """

    def __init__(self, rate: float, rng: random.Random) -> None:
        self._rate = _probability("rate", rate)
        self._rng = rng

    def __call__(self) -> bool:
        """Return whether the next packet is lost."""
        return self._rng.random() < self._rate


class GilbertElliott:
    """Losses in bursts: a Markov chain of two states, started from its stationary distribution.

    `p_bad` is P(good → bad) and `p_good` P(bad → good), per packet; `loss_in_bad` and
    `loss_in_good` are the chances of loss in either. Raises ValueError for any outside 0 to 1.
    """

    def __init__(
        self,
        p_bad: float,
        p_good: float,
        loss_in_bad: float,
        loss_in_good: float,
        rng: random.Random,
    ) -> None:
        self._p_bad = _probability("p_bad", p_bad)
        self._p_good = _probability("p_good", p_good)
        self._loss_in_bad = _probability("loss_in_bad", loss_in_bad)
        self._loss_in_good = _probability("loss_in_good", loss_in_good)
        self._rng = rng
        # A chain that never moves has no one stationary distribution; it stays good.
        self._bad = rng.random() * (p_bad + p_good) < p_bad

    @classmethod
    def from_rate_and_burst(
        cls, rate: float, mean_burst: float, rng: random.Random
    ) -> "GilbertElliott":
        """Lose a share `rate` of the packets in bursts of `mean_burst` packets on average.

        Everything is lost in the bad state and nothing in the good. Raises ValueError if the burst
        is shorter than one packet, or too short for the rate even with one packet between bursts.
        """
        _probability("rate", rate)
        if not 1 <= mean_burst < float("inf"):
            raise ValueError(f"a burst lasts at least 1 packet on average, not {mean_burst:g}")
        if rate > mean_burst * (1 - rate):
            longest = mean_burst / (mean_burst + 1)
            raise ValueError(f"bursts of {mean_burst:g} packets lose at most {longest:.1%}")
        p_good = 1 / mean_burst
        # min: at the limit, rounding may put the quotient a hair above 1.
        return cls(min(1.0, rate * p_good / (1 - rate)), p_good, 1.0, 0.0, rng)

    def __call__(self) -> bool:
        """Return whether the next packet is lost."""
        bad = self._bad
        lost = self._rng.random() < (self._loss_in_bad if bad else self._loss_in_good)
        if self._rng.random() < (self._p_good if bad else self._p_bad):
            self._bad = not bad
        return lost


class TraceLoss:
    """Losses as recorded: flags[i] says whether packet i is lost, from the start again at the end.

    Raises ValueError for an empty trace.
    """

    def __init__(self, flags: Sequence[bool]) -> None:
        if not flags:
            raise ValueError("a loss trace has at least one packet")
        self._flags = tuple(flags)
        self._next = 0

    def __call__(self) -> bool:
        """Return whether the next packet is lost."""
        lost = self._flags[self._next]
        self._next = (self._next + 1) % len(self._flags)
        return lost


def parse_trace(text: str) -> list[bool]:
    """Read a trace: one 0 (arrived) or 1 (lost) per packet, between spaces or line ends.

    Lines that start with # are comments. Raises ParseError naming line (from 1) and word for
    anything else, and for a trace without packets.
    """
    flags: list[bool] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#"):
            continue
        for flag in line.split():
            if flag not in ("0", "1"):
                raise ParseError(f"loss trace, line {number}: {flag[:20]!r} is neither 0 nor 1")
            flags.append(flag == "1")
    if not flags:
        raise ParseError("loss trace without packets: one 0 or 1 for each is needed")
    return flags


def parse_loss(spec: str, seed: int, frame_ms: int | float = 20) -> LossModel:
    """Make the model that a command line names, for one packet every `frame_ms` milliseconds.

    `0` or `none`; `20%`, `0.2` or `uniform:20%`; `burst:20%:120ms` with the loss rate and the mean
    length of a burst; `ge:p_bad:p_good[:loss_bad[:loss_good]]` with the arguments of GilbertElliott,
    where by default the bad state loses everything and the good nothing. Equal seeds lose equal
    packets. Raises LossSpecError for any other specification.
    """
    rng = random.Random(seed)
    name, *values = spec.split(":")
    try:
        match name, values:
            case "0" | "none", []:
                return NoLoss()
            case "uniform", [rate]:
                return UniformLoss(_rate(rate), rng)
            case "burst", [rate, burst]:
                packets = _milliseconds(burst) / frame_ms
                return GilbertElliott.from_rate_and_burst(_rate(rate), packets, rng)
            case "ge", [_, _, *rest] if len(rest) <= 2:
                default = (1.0, 0.0)[len(rest) :]
                p_bad, p_good, loss_in_bad, loss_in_good = (*map(_rate, values), *default)
                return GilbertElliott(p_bad, p_good, loss_in_bad, loss_in_good, rng)
            case _, []:
                return UniformLoss(_rate(name), rng)
        raise ValueError("no such form")
    except ValueError as error:
        raise LossSpecError(f"loss {spec[:40]!r}: {error}; forms: {SPEC_FORMS}") from None


def _rate(text: str) -> float:
    if not (match := _RATE.fullmatch(text)):
        raise ValueError(f"{text[:20]!r} is no rate")
    number, percent = match.groups()
    return float(number) / 100 if percent else float(number)


def _milliseconds(text: str) -> float:
    if not (match := _MILLISECONDS.fullmatch(text)):
        raise ValueError(f"{text[:20]!r} is no length in ms")
    return float(match[1])


def _probability(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is 0 to 1, or 0% to 100%, not {value:g}")
    return value
