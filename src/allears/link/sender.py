"""The sending end of a call: samples in, RTP packets out, with what protects them. It does no I/O."""

import random
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32

from allears.audio.framing import Framer
from allears.audio.libopus import DTX_BYTES, Application, Encoder
from allears.errors import AllearsError
from allears.wire import red
from allears.wire.opus import CLOCK_RATE
from allears.wire.red import RedBlock, RedPayload
from allears.wire.rtp import RtpPacket

OPUS_PAYLOAD_TYPE, RED_PAYLOAD_TYPE = 111, 63
"""Dynamic payload types, the ones that browsers use for Opus and for RED."""


class RedundancyError(AllearsError, ValueError):
    """A redundancy that cannot be sent; the message says what can."""


@dataclass(frozen=True, slots=True)
class Redundancy:
    """What protects each packet.

    `lbrr`: Opus' own in-band copy of the frame before, coarser. `red`: whole copies of that many
    packets before it.
    """

    lbrr: bool = False
    red: int = 0

    @classmethod
    def parse(cls, text: str) -> "Redundancy":
        """Read `none`, `lbrr`, `red`, `red:N`, or several joined by `+`; raises RedundancyError."""
        lbrr, copies = False, 0
        if text == "none":
            return cls()
        for word in text.split("+"):
            name, _, number = word.partition(":")
            if word == "lbrr" and not lbrr:
                lbrr = True
            elif (
                name == "red"
                and not copies
                and (word == "red" or (number.isdecimal() and 0 < int(number) < 18))
            ):
                copies = int(number or 1)
            else:
                raise RedundancyError(
                    f"redundancy {text!r}: use none, lbrr, red or red:N (N from 1 to 17), or lbrr+red:N"
                )
        return cls(lbrr, copies)

    def __str__(self) -> str:
        words = ["lbrr"] * self.lbrr + [f"red:{self.red}"] * (self.red > 0)
        return "+".join(words) or "none"

    def reach(self, ticks: int) -> int:
        """How far ahead of a lost packet its last copy may be, in ticks, at `ticks` a packet."""
        return max(self.red, int(self.lbrr)) * ticks


@dataclass(frozen=True, slots=True)
class SenderConfig:
    """How to send: `rate` of the samples in Hz, `frame_ms` a packet, `bitrate` of Opus in bit/s
    (copies by RED come on top), `expected_loss` as a fraction, which LBRR needs to be above zero."""

    rate: int = 16_000
    frame_ms: float = 20
    bitrate: int = 24_000
    complexity: int = 9
    redundancy: Redundancy = field(default_factory=Redundancy)
    expected_loss: float = 0.2
    dtx: bool = False
    application: Application = Application.VOIP

    @property
    def ticks(self) -> int:
        """Ticks of the RTP clock in one packet."""
        return int(CLOCK_RATE * self.frame_ms / 1000)


class Sender:
    """Turns samples into the packets of one RTP stream (RFC 7587).

    `rng` chooses the stream's identity and the counters' beginnings (RFC 3550 §5.1 wants them random).
    """

    def __init__(self, config: SenderConfig, rng: random.Random) -> None:
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
            expected_loss=config.expected_loss if redundancy.lbrr else 0.0,
            dtx=config.dtx,
        )
        self.ssrc = rng.getrandbits(32)
        self.sequence = rng.getrandbits(16)
        self.timestamp = rng.getrandbits(32)
        self._framer = Framer(self.encoder.frame_size)
        self._sent: deque[tuple[int, bytes]] = deque(maxlen=redundancy.red)
        self._quiet = False
        self._marker = True

    def push(self, samples: Float32[np.ndarray, " samples"]) -> list[RtpPacket]:
        """The packets that `samples` (in ±1, any number of them) complete."""
        return self._send(self._framer.push(samples))

    def flush(self) -> list[RtpPacket]:
        """The packet for what is left, filled up with silence."""
        return self._send(self._framer.flush())

    def _send(self, frames: list[Float32[np.ndarray, " size"]]) -> list[RtpPacket]:
        packets = (self._packet(self.encoder.encode(frame)) for frame in frames)
        return [packet for packet in packets if packet is not None]

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
        """Payload type and payload: Opus alone, or with copies of the packets before it."""
        if not self.config.redundancy.red:
            return OPUS_PAYLOAD_TYPE, opus
        offsets = (((timestamp - then) & 0xFFFFFFFF, copy) for then, copy in self._sent)
        blocks = tuple(
            RedBlock(OPUS_PAYLOAD_TYPE, offset, copy)
            for offset, copy in offsets
            if offset <= red.MAX_OFFSET and len(copy) <= red.MAX_BLOCK
        )
        self._sent.append((timestamp, opus))
        return RED_PAYLOAD_TYPE, bytes(RedPayload(OPUS_PAYLOAD_TYPE, opus, blocks))
