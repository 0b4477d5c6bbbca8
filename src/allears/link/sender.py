"""The sending end of a call: samples in, RTP packets out, with what protects them. It does no I/O."""

import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from allears.audio.framing import Framer
from allears.audio.libopus import DTX_BYTES, Application, Encoder
from allears.errors import AllearsError
from allears.link.control import Adaptive, Controller
from allears.link.padding import with_redundancy
from allears.redundancy.quality import RedundancyQuality
from allears.wire import red, rtcp
from allears.wire.dred import LATENT_MS, MAX_LATENTS
from allears.wire.errors import ParseError
from allears.wire.extensions import Extension
from allears.wire.opus import CLOCK_RATE
from allears.wire.red import RedBlock, RedPayload
from allears.wire.report import Report, ReportReader
from allears.wire.rtcp import Compound
from allears.wire.rtp import RtpPacket

OPUS_PAYLOAD_TYPE, RED_PAYLOAD_TYPE = 111, 63
"""Dynamic payload types, the ones that browsers use for Opus and for RED."""

LEAST_MS, MOST_MS = int(LATENT_MS), int(LATENT_MS) * MAX_LATENTS
"""How much of the past deep redundancy can send along, in ms."""


class RedundancyError(AllearsError, ValueError):
    """A redundancy that cannot be sent; the message says what can."""


