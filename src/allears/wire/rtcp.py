"""RTCP, as far as a call needs it: reports, who speaks, and saying goodbye (RFC 3550 §6).

It travels on the RTP port (RFC 5761). Extended reports (RFC 3611) carry the pattern of losses.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from allears.wire import loss_rle
from allears.wire.errors import ParseError
from allears.wire.loss_rle import LossRle

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION, BYE, EXTENDED_REPORT = 200, 201, 202, 203, 207

_CNAME = 1
_MOST = 31  # blocks or streams that the five bits of a header count
_HEADER = struct.Struct(">BBH")
_SENDER = struct.Struct(">QIII")
_BLOCK = struct.Struct(">IIIIII")
_HALF = 1 << 23

Item = TypeVar("Item")


class Part(NamedTuple):
    """One packet of a compound one: its packet type, the five bits that count what is in it, and that."""

    kind: int
    items: int
    body: bytes


@dataclass(frozen=True, slots=True)
class SenderInfo:
    """What a sender says of itself (RFC 3550 §6.4.1).

    `ntp`: its clock, seconds · 2³²; `timestamp`: the RTP timestamp of that moment; `packets` and
    `octets` of payload sent so far.
    """

    ntp: int
    timestamp: int
    packets: int
    octets: int

    def __bytes__(self) -> bytes:
        return _SENDER.pack(self.ntp, self.timestamp, self.packets, self.octets)


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How one stream is received (RFC 3550 §6.4.1).

    `fraction_lost` since the last report, in 1/256; `cumulative_lost` since the beginning (−2²³ to
    2²³ − 1, negative by duplicates); `highest_sequence` with 16 bits of cycles above; `jitter` in ticks
    of the stream's clock; `last_sender_report`: the middle 32 bits of the `ntp` heard last, 0 for
    none; `since_last`: seconds · 2¹⁶ from then to this report.
    """

    ssrc: int
    fraction_lost: int
    cumulative_lost: int
    highest_sequence: int
    jitter: int = 0
    last_sender_report: int = 0
    since_last: int = 0

    @property
    def loss_rate(self) -> float:
        """Share of the packets since the last report that were lost."""
        return self.fraction_lost / 256

    def round_trip(self, ntp: int) -> float | None:
        """Seconds there and back, where this report came at `ntp` of the sender's clock."""
        if not self.last_sender_report:
            return None
        away = ((ntp >> 16) - self.last_sender_report - self.since_last) & 0xFFFFFFFF
        return away / 65536 if away < 1 << 31 else 0.0  # clocks that disagree by a hair

    def __bytes__(self) -> bytes:
        if not -_HALF <= self.cumulative_lost < _HALF or not 0 <= self.fraction_lost <= 0xFF:
            raise ValueError(
                f"{self.cumulative_lost} lost packets ({self.fraction_lost}/256): "
                "24 bits with a sign, and 0 to 255"
            )
        lost = self.fraction_lost << 24 | self.cumulative_lost & 0xFFFFFF
        return _BLOCK.pack(
            self.ssrc,
            lost,
            self.highest_sequence,
            self.jitter,
            self.last_sender_report,
            self.since_last,
        )


@dataclass(frozen=True, slots=True)
class Compound:
    """A compound packet (RFC 3550 §6.1) of the participant `ssrc`.

    `sender` only of who sends audio; `blocks` one for each stream heard; `cname` the participant's
    lasting name; `losses` the patterns of loss; `gone` the streams that end here.
    """

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()
    sender: SenderInfo | None = None
    cname: str = ""
    losses: tuple[LossRle, ...] = ()
    gone: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, datagram: bytes) -> "Compound":
        """Read one; kinds of packets and blocks not known here are skipped.

        Raises ParseError where it does not begin with a report, or a packet in it is malformed.
        """
        ssrc, sender, cname = -1, None, ""
        blocks: list[ReportBlock] = []
        losses: list[LossRle] = []
        gone: set[int] = set()
        for part in parts(datagram):
            if ssrc < 0 and part.kind not in (SENDER_REPORT, RECEIVER_REPORT):
                raise ParseError(f"RTCP: a compound packet begins with a report, not {part.kind}")
            match part.kind:
                case 200 | 201:
                    who, said, more = _report(part)
                    ssrc = who if ssrc < 0 else ssrc
                    sender = sender or said
                    blocks += more
                case 202:
                    cname = dict(_names(part)).get(ssrc, cname)
                case 203:
                    gone.update(_streams(part))
                case 207:
                    losses += _losses(part)
        if ssrc < 0:
            raise ParseError("RTCP: an empty datagram")
        return cls(ssrc, tuple(blocks), sender, cname, tuple(losses), frozenset(gone))

    def __bytes__(self) -> bytes:
        who = struct.pack(">I", self.ssrc)
        packed = []
        kind, said = RECEIVER_REPORT, b""
        if self.sender:
            kind, said = SENDER_REPORT, bytes(self.sender)
        for blocks in _lots(self.blocks) or [()]:
            packed.append(_pack(kind, len(blocks), who + said + b"".join(map(bytes, blocks))))
            kind, said = RECEIVER_REPORT, b""
        if self.cname:
            packed.append(_description(who, self.cname))
        if self.losses:
            packed.append(_pack(EXTENDED_REPORT, 0, who + b"".join(map(bytes, self.losses))))
        for gone in _lots(sorted(self.gone)):
            packed.append(_pack(BYE, len(gone), struct.pack(f">{len(gone)}I", *gone)))
        return b"".join(packed)


