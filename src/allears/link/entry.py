"""An Opus packet that waits to be played, and what is known of it before it is decoded."""

from dataclasses import dataclass
from typing import NamedTuple

from allears.link.frame import Label
from allears.wire import opus


class Payload(NamedTuple):
    """Deep redundancy not yet read, and the tick that it counts from: the first of its frame."""

    data: bytes
    origin: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An Opus packet waiting to be played; `sequence` is None for a copy.

    `lbrr`: whether it carries the `frame_ticks` before it in-band. `deep`: the redundancy in its
    padding, where that can be read here.
    """

    timestamp: int
    ticks: int
    frame_ticks: int
    lbrr: bool
    payload: bytes
    label: Label
    sequence: int | None
    deep: Payload | None = None

    @classmethod
    def read(cls, payload: bytes, timestamp: int, sequence: int | None) -> "Entry":
        """What is known of a packet before it is decoded; a copy has no sequence number.

        Raises ParseError where it is none.
        """
        ticks = opus.duration(payload)
        frame_ticks = opus.CONFIGURATIONS[payload[0] >> 3][2]
        label = Label.RED if sequence is None else Label.RECEIVED
        lbrr = opus.has_lbrr(payload)
        return cls(timestamp, ticks, frame_ticks, lbrr, payload, label, sequence)
