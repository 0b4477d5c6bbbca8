"""What fills a hole besides libopus: features that later packets carry along, and a voice to speak them.

What the networks do is asked for by the protocols here; `allears.link.neural` loads the real ones.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from allears.link.entry import Entry, Payload
from allears.link.statistics import Tally
from allears.wire import dred_format, extensions
from allears.wire.dred_format import DredFormat
from allears.wire.errors import ParseError
from allears.wire.opus import CLOCK_RATE, OpusPacket

TICKS_PER_MS = CLOCK_RATE / 1000

MOST_PAYLOADS = 4
"""Packets after a hole whose redundancy is looked into: the nearest knows most, and finest."""

HOP_MS = 10.0
"""From one frame of features to the next."""

Features = Float32[np.ndarray, " 20"]
Told = Callable[[float], Features | None]
"""The features centred so many ms after a moment, where they are known."""


@runtime_checkable
class Recovery(Protocol):
    """What one payload can rebuild; decoded only as far as asked."""

    @property
    def reach_ms(self) -> float:
        """How far back before the packet's first sample."""

    def features(self, centre_ms: float) -> Features | None:
        """The features centred so many ms after the packet's first sample; None where unknown."""


@runtime_checkable
class Voice(Protocol):
    """Speaks one stream at 16 kHz, continuing from whatever was heard."""

    def hear(self, samples: Float32[np.ndarray, " samples"]) -> None:
        """Audio that was played."""

    def speak(
        self, size: int, features: Callable[[int], Features | None]
    ) -> Float32[np.ndarray, " size"]:
        """The next `size` samples, told the features centred 10·k ms after now, where known."""

    def linger(
        self, size: int, features: Callable[[int], Features | None]
    ) -> Float32[np.ndarray, " size"]:
        """How it would go on, without going on."""


@dataclass(frozen=True, slots=True)
class Neural:
    """The neural side of a receiver: which redundancy it reads and how, and where voices come from.

    `guesses`: whether the voice also fills holes of which nothing is known; else libopus does.
    """

    format: DredFormat
    parse: Callable[[bytes], Recovery]
    voice: Callable[[], Voice]
    guesses: bool = True


class DeepRedundancy:
    """Finds deep redundancy in packets, and asks it about the time before them."""

    def __init__(self, neural: Neural, tally: Tally) -> None:
        self._format, self._parse, self._tally = neural.format, neural.parse, tally
        # A payload is asked about every piece of its hole, and read once.
        self._read = lru_cache(maxsize=8 * MOST_PAYLOADS)(self._read_anew)

    def find(self, payload: bytes, timestamp: int) -> Payload | None:
        """What the padding of an Opus packet carries that this model can read."""
        if payload[0] & 3 != 3 or not payload[1] & 64:
            return None
        try:
            packet = OpusPacket.parse(payload)
            carried = extensions.parse(packet.padding or b"", len(packet.frames))
        except ParseError:
            self._tally.dred_malformed += 1
            return None
        found = dred_format.find(carried, [self._format])
        if found is None:
            self._tally.dred_unknown += any(map(dred_format.recognise, carried))
            return None
        form, body, frame = found
        return Payload(form.prefix + body, timestamp + frame * packet.frame_ticks)

    def about(self, position: int, later: Iterable[tuple[int, Entry]]) -> Told:
        """What the nearest of the packets `later` tell of the time around `position`."""
        payloads = islice((entry.deep for _, entry in later if entry.deep), MOST_PAYLOADS)
        readable = [(each.origin, self._read(each.data)) for each in payloads]

        def told(milliseconds: float) -> Features | None:
            for origin, recovery in readable:
                if recovery is not None:
                    centre = (position - origin) / TICKS_PER_MS + milliseconds
                    if (features := recovery.features(centre)) is not None:
                        return features
            return None

        return told

    def earliest(self, begin: int, end: int, later: Iterable[tuple[int, Entry]]) -> int:
        """The first tick from `begin` on of which packets `later` tell; `end` where they do not."""
        told = self.about(begin, later)
        step = int(HOP_MS * TICKS_PER_MS)
        known = (
            at for at in range(begin, end, step) if told((at - begin) / TICKS_PER_MS) is not None
        )
        return next(known, end)

    def _read_anew(self, data: bytes) -> Recovery | None:
        try:
            return self._parse(data)
        except ParseError:
            self._tally.dred_malformed += 1
            return None


def nothing(_: float) -> None:
    """Nothing is known."""
    return


def describes(told: Told, ticks: int) -> bool:
    """Whether most of the `ticks` from a moment on are known."""
    count = max(1, round(ticks / TICKS_PER_MS / HOP_MS))
    known = sum(told(HOP_MS * number) is not None for number in range(count))
    return 2 * known > count
