"""A whole call without a network: sender → losses and jitter → receiver, on a clock of numbers."""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float32

from allears.link.control import Controller
from allears.link.frame import FRAME_SECONDS, Frame, Label
from allears.link.network import Network, RandomNetwork
from allears.link.padding import redundancy_bytes
from allears.link.receiver import Receiver
from allears.link.recovery import Neural
from allears.link.sender import (
    MOST_MS,
    OPUS_PAYLOAD_TYPE,
    RED_PAYLOAD_TYPE,
    Sender,
    SenderConfig,
)
from allears.link.statistics import Statistics
from allears.wire import opus
from allears.wire.bitfile import BitPacket
from allears.wire.loss import NoLoss
from allears.wire.opus import CLOCK_RATE
from allears.wire.red import RedPayload
from allears.wire.report import Reporter
from allears.wire.rtp import RtpPacket

REPORT_DELAY = 0.05
"""Seconds that a report needs to come back."""

RTP_UDP_IP_BYTES = 12 + 8 + 20
"""Headers of each packet over IPv4, which the wire carries beside the payload."""

WAIT = MOST_MS / 1000
"""Seconds of delay that let all the deep redundancy there can be come before it is needed."""


@dataclass(frozen=True, slots=True)
class SentPacket:
    """A packet as sent: at what time, its RTP, the encoder's final range, and whether it was lost."""

    time: float
    packet: RtpPacket
    final_range: int
    lost: bool

    @property
    def opus(self) -> bytes:
        """The Opus packet itself, without the copies that RED sends along."""
        if self.packet.payload_type == RED_PAYLOAD_TYPE:
            return RedPayload.parse(self.packet.payload).primary
        return self.packet.payload


@dataclass(frozen=True, slots=True)
class Call:
    """What was said, sent and heard.

    `heard` is what the listener heard at `rate`, aligned with what was said: the codec's look-ahead is
    left out. `reference` is what was said at each moment of it, of the same length: where the receiver
    played faster or slower, so does the reference. It is None where what was said is not known.
    `frames` are the receiver's, look-ahead and all. `delay` is the receiver's, in seconds behind the
    fastest packets, at the end of the call.
    """

    rate: int
    heard: Float32[np.ndarray, " samples"]
    reference: Float32[np.ndarray, " samples"] | None
    frames: tuple[Frame, ...]
    sent: tuple[SentPacket, ...]
    statistics: Statistics
    seconds: float
    delay: float

    @property
    def payload_kbps(self) -> float:
        """Kilobit per second of RTP payload: Opus, its copies and deep redundancy."""
        return self._per_second(sum(len(sent.packet.payload) for sent in self.sent)) / 1000

    @property
    def redundancy_kbps(self) -> float:
        """What of it the padding takes, where deep redundancy is."""
        return self._per_second(sum(redundancy_bytes(sent.opus) for sent in self.sent)) / 1000

    @property
    def wire_kbps(self) -> float:
        """Kilobit per second with the headers of RTP, UDP and IPv4."""
        return self.payload_kbps + self._per_second(len(self.sent) * RTP_UDP_IP_BYTES) / 1000

    def _per_second(self, size: int) -> float:
        return 8 * size / self.seconds if self.seconds else 0.0

    @property
    def loss_rate(self) -> float:
        """Share of the packets that the network lost."""
        return sum(sent.lost for sent in self.sent) / max(1, len(self.sent))

    def share(self, *labels: Label) -> float:
        """Share of the frames that carry one of `labels`."""
        return sum(frame.label in labels for frame in self.frames) / max(1, len(self.frames))