def is_rtcp(datagram: bytes) -> bool:
    """Whether a datagram that came to an RTP port is RTCP (RFC 5761 §4)."""
    return len(datagram) > 1 and 192 <= datagram[1] <= 223


def goodbye(ssrc: int) -> bytes:
    """The compound packet that ends the stream `ssrc`: an empty receiver report, then BYE."""
    return bytes(Compound(ssrc, gone=frozenset({ssrc})))


def departed(datagram: bytes) -> frozenset[int]:
    """The streams that a compound packet says goodbye to.

    Raises ParseError where a packet in it is no RTCP or ends too early (RFC 3550 §6.4, A.2).
    """
    return frozenset(
        ssrc for part in parts(datagram) if part.kind == BYE for ssrc in _streams(part)
    )


def parts(datagram: bytes) -> Iterator[Part]:
    """The packets of a compound one, without their padding. Raises ParseError as `departed`."""
    at = 0
    while at < len(datagram):
        if len(datagram) - at < 4:
            raise ParseError(f"RTCP: {len(datagram) - at} bytes at {at} are no header")
        flags, kind, words = _HEADER.unpack_from(datagram, at)
        size = 4 + 4 * words
        if flags >> 6 != 2:
            raise ParseError(f"RTCP: version {flags >> 6} at byte {at}, not 2")
        if size > len(datagram) - at:
            raise ParseError(f"RTCP: a packet of {size} bytes at {at} of {len(datagram)}")
        padding = datagram[at + size - 1] if flags & 0x20 else 0
        if padding > size - 4 or (flags & 0x20 and not padding):
            raise ParseError(f"RTCP: {padding} bytes of padding in a packet of {size}")
        yield Part(kind, flags & 31, datagram[at + 4 : at + size - padding])
        at += size


def _report(part: Part) -> tuple[int, SenderInfo | None, list[ReportBlock]]:
    """Of a sender's or receiver's report: who says it, what of itself, and what of others."""
    at = 4 + (_SENDER.size if part.kind == SENDER_REPORT else 0)
    if len(part.body) < at + _BLOCK.size * part.items:
        raise ParseError(f"RTCP: a report of {part.items} blocks in {len(part.body)} bytes")
    sender = SenderInfo(*_SENDER.unpack_from(part.body, 4)) if at > 4 else None
    blocks = []
    for _ in range(part.items):
        ssrc, lost, *rest = _BLOCK.unpack_from(part.body, at)
        cumulative = ((lost & 0xFFFFFF) ^ _HALF) - _HALF
        blocks.append(ReportBlock(ssrc, lost >> 24, cumulative, *rest))
        at += _BLOCK.size
    return int.from_bytes(part.body[:4]), sender, blocks


def _names(part: Part) -> Iterator[tuple[int, str]]:
    """Who is called what (RFC 3550 §6.5)."""
    body, at = part.body, 0
    for _ in range(part.items):
        if at + 4 > len(body):
            raise ParseError(f"RTCP: a description of {part.items} streams in {len(body)} bytes")
        ssrc = int.from_bytes(body[at : at + 4])
        at += 4
        while at < len(body) and body[at]:
            end = at + 2 + int.from_bytes(body[at + 1 : at + 2])
            if at + 2 > len(body) or end > len(body):
                raise ParseError(f"RTCP: an item of a description ends at {end} of {len(body)}")
            if body[at] == _CNAME:
                yield ssrc, body[at + 2 : end].decode("utf-8", "surrogateescape")
            at = end
        at += 4 - at % 4  # one null byte or more, to a whole word


def _description(who: bytes, cname: str) -> bytes:
    name = cname.encode("utf-8", "surrogateescape")
    if len(name) > 255:
        raise ValueError(f"a CNAME is at most 255 bytes, not {len(name)}")
    chunk = who + bytes([_CNAME, len(name)]) + name
    return _pack(DESCRIPTION, 1, chunk + bytes(4 - len(chunk) % 4))


def _streams(part: Part) -> tuple[int, ...]:
    if 4 * part.items > len(part.body):
        raise ParseError(f"RTCP: BYE of {part.items} streams in {len(part.body)} bytes")
    return struct.unpack_from(f">{part.items}I", part.body)


def _losses(part: Part) -> Iterator[LossRle]:
    """The Loss RLE blocks of an extended report (RFC 3611 §3); others are skipped."""
    body, at = part.body, 4
    if len(body) < 4:
        raise ParseError("RTCP: an extended report that does not say whose")
    while at < len(body):
        size = 4 + 4 * int.from_bytes(body[at + 2 : at + 4])
        if at + size > len(body):
            raise ParseError(f"RTCP: a block of {size} bytes at {at} of {len(body)}")
        if body[at] == loss_rle.BLOCK_TYPE:
            yield LossRle.parse(body[at : at + size])
        at += size


def _pack(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _lots(items: Sequence[Item]) -> list[Sequence[Item]]:
    return [items[at : at + _MOST] for at in range(0, len(items), _MOST)]
