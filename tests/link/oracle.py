"""Deep redundancy that knows all: payloads say what time it is, the voice plays what was decoded then.

So whatever is rebuilt must be, sample for sample, what would have been heard without loss: this tells of
a receiver's timing what no trained network can.
"""

import struct
from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from allears.link.recovery import Neural
from allears.redundancy.quality import RedundancyQuality
from allears.wire.dred_format import DredFormat
from allears.wire.errors import ParseError
from allears.wire.extensions import Extension

FORMAT = DredFormat.own(b"true")
GUESS = 0.0625
"""What the voice plays, constant, where it is told nothing."""

_BODY = struct.Struct(">If")


class Memory:
    """The sender's side; `milliseconds` is how far back it tells."""

    def __init__(self, rate: int, frame_ms: float, milliseconds: float) -> None:
        self._rate, self._frame_ms, self._milliseconds = rate, frame_ms, milliseconds
        self._pushed = 0
        self.quality = RedundancyQuality()

    def push(self, samples: Float32[np.ndarray, " samples"]) -> None:
        self._pushed += len(samples)

    def extension(self, max_bytes: int) -> Extension | None:
        begin = round(1000 * self._pushed / self._rate - self._frame_ms)
        body = _BODY.pack(begin, self._milliseconds)
        assert len(body) + len(FORMAT.prefix) <= max_bytes
        return FORMAT.wrap(body)


class Recalled:
    """What one payload tells: features hold the time in ms that they are about."""

    def __init__(self, begin: int, reach_ms: float) -> None:
        self._begin, self.reach_ms = begin, reach_ms

    def features(self, centre_ms: float) -> Float32[np.ndarray, " 20"] | None:
        if not -self.reach_ms <= centre_ms <= 0:
            return None
        return np.full(20, self._begin + centre_ms, np.float32)


def parse(data: bytes) -> Recalled:
    body = data[len(FORMAT.prefix) :]
    if len(body) != _BODY.size:
        raise ParseError(f"oracle: {len(body)} bytes")
    return Recalled(*_BODY.unpack(body))


class Player:
    """Plays `decoded`, which is at 16 kHz, at the times that it is told."""

    def __init__(self, decoded: Float32[np.ndarray, " samples"]) -> None:
        self._decoded = decoded
        self.heard: list[Float32[np.ndarray, " samples"]] = []
        self._at: int | None = None

    def hear(self, samples: Float32[np.ndarray, " samples"]) -> None:
        self.heard.append(samples)
        self._at = None

    def speak(
        self, size: int, features: Callable[[int], Float32[np.ndarray, " 20"] | None]
    ) -> Float32[np.ndarray, " size"]:
        spoken = self._play(size, features)
        self.heard.append(spoken)
        self._at = None if self._at is None else self._at + size
        return spoken

    def linger(
        self, size: int, features: Callable[[int], Float32[np.ndarray, " 20"] | None]
    ) -> Float32[np.ndarray, " size"]:
        before = self._at
        spoken = self._play(size, features)
        self._at = before
        return spoken

    def _play(
        self, size: int, features: Callable[[int], Float32[np.ndarray, " 20"] | None]
    ) -> Float32[np.ndarray, " size"]:
        told = features(0)
        if told is not None:
            self._at = round(16 * float(told[0]))
        if self._at is None:
            return np.full(size, GUESS, np.float32)
        return np.pad(self._decoded, (0, 16_000))[self._at : self._at + size]


def neural(decoded: Float32[np.ndarray, " samples"], *, guesses: bool = True) -> Neural:
    """The receiver's side for a call of which `decoded` is what libopus makes of it without loss."""
    return Neural(FORMAT, parse, lambda: Player(decoded), guesses)