def simulate(
    samples: Float32[np.ndarray, " samples"],
    config: SenderConfig | None = None,
    network: Network | None = None,
    *,
    seed: int = 0,
    neural: Neural | None = None,
    wait: float = WAIT,
    controller: Controller | None = None,
    progress: Callable[[float], None] | None = None,
) -> Call:
    """Call `samples` (in ±1, at `config.rate`) over `network`; `progress` hears the share done.

    A `controller`, and so does adaptive redundancy, shares the bitrate by what the listener reports; reports
    arrive `REPORT_DELAY` later.

    The listener has `neural` beside libopus; without it deep redundancy is sent in vain. While it is
    sent, the listener lags by up to `wait` seconds for it, and goes back over bursts that are longer.
    """
    config = config or SenderConfig()
    network = network or RandomNetwork(NoLoss(), random.Random(seed))
    sender = Sender(config, random.Random(seed), controller=controller)
    ahead = np.zeros(sender.encoder.lookahead, np.float32)  # so that the end comes out again
    outgoing = _send(sender, np.concatenate((samples, ahead)), network, progress)
    adaptive = controller is not None or config.redundancy.adaptive
    most = MOST_MS if adaptive else config.redundancy.dred
    wait = min(wait, most / 1000) if neural else 0.0
    copies = replace(config.redundancy, dred=0).reach(config.ticks)
    reach = max(copies, int(wait * CLOCK_RATE), config.ticks * adaptive)
    receiver = _receiver(config.rate, config.ticks, reach, sender.timestamp, neural, wait)
    receiver.reporter = Reporter(seed, "listener@simulation") if adaptive else None
    packets = -(-(len(samples) + len(ahead)) // sender.encoder.frame_size)
    told = sender.receive if adaptive else None
    sent, frames, delay = _converse(outgoing, receiver, packets * config.ticks, told)
    end = len(ahead) + len(samples)
    if _stretched(frames):
        end = len(frames) * int(FRAME_SECONDS * config.rate)
    heard = _join(frames)[len(ahead) : end]
    reference = _as_played(samples, frames, len(ahead), config.rate)[len(ahead) : end]
    seconds = len(samples) / config.rate
    return Call(
        config.rate,
        heard,
        reference,
        tuple(frames),
        tuple(sent),
        receiver.statistics(),
        seconds,
        delay,
    )


def replay(
    packets: Sequence[BitPacket],
    network: Network,
    rate: int = 16_000,
    *,
    neural: Neural | None = None,
    wait: float = WAIT,
) -> Call:
    """Decode a `.bit` file's packets as if they came over `network`; `neural` and `wait` as above.

    `heard` begins with the codec's look-ahead here, since the file does not say how long it is. An
    empty packet is one that was not sent. Raises ParseError where one is not Opus.
    """
    outgoing: list[_Outgoing] = []
    timestamp = 0
    ticks = CLOCK_RATE // 50
    for packet in packets:
        if packet.payload:
            ticks = opus.duration(packet.payload)
        time = (timestamp + ticks) / CLOCK_RATE
        arrivals = network(time)
        if packet.payload:
            sequence = len(outgoing) & 0xFFFF  # what is not sent is not numbered
            rtp = RtpPacket(OPUS_PAYLOAD_TYPE, sequence, timestamp & 0xFFFFFFFF, 0, packet.payload)
            sent = SentPacket(time, rtp, packet.final_range, not arrivals)
            outgoing.append(_Outgoing(sent, arrivals))
        timestamp += ticks
    longest = max((opus.duration(each.sent.packet.payload) for each in outgoing), default=ticks)
    deep = neural is not None and any(redundancy_bytes(each.sent.opus) for each in outgoing)
    reach = max(longest, int(wait * CLOCK_RATE)) if deep else longest
    receiver = _receiver(rate, longest, reach, 0, neural, wait)
    sent_packets, frames, delay = _converse(outgoing, receiver, timestamp)
    heard = _join(frames)[: timestamp * rate // CLOCK_RATE]
    return Call(
        rate,
        heard,
        None,
        tuple(frames),
        tuple(sent_packets),
        receiver.statistics(),
        timestamp / CLOCK_RATE,
        delay,
    )


@dataclass(frozen=True, slots=True)
class _Outgoing:
    sent: SentPacket
    arrivals: list[float]


@dataclass(order=True, slots=True)
class _Arrival:
    time: float
    order: int
    datagram: bytes = field(compare=False)


def _receiver(
    rate: int, ticks: int, reach: int, start: int, neural: Neural | None, wait: float
) -> Receiver:
    """One that waits for packets of `ticks` and for what reaches back from them."""
    delay = _patience(ticks, reach)
    longest = max(1.0, 2 * delay)
    return Receiver(rate, min_delay=delay, max_delay=longest, start=start, neural=neural, wait=wait)


def _patience(ticks: int, reach: int) -> float:
    """The least delay in seconds that lets a packet's copies come before its time is up."""
    return max(0.04, 2 * ticks / CLOCK_RATE, (reach + ticks) / CLOCK_RATE)


def _send(
    sender: Sender,
    samples: Float32[np.ndarray, " samples"],
    network: Network,
    progress: Callable[[float], None] | None,
) -> Iterator[_Outgoing]:
    """Every packet as its last sample is spoken, and when it arrives."""
    size = sender.encoder.frame_size
    for end in range(size, len(samples) + size, size):
        time = end / sender.config.rate
        chunk = samples[end - size : end]
        packets = sender.push(chunk) if len(chunk) == size else sender.push(chunk) + sender.flush()
        for packet in packets:
            arrivals = network(time)
            sent = SentPacket(time, packet, sender.encoder.final_range, not arrivals)
            yield _Outgoing(sent, arrivals)
        if progress:
            progress(min(1.0, end / len(samples)))


def _converse(
    outgoing: Iterable[_Outgoing],
    receiver: Receiver,
    ticks: int,
    told: Callable[[bytes], None] | None = None,
) -> tuple[list[SentPacket], list[Frame], float]:
    """Deliver packets and pull frames in the order of time, until `ticks` of media have been played.

    The sender is `told` what the receiver reports.
    """
    flying: list[_Arrival] = []
    returning: deque[tuple[float, bytes]] = deque()
    sent: list[SentPacket] = []
    frames: list[Frame] = []
    order = itertools.count()
    pending = iter(outgoing)
    following = next(pending, None)
    first = following.sent.packet.timestamp if following else 0
    delay = 0.0
    for number in itertools.count():
        # A hair after whatever arrives at that very time.
        now = number * FRAME_SECONDS + 1e-6
        while told and returning and returning[0][0] <= now:
            told(returning.popleft()[1])
        while following and following.sent.time <= now:
            sent.append(following.sent)
            for arrival in following.arrivals:
                datagram = bytes(following.sent.packet)
                heapq.heappush(flying, _Arrival(arrival, next(order), datagram))
            following = next(pending, None)
        while flying and flying[0].time <= now:
            arrived = heapq.heappop(flying)
            receiver.receive(arrived.datagram, arrived.time)
        delay = receiver.delay(now) or 0.0
        frame = receiver.pull(now)
        if report := receiver.report(now):
            returning.append((now + REPORT_DELAY, report))
        if frame.timestamp is not None:
            if frame.timestamp - first >= ticks:
                break
            frames.append(frame)
        elif following is None and not flying and not receiver.statistics().packets:
            return sent, _silence(receiver.rate, first, first + ticks), 0.0
    began = next((frame.timestamp for frame in frames if frame.timestamp is not None), first)
    return sent, _silence(receiver.rate, first, began) + frames, delay


def _silence(rate: int, begin: int, end: int) -> list[Frame]:
    """What is heard between two timestamps while not one packet has arrived."""
    step = int(CLOCK_RATE * FRAME_SECONDS)
    nothing = np.zeros(int(rate * FRAME_SECONDS), np.float32)
    return [Frame(nothing, Label.SILENCE, at) for at in range(begin, end, step)]


def _stretched(frames: Sequence[Frame]) -> bool:
    """Whether the receiver played faster or slower anywhere."""
    stamps = [frame.timestamp or 0 for frame in frames]
    step = int(CLOCK_RATE * FRAME_SECONDS)
    return any(later - earlier != step for earlier, later in itertools.pairwise(stamps))


def _as_played(
    samples: Float32[np.ndarray, " samples"], frames: Sequence[Frame], ahead: int, rate: int
) -> Float32[np.ndarray, " played"]:
    """What was said when the media of each frame was: silence before the beginning and after the end."""
    size = int(rate * FRAME_SECONDS)
    around = np.concatenate((np.zeros(size + ahead), samples, np.zeros(size))).astype(np.float32)
    played = [np.zeros(0, np.float32)]
    first = frames[0].timestamp or 0 if frames else 0
    for frame in frames:
        spoken = ((frame.timestamp or 0) - first) * rate // CLOCK_RATE
        at = min(max(0, spoken + size), len(around) - size)
        played.append(around[at : at + size])
    return np.concatenate(played)


def _join(frames: Sequence[Frame]) -> Float32[np.ndarray, " samples"]:
    if not frames:
        return np.zeros(0, np.float32)
    return np.concatenate([frame.samples for frame in frames])