@dataclass(frozen=True, slots=True)
class Redundancy:
    """What protects each packet.

    `lbrr`: Opus' own in-band copy of the frame before, coarser. `red`: whole copies of that many
    packets before it. `dred`: features of so many milliseconds before it, from which a network rebuilds
    the speech (deep redundancy). `adaptive`: whichever of LBRR and deep redundancy suits the losses that
    the receiver reports, out of one bitrate for all.
    """

    lbrr: bool = False
    red: int = 0
    dred: int = 0
    adaptive: bool = False

    @classmethod
    def parse(cls, text: str) -> "Redundancy":
        """Read `none`, `auto`, or `lbrr`, `red`, `red:N`, `dred`, `dred:MS` and several of them joined by `+`.

        Raises RedundancyError.
        """
        if text in ("none", "auto"):
            return cls(adaptive=text == "auto")
        found: dict[str, int] = {}
        for word in text.split("+"):
            name, colon, number = word.partition(":")
            value = _VALUES[name](number if colon else None) if name in _VALUES else None
            if value is None or name in found:
                raise RedundancyError(
                    f"redundancy {text!r}: use none, auto, lbrr, red or red:N (N from 1 to 17), dred or "
                    f"dred:MS (MS from {LEAST_MS} to {MOST_MS}), or several as in lbrr+dred:500"
                )
            found[name] = value
        return cls(bool(found.get("lbrr")), found.get("red", 0), found.get("dred", 0))

    def __str__(self) -> str:
        words = ["auto"] * self.adaptive + ["lbrr"] * self.lbrr
        words += [
            f"{name}:{getattr(self, name)}" for name in ("red", "dred") if getattr(self, name)
        ]
        return "+".join(words) or "none"

    @property
    def deep(self) -> bool:
        """Whether networks describe the past, or may."""
        return self.dred > 0 or self.adaptive

    def reach(self, ticks: int) -> int:
        """How far ahead of a lost packet its last copy may be, in ticks, at `ticks` a packet."""
        return max(max(self.red, int(self.lbrr)) * ticks, self.dred * CLOCK_RATE // 1000)


def _number(least: int, most: int, default: int) -> Callable[[str | None], int | None]:
    """Reads what stands behind a colon; None where it is out of range."""

    def read(text: str | None) -> int | None:
        if text is None:
            return default
        return int(text) if text.isdecimal() and least <= int(text[:5]) <= most else None

    return read


_VALUES: dict[str, Callable[[str | None], int | None]] = {
    "lbrr": lambda text: 1 if text is None else None,
    "red": _number(1, 17, 1),
    "dred": _number(LEAST_MS, MOST_MS, MOST_MS),
}


@runtime_checkable
class Deep(Protocol):
    """What says of the past in each packet what a network rebuilds it from."""

    quality: RedundancyQuality
    """How much of the past, and how finely, from the next packet on."""

    def push(self, samples: Float32[np.ndarray, " samples"]) -> None:
        """What the Opus encoder is given for the next packet."""

    def extension(self, max_bytes: int) -> Extension | None:
        """What the packet that ends here carries along; None while there is nothing to say."""


@dataclass(frozen=True, slots=True)
class SenderConfig:
    """How to send: `rate` of the samples in Hz, `frame_ms` a packet, `bitrate` of Opus in bit/s
    (RED and DRED come on top), `expected_loss` as a fraction: LBRR needs it to be above zero, and with
    LBRR or DRED Opus relies less on packets before.

    Deep redundancy is made with `weights`, by name or folder, and takes `dred_bitrate` bit/s, or where
    that is None some 20 kb/s for 1.04 s in packets of 20 ms.
    """

    rate: int = 16_000
    frame_ms: float = 20
    bitrate: int = 24_000
    complexity: int = 9
    redundancy: Redundancy = field(default_factory=Redundancy)
    expected_loss: float = 0.2
    dtx: bool = False
    application: Application = Application.VOIP
    weights: str = "allears"
    dred_bitrate: int | None = None

    @property
    def ticks(self) -> int:
        """Ticks of the RTP clock in one packet."""
        return int(CLOCK_RATE * self.frame_ms / 1000)


class Sender:
    """Turns samples into the packets of one RTP stream (RFC 7587).

    `rng` chooses the stream's identity and the counters' beginnings (RFC 3550 §5.1 wants them random).
    Deep redundancy comes from `deep`; without it, it is made as `config` says. A `controller` shares the
    configured bitrate anew at each report that `receive` is given; `adaptive` redundancy has one by itself.
    """

    def __init__(
        self,
        config: SenderConfig,
        rng: random.Random,
        deep: Deep | None = None,
        controller: Controller | None = None,
    ) -> None:
        redundancy = config.redundancy
        if redundancy.red * config.ticks > red.MAX_OFFSET:
            most = red.MAX_OFFSET // config.ticks
            raise RedundancyError(
                f"red:{redundancy.red} of {config.frame_ms:g} ms reaches further back than RED can say "
                f"(341 ms): use red:{most} at most, or shorter packets"
            )
        self.config = config
        self.encoder = Encoder(
            config.rate,
            frame_ms=config.frame_ms,
            application=config.application,
            bitrate=config.bitrate,
            complexity=config.complexity,
            inband_fec=redundancy.lbrr,
            expected_loss=config.expected_loss if redundancy.lbrr or redundancy.dred else 0.0,
            dtx=config.dtx,
        )
        wanted = redundancy.deep or controller
        self._deep = deep or (_deep(config, self.encoder) if wanted else None)
        self._controller = controller or (_adaptive(config) if redundancy.adaptive else None)
        self.ssrc = rng.getrandbits(32)
        self.sequence = rng.getrandbits(16)
        self.timestamp = rng.getrandbits(32)
        self._framer = Framer(self.encoder.frame_size)
        self._sent: deque[tuple[int, bytes]] = deque(maxlen=redundancy.red)
        self._quiet = False
        self._marker = True
        self._reports = ReportReader(self.ssrc)
        if self._controller:
            self._control(self._controller, Report())

    def receive(self, datagram: bytes) -> None:
        """Take in what the receiver reports (RTCP); whatever is in it, this never raises."""
        if not self._controller or not rtcp.is_rtcp(datagram):
            return
        with suppress(ParseError):
            report = self._reports.read(Compound.parse(datagram), self.sequence)
            if report.packets:
                self._control(self._controller, report)

    def _control(self, controller: Controller, report: Report) -> None:
        """Send from now on as the controller decides."""
        chosen = controller(report, self.config.bitrate, self.config.frame_ms)
        self.encoder.set_bitrate(chosen.bitrate)
        self.encoder.set_redundancy(inband_fec=chosen.lbrr, expected_loss=chosen.expected_loss)
        if self._deep:
            self._deep.quality = RedundancyQuality(chosen.dred, chosen.q0, chosen.dq, chosen.qmax)

    def push(self, samples: Float32[np.ndarray, " samples"]) -> list[RtpPacket]:
        """The packets that `samples` (in ±1, any number of them) complete."""
        return self._send(self._framer.push(samples))

    def flush(self) -> list[RtpPacket]:
        """The packet for what is left, filled up with silence."""
        return self._send(self._framer.flush())

    def _send(self, frames: list[Float32[np.ndarray, " size"]]) -> list[RtpPacket]:
        packets = (self._packet(self._encode(frame)) for frame in frames)
        return [packet for packet in packets if packet is not None]

    def _encode(self, frame: Float32[np.ndarray, " size"]) -> bytes:
        if self._deep:
            self._deep.push(frame)
        return self.encoder.encode(frame)

    def _packet(self, opus: bytes) -> RtpPacket | None:
        """The packet for one encoded frame; None where silence need not be repeated."""
        timestamp = self.timestamp
        self.timestamp = (timestamp + self.config.ticks) & 0xFFFFFFFF
        was_quiet, self._quiet = self._quiet, self.config.dtx and len(opus) <= DTX_BYTES
        if was_quiet and self._quiet:
            # The one that began the pause has been sent; the marker will begin the next spurt.
            self._marker = True
            return None
        payload_type, payload = self._protect(timestamp, opus)
        packet = RtpPacket(payload_type, self.sequence, timestamp, self.ssrc, payload, self._marker)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self._marker = False
        return packet

    def _protect(self, timestamp: int, opus: bytes) -> tuple[int, bytes]:
        """Payload type and payload: Opus with what is in its padding, or with copies of packets before.

        Copies carry no deep redundancy: the packet around them does.
        """
        primary = opus
        if self._deep and len(opus) > DTX_BYTES:  # a packet that says "a pause begins" stays short
            primary = with_redundancy(opus, self._deep.extension)
        if not self.config.redundancy.red:
            return OPUS_PAYLOAD_TYPE, primary
        offsets = (((timestamp - then) & 0xFFFFFFFF, copy) for then, copy in self._sent)
        blocks = tuple(
            RedBlock(OPUS_PAYLOAD_TYPE, offset, copy)
            for offset, copy in offsets
            if offset <= red.MAX_OFFSET and len(copy) <= red.MAX_BLOCK
        )
        self._sent.append((timestamp, opus))
        return RED_PAYLOAD_TYPE, bytes(RedPayload(OPUS_PAYLOAD_TYPE, primary, blocks))


def _adaptive(config: SenderConfig) -> Controller:
    from allears.link.deep import cost_of
    from allears.link.neural import redundancy_model

    return Adaptive(cost_of(redundancy_model(config.weights)))


def _deep(config: SenderConfig, encoder: Encoder) -> Deep:
    # Imported here so that calls without deep redundancy run without its networks.
    from allears.link.deep import DeepEncoder

    return DeepEncoder(
        config.weights,
        config.rate,
        seconds=config.frame_ms / 1000,
        lookahead=encoder.lookahead / config.rate,
        milliseconds=config.redundancy.dred,
        bitrate=config.dred_bitrate,
    )
