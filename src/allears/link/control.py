"""How a call is sent while its network changes: reports of losses in, bits for Opus and its protection out.

Every way to share the bits is priced by what a listener would hear on the network of the last seconds:
the packets that arrive at the bitrate left to Opus, and the lost ones from an in-band copy (LBRR),
rebuilt from features (DRED) or guessed. The best is sent. As every price is linear in the loss rate, more
losses never make the best one give Opus more. Some losses are always presumed: what is sent before the
first report, or in a second without losses, must bring back the burst that nobody has reported yet.
"""

import math
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64

from allears.link.allocation import LIBOPUS_COST, LONGEST, Allocation, DredCost, Worth, menu
from allears.wire.report import Report

_UNTOLD = 2  # packets: the length of bursts where nobody says

_PRESUMED = (1, 2, 4, 8, 16)
"""Lengths of bursts that are presumed, with as many packets lost in each."""


@runtime_checkable
class Controller(Protocol):
    """Decides how to send: once before the first packet, and each time that a report comes."""

    def __call__(self, report: Report, total: int, frame_ms: float) -> Allocation:
        """How to share `total` bit/s in packets of `frame_ms` from now on; `report` tells what is new."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Sends the same whatever is reported."""

    allocation: Allocation

    def __call__(self, report: Report, total: int, frame_ms: float) -> Allocation:  # noqa: ARG002
        """Return the allocation."""
        return self.allocation


@dataclass(frozen=True, slots=True)
class Tuning:
    """What `Adaptive` rests on beside what things are worth.

    `memory`: seconds after which a packet counts 1/e. `patience`: after so many seconds without a loss
    those before are forgotten. Longer ones serve a network better that stays as it is, shorter ones one that
    changes; these settle within 2 s. Whatever is reported, the share `presumed` is thought to be lost of
    some more packets, `doubt`, in bursts of all lengths: the next burst comes before its report does.
    `margin`: how much more another allocation must be worth to change.
    """

    memory: float = 2.0
    patience: float = 1.2
    doubt: float = 20.0
    presumed: float = 0.15
    margin: float = 0.01
    worth: Worth = field(default_factory=Worth)


class LossProcess:
    """Losses of late: packets weigh the less the more media has been reported since."""

    def __init__(self, memory: float, patience: float) -> None:
        self._memory, self._patience = memory, patience
        self._clean = 0.0  # seconds without a loss
        self.received = 0.0
        self.bursts = np.zeros(LONGEST + 1)
        """How many bursts there were of each length, weighted; the last for all longer ones."""

    def add(self, report: Report, frame_ms: float) -> None:
        """Take in what is new."""
        seconds = report.packets * frame_ms / 1000
        keep = math.exp(-seconds / self._memory)
        self.received = keep * self.received + report.received
        self.bursts = keep * self.bursts
        for burst in report.bursts:
            self.bursts[min(burst, LONGEST)] += 1
        self.bursts[_UNTOLD] += (report.lost - sum(report.bursts)) / _UNTOLD
        # Where in a report its losses lie is not told: take the middle.
        self._clean = seconds / 2 if report.lost else self._clean + seconds
        if self._clean >= self._patience:
            self.bursts[:] = 0

    @property
    def lost(self) -> float:
        """Packets lost, weighted."""
        return float(self.bursts @ np.arange(LONGEST + 1))

    @property
    def loss_rate(self) -> float:
        """Share of the packets that were lost."""
        return self.lost / max(1e-9, self.received + self.lost)

    def expected(self) -> Float64[np.ndarray, " lengths"]:
        """Bursts to come. What was longer than one packet is expected half as it was and half twice as
        long, with as many packets lost: the longest is rare and has not been seen yet."""
        lengths = np.arange(LONGEST + 1)
        twice = np.minimum(2 * lengths, LONGEST)
        lost = np.where(lengths > 1, self.bursts * lengths / 2, 0)
        ahead = np.where(lengths > 1, self.bursts / 2, self.bursts)
        np.add.at(ahead, twice, lost / np.maximum(twice, 1))
        return ahead


class Adaptive:
    """Decides anew at every report.

    `cost` is that of the model which makes the deep redundancy; without one there is only LBRR.
    """

    def __init__(self, cost: DredCost | None = LIBOPUS_COST, tuning: Tuning | None = None) -> None:
        self._cost, self._tuning = cost, tuning or Tuning()
        self.losses = LossProcess(self._tuning.memory, self._tuning.patience)
        self._current: Allocation | None = None

    def __call__(self, report: Report, total: int, frame_ms: float) -> Allocation:
        """The best allocation now, or the one before where that is nearly as good."""
        self.losses.add(report, frame_ms)
        choices, arrived, bursts = menu(self._cost, self._tuning.worth, total, frame_ms)
        received, lost = self._expected()
        worth = received * arrived + bursts @ lost
        worth /= received + lost @ np.arange(LONGEST + 1)
        best = int(np.argmax(worth))
        if self._current in choices:
            current = choices.index(self._current)
            if worth[best] <= worth[current] + self._tuning.margin:
                best = current
        self._current = choices[best]
        return self._current

    def _expected(self) -> tuple[float, Float64[np.ndarray, " lengths"]]:
        """Packets to arrive, and bursts to come, as of late and as is presumed."""
        tuning, bursts = self._tuning, self.losses.expected()
        lost = tuning.doubt * tuning.presumed
        bursts[list(_PRESUMED)] += lost / len(_PRESUMED) / np.array(_PRESUMED)
        return self.losses.received + tuning.doubt - lost, bursts
