"""How a stream is received, told to who sends it: counts of packets, and of losses by how many in a row.

`Reporter` stands at the receiving end and makes RTCP of what arrives; `ReportReader` at the sending
end makes counts of RTCP. Every report tells of the last few intervals, so that one lost tells nothing less.
"""

from collections import Counter, deque
from dataclasses import dataclass

from allears.wire import loss_rle
from allears.wire.loss_rle import LossRle, Run
from allears.wire.rtcp import Compound, ReportBlock, SenderInfo
from allears.wire.rtp import difference

INTERVAL = 0.25
"""Seconds between two reports: some 3 kb/s with all headers."""

REACH = 4
"""Intervals that each report tells of."""

HOLD = 3
"""How many newer packets must have arrived or been missed before one that is missing counts as lost:
until then it may only have been overtaken."""

MOST_PACKETS = 1024
"""Packets that one report tells of at most."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of packets: counts that add; rates are derived.

    `bursts`: how long each run of losses was, in packets, where that is known: their sum is `lost` or
    less. Raises ValueError where it is more.
    """

    received: int = 0
    lost: int = 0
    bursts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.received < 0 or sum(self.bursts) > self.lost or min(self.bursts, default=1) < 1:
            raise ValueError(f"{self.received} received, {self.lost} lost in runs {self.bursts}")

    @classmethod
    def of(cls, runs: tuple[Run, ...]) -> "Report":
        """Count what `runs` say."""
        bursts = tuple(run.length for run in runs if not run.received)
        return cls(sum(run.length for run in runs if run.received), sum(bursts), bursts)

    def __add__(self, other: "Report") -> "Report":
        return Report(
            self.received + other.received, self.lost + other.lost, self.bursts + other.bursts
        )

    @property
    def packets(self) -> int:
        """Packets sent."""
        return self.received + self.lost

    @property
    def loss_rate(self) -> float:
        """Share of the packets that were lost."""
        return self.lost / max(1, self.packets)

    @property
    def mean_burst(self) -> float:
        """Packets in a burst on average; 0 where there was none."""
        return sum(self.bursts) / max(1, len(self.bursts))

    @property
    def bursty(self) -> float:
        """Share of the losses that came two or more in a row."""
        return sum(burst for burst in self.bursts if burst > 1) / max(1, sum(self.bursts))

    def burst_quantile(self, share: float) -> int:
        """The shortest length that at least `share` (0–1) of the bursts do not exceed; 0 for none."""
        count = 0
        for length, bursts in sorted(Counter(self.bursts).items()):
            count += bursts
            if count >= share * len(self.bursts):
                return length
        return 0


class Reporter:
    """Watches one stream at a time and says every `interval` seconds how it comes through.

    `ssrc` and `cname` are the listener's own. Jitter is in ticks of the stream's clock, at `clock_rate`
    a second (RFC 3550 §A.8).
    """

    def __init__(
        self, ssrc: int, cname: str, *, interval: float = INTERVAL, clock_rate: int = 48_000
    ) -> None:
        self.ssrc, self.cname, self.interval = ssrc, cname, interval
        self._clock_rate = clock_rate
        self._due: float | None = None
        self._begin(0)

    def _begin(self, source: int) -> None:
        self._source = source
        self._seen: set[int] = set()
        self._ends: deque[int] = deque(maxlen=REACH)  # where the last reports ended
        self._first = self._highest = 0
        self._received = 0
        self._counted = (0, 0)  # expected and received at the last report
        self._transit: float | None = None
        self._jitter = 0.0
        self._sender: tuple[int, float] | None = None

    def received(self, source: int, sequence: int, timestamp: int, now: float) -> None:
        """A packet arrived; `sequence` and `timestamp` are unwrapped. Another source begins anew."""
        if source != self._source or not self._received:
            self._begin(source)
            self._first = self._highest = sequence
            self._ends.append(sequence)
        if sequence in self._seen or sequence < self._first:
            return
        self._seen.add(sequence)
        self._received += 1
        self._highest = max(self._highest, sequence)
        transit = now * self._clock_rate - timestamp
        if self._transit is not None:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit

    def heard(self, sender: SenderInfo, now: float) -> None:
        """The stream's sender reported: the next report says how long ago, which tells the way's length."""
        self._sender = sender.ntp >> 16 & 0xFFFFFFFF, now

    def due(self, now: float) -> Compound | None:
        """The next report if it is time for one; None before, and while nothing has arrived."""
        if not self._received or (self._due is not None and now < self._due):
            return None
        self._due = now + self.interval
        losses = self._losses()
        return Compound(self.ssrc, (self._block(now),), None, self.cname, losses)

    def _block(self, now: float) -> ReportBlock:
        """RFC 3550 §A.3."""
        expected = self._highest - self._first + 1
        before, self._counted = self._counted, (expected, self._received)
        asked, came = expected - before[0], self._received - before[1]
        fraction = min(255, 256 * max(0, asked - came) // asked) if asked > 0 else 0
        lost = min(expected - self._received, (1 << 23) - 1)
        last, when = self._sender or (0, now)
        return ReportBlock(
            self._source,
            fraction,
            lost,
            self._highest & 0xFFFFFFFF,
            min(round(self._jitter), 0xFFFFFFFF),
            last,
            min(round(65536 * (now - when)), 0xFFFFFFFF),
        )

    def _losses(self) -> tuple[LossRle, ...]:
        """What became of the packets of the last intervals, up to one that arrived: no burst is cut."""
        begin = self._ends[0]
        settled = [number for number in self._seen if number <= self._highest - HOLD]
        end = max(settled, default=begin - 1) + 1
        begin = max(begin, end - MOST_PACKETS)
        self._ends.append(max(end, self._ends[-1]))
        received = sorted(number for number in settled if number >= begin)
        self._seen = {number for number in self._seen if number >= self._ends[0]}
        if not received:
            return ()
        runs = loss_rle.runs_of(begin, end, received)
        return (LossRle(self._source, begin & 0xFFFF, end & 0xFFFF, runs),)


class ReportReader:
    """Reads what others report of the stream `ssrc`, each packet once."""

    def __init__(self, ssrc: int) -> None:
        self._ssrc = ssrc
        self._end: int | None = None  # up to where is known what became of the packets
        self._block: ReportBlock | None = None

    def read(self, compound: Compound, following: int) -> Report:
        """What `compound` tells beyond those before it; `following` is the next packet to be sent.

        Without a pattern of losses it is the counts alone, from the second report on.
        """
        for losses in compound.losses:
            if losses.ssrc == self._ssrc and not losses.thinning:
                return self._pattern(losses, following)
        for block in compound.blocks:
            if block.ssrc == self._ssrc:
                return self._counts(block, following)
        return Report()

    def _pattern(self, losses: LossRle, following: int) -> Report:
        told = (losses.end - losses.begin) & 0xFFFF
        fresh = told if self._end is None else difference(losses.end, self._end, 16)
        if fresh <= 0 or difference(following, losses.end, 16) < 0:
            return Report()
        self._end = losses.end
        return Report.of(loss_rle.newest(losses.runs, min(fresh, told)))

    def _counts(self, block: ReportBlock, following: int) -> Report:
        before = self._block
        if difference(following, block.highest_sequence & 0xFFFF, 16) <= 0:
            return Report()
        self._block = block
        if before is None:
            return Report()
        packets = difference(block.highest_sequence, before.highest_sequence, 32)
        if packets <= 0:
            self._block = before
            return Report()
        lost = min(max(0, block.cumulative_lost - before.cumulative_lost), packets)
        return Report(packets - lost, lost)
