"""RTCP, as far as a call needs it: saying goodbye (RFC 3550 §6.6), on the RTP port (RFC 5761)."""

import struct

from allears.wire.errors import ParseError

RECEIVER_REPORT, BYE = 201, 203

_HEADER = struct.Struct(">BBHI")


def is_rtcp(datagram: bytes) -> bool:
    """Whether a datagram that came to an RTP port is RTCP (RFC 5761 §4)."""
    return len(datagram) > 1 and 192 <= datagram[1] <= 223


def goodbye(ssrc: int) -> bytes:
    """The compound packet that ends the stream `ssrc`: an empty receiver report, then BYE."""
    return _HEADER.pack(0x80, RECEIVER_REPORT, 1, ssrc) + _HEADER.pack(0x81, BYE, 1, ssrc)


def departed(datagram: bytes) -> frozenset[int]:
    """The streams that a compound packet says goodbye to.

    Raises ParseError where a packet in it is no RTCP or ends too early (RFC 3550 §6.4, A.2).
    """
    gone: set[int] = set()
    at = 0
    while at < len(datagram):
        if len(datagram) - at < 4:
            raise ParseError(f"RTCP: {len(datagram) - at} bytes at {at} are no header")
        count, kind = datagram[at] & 31, datagram[at + 1]
        size = 4 + 4 * int.from_bytes(datagram[at + 2 : at + 4])
        if datagram[at] >> 6 != 2:
            raise ParseError(f"RTCP: version {datagram[at] >> 6} at byte {at}, not 2")
        if size > len(datagram) - at:
            raise ParseError(f"RTCP: a packet of {size} bytes at {at} of {len(datagram)}")
        if kind == BYE:
            if 4 + 4 * count > size:
                raise ParseError(f"RTCP: BYE of {count} streams in {size} bytes")
            gone.update(struct.unpack_from(f">{count}I", datagram, at + 4))
        at += size
    return frozenset(gone)
