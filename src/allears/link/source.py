"""Which RTP stream is heard, and its counters without their wraps (RFC 3550 §5.1, §6.2.1, A.1).

A stranger's packet does not end a call: another identity, or a jump of the counters, is believed once a
second packet agrees with the first (RFC 3550's probation); then both are played.
"""

from typing import NamedTuple

from allears.wire.opus import CLOCK_RATE
from allears.wire.rtp import RtpPacket, difference

FAR_TICKS = 30 * CLOCK_RATE
"""A timestamp further from the newest than this does not continue the stream."""

FAR_PACKETS = 3000
"""A sequence number further from the newest than this does not (RFC 3550's MAX_DROPOUT)."""

AGREE_PACKETS = 100
"""Two strange packets within so many of each other are one stream (RFC 3550's MAX_MISORDER)."""

_WINDOW = 1024


class Accepted(NamedTuple):
    """A packet of the stream with its counters unwrapped; `begins` a stream other than before."""

    packet: RtpPacket
    timestamp: int
    sequence: int
    begins: bool


class Source:
    """Follows one stream at a time."""

    def __init__(self) -> None:
        self.ssrc: int | None = None
        self._timestamp = 0
        self._sequence = 0
        self._stranger: RtpPacket | None = None

    def accept(self, packet: RtpPacket) -> list[Accepted]:
        """What to play now that `packet` came: itself, nothing yet, or itself and the one before."""
        if self.ssrc is None:
            return [self._begin(packet)]
        timestamp, sequence = self._unwrap(packet)
        if (
            packet.ssrc == self.ssrc
            and abs(timestamp - self._timestamp) < FAR_TICKS
            and abs(sequence - self._sequence) < FAR_PACKETS
        ):
            self._timestamp = max(self._timestamp, timestamp)
            self._sequence = max(self._sequence, sequence)
            self._stranger = None
            return [Accepted(packet, timestamp, sequence, begins=False)]
        first, self._stranger = self._stranger, packet
        if first is None or not _agree(first, packet):
            return []
        self._stranger = None
        return [self._begin(first), *self.accept(packet)]

    def _begin(self, packet: RtpPacket) -> Accepted:
        self.ssrc = packet.ssrc
        self._timestamp, self._sequence = packet.timestamp, packet.sequence
        return Accepted(packet, packet.timestamp, packet.sequence, begins=True)

    def _unwrap(self, packet: RtpPacket) -> tuple[int, int]:
        return (
            self._timestamp + difference(packet.timestamp, self._timestamp, 32),
            self._sequence + difference(packet.sequence, self._sequence, 16),
        )


def _agree(first: RtpPacket, second: RtpPacket) -> bool:
    return (
        first.ssrc == second.ssrc
        and 0 < abs(difference(second.sequence, first.sequence, 16)) < AGREE_PACKETS
        and abs(difference(second.timestamp, first.timestamp, 32)) < FAR_TICKS
    )


class SequenceLog:
    """Which of the last 1024 sequence numbers came, so that losses and duplicates can be counted."""

    def __init__(self) -> None:
        self._highest: int | None = None
        self._seen = 0
        self._expected = 0
        self.received = 0

    def add(self, sequence: int) -> bool:
        """Note an unwrapped number; False where it came before (or is too old to tell)."""
        if self._highest is None:
            self._highest = sequence - 1
        ahead = sequence - self._highest
        if ahead > 0:
            self._seen = (self._seen << ahead | 1) & ((1 << _WINDOW) - 1) if ahead < _WINDOW else 1
            self._highest = sequence
            self._expected += ahead
        elif -ahead >= _WINDOW or self._seen >> -ahead & 1:
            return False
        else:
            self._seen |= 1 << -ahead
        self.received += 1
        return True

    @property
    def lost(self) -> int:
        """Numbers between the first and the highest that have not come (yet)."""
        return max(0, self._expected - self.received)
