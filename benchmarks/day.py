"""A day's call on a bad network, faster than it lasts: does anything drift, grow or break?

Real packets go round and round through a network with jitter, reordering, duplicates, losses and a
sender whose clock is wrong; counters wrap many times. Run with --hours for less than a day.
"""

import heapq
import itertools
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import soundfile

from allears.demo import CLIPS
from allears.link.frame import FRAME_SECONDS
from allears.link.network import RandomNetwork
from allears.link.receiver import Receiver
from allears.link.sender import Redundancy, Sender, SenderConfig
from allears.link.statistics import Statistics
from allears.wire.loss import parse_loss
from allears.wire.rtp import RtpPacket
from tables import Run, arguments


@dataclass(frozen=True, slots=True)
class Day:
    """What a long call came to. Delays in seconds, one sample a second of the call."""

    statistics: Statistics
    delays: list[float]
    most_buffered: int
    seconds: float
    wall: float

    def mean_delay(self, begin: float, end: float) -> float:
        """Mean delay over a part of the call, given as shares of it."""
        part = self.delays[int(begin * len(self.delays)) : int(end * len(self.delays))]
        return sum(part) / len(part)


def packets(redundancy: Redundancy, seed: int) -> Iterator[RtpPacket]:
    """An endless stream of real packets, which begins shortly before both of its counters wrap."""
    samples, rate = soundfile.read(CLIPS / "lj.flac", dtype="float32")
    sender = Sender(SenderConfig(rate=rate, redundancy=redundancy), random.Random(seed))
    spoken = sender.push(samples)
    for number in itertools.count():
        packet = spoken[number % len(spoken)]
        yield RtpPacket(
            packet.payload_type,
            (65_000 + number) & 0xFFFF,
            (2**32 - 30 * 48_000 + 960 * number) & 0xFFFFFFFF,
            packet.ssrc,
            packet.payload,
        )


def hold(hours: float, ppm: float, redundancy: str, loss: str, seed: int = 0) -> Day:
    """A call of so many hours with a sender's clock that is fast by `ppm` parts in a million."""
    begin = time.perf_counter()
    network = RandomNetwork(
        parse_loss(loss, seed),
        random.Random(seed),
        delay=0.05,
        jitter=0.008,
        reorder=0.01,
        duplicate=0.01,
    )
    receiver = Receiver(16_000)
    spacing = FRAME_SECONDS / (1 + ppm / 1e6)
    stream = packets(Redundancy.parse(redundancy), seed)
    flying: list[tuple[float, int, bytes]] = []
    sent = 0
    delays: list[float] = []
    most = 0
    pulls = int(hours * 3600 / FRAME_SECONDS)
    for pull in range(pulls):
        now = pull * FRAME_SECONDS
        while sent * spacing <= now:
            datagram = bytes(next(stream))
            for arrival in network(sent * spacing):
                heapq.heappush(flying, (arrival, sent, datagram))
            sent += 1
        while flying and flying[0][0] <= now:
            arrival, _, datagram = heapq.heappop(flying)
            receiver.receive(datagram, arrival)
        if pull % 50 == 0 and (delay := receiver.delay(now)) is not None:
            delays.append(delay)
            most = max(most, receiver.buffered)
        receiver.pull(now)
    wall = time.perf_counter() - begin
    return Day(receiver.statistics(), delays, most, hours * 3600, wall)


CALLS = (
    (0.0, "none", "5%"),
    (200.0, "lbrr", "burst:10%:80ms"),
    (-200.0, "red:2", "burst:10%:80ms"),
)
"""Clock error in parts per million, redundancy and loss of each call."""

HEAD = (
    "clock, ppm",
    "redundancy",
    "loss",
    "hours",
    "packets",
    "delay in the first 5 %, ms",
    "delay in the last 5 %, ms",
    "largest delay, ms",
    "most packets buffered",
    "late",
    "malformed",
    "streams",
    "jumps",
    "times real time",
)


def row(hours: float, ppm: float, redundancy: str, loss: str) -> list[float | str]:
    """One call, measured."""
    day = hold(hours, ppm, redundancy, loss)
    counts = day.statistics
    return [
        ppm,
        redundancy,
        loss,
        hours,
        counts.packets + counts.lost,
        round(1000 * day.mean_delay(0.0, 0.05), 1),
        round(1000 * day.mean_delay(0.95, 1.0), 1),
        round(1000 * max(day.delays)),
        day.most_buffered,
        counts.late,
        counts.malformed,
        counts.streams,
        counts.skipped,
        round(day.seconds / day.wall),
    ]


def main() -> None:
    """Write the table, or print it as JSON and write nothing."""
    options = arguments(__doc__, hours=24.0, json=0)
    rows = [row(options.hours, *call) for call in CALLS]
    if options.json:
        print(json.dumps([dict(zip(HEAD, each, strict=True)) for each in rows]))
    else:
        Run("day.md", __doc__).table(HEAD, rows)


if __name__ == "__main__":
    main()
