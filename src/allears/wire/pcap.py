"""Network captures, for the UDP datagrams in them: classic pcap, and pcapng beside it.

Formats: draft-ietf-opsawg-pcap (microsecond and nanosecond files, either byte order) and
`allears.wire.pcapng`. Link types: Ethernet, Linux cooked capture, raw IP and BSD loopback.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from allears.wire import ip, pcapng
from allears.wire.errors import ParseError
from allears.wire.ip import Address, Frame

_FORMATS = {  # magic number: byte order, ticks per second
    b"\xa1\xb2\xc3\xd4": (">", 10**6),
    b"\xd4\xc3\xb2\xa1": ("<", 10**6),
    b"\xa1\xb2\x3c\x4d": (">", 10**9),
    b"\x4d\x3c\xb2\xa1": ("<", 10**9),
}
_FILE_HEADER = 24
_NANOSECONDS = 10**9


@dataclass(frozen=True, slots=True)
class Datagram:
    """A captured UDP datagram: `time` in seconds since the epoch, (address, port) at both ends."""

    time: float
    source: Address
    destination: Address
    payload: bytes


def parse(data: bytes) -> list[Datagram]:
    """Read the UDP datagrams of a capture, in the file's order.

    Other traffic, fragments and packets cut short by the capture are left out. Raises ParseError
    naming the byte offset where the file itself is broken or cut off, and for a capture whose every
    frame is of a link type not read here.
    """
    datagrams: list[Datagram] = []
    unknown: set[int] = set()
    readable = False
    for frame in _frames(data):
        if not ip.knows(frame.link_type):
            unknown.add(frame.link_type)
            continue
        readable = True
        if packet := ip.decapsulate(frame):
            datagrams.append(Datagram(frame.time, *packet))
    if unknown and not readable:
        names = ", ".join(map(str, sorted(unknown)))
        raise ParseError(f"capture of link type {names}: capture on Ethernet or as raw IP")
    return datagrams


def serialise(datagrams: Iterable[Datagram]) -> bytes:
    """Write a nanosecond pcap of raw IP packets, as `parse` reads it.

    Times come back exactly where a float can tell nanoseconds apart no better than the file, else
    to the nanosecond. Raises ValueError for a time outside 0 to 2^32 s, addresses that are not IP
    or of two versions, a port over 16 bits or a payload too long for UDP.
    """
    records = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 18, ip.LINK_RAW_IP)]
    for datagram in datagrams:
        if not 0 <= datagram.time < 1 << 32:
            raise ValueError(f"capture times are 0 to 2^32 seconds, not {datagram.time}")
        packet = ip.Packet(datagram.source, datagram.destination, datagram.payload)
        frame = ip.encapsulate(packet)
        whole = int(datagram.time)
        # The whole seconds stay out of the product: with them it would round by up to 128 ns.
        nanoseconds = whole * _NANOSECONDS + round((datagram.time - whole) * _NANOSECONDS)
        stamp = divmod(nanoseconds, _NANOSECONDS)
        records.append(struct.pack("<IIII", *stamp, len(frame), len(frame)) + frame)
    return b"".join(records)


def _frames(data: bytes) -> Iterator[Frame]:
    magic = data[:4]
    if magic == pcapng.MAGIC:
        return pcapng.frames(data)
    if magic in _FORMATS:
        return _classic_frames(data, *_FORMATS[magic])
    raise ParseError(f"byte 0: {magic.hex() or 'nothing'} begins neither a pcap nor a pcapng file")


def _classic_frames(data: bytes, order: str, ticks: int) -> Iterator[Frame]:
    if len(data) < _FILE_HEADER:
        raise ParseError(f"byte 0: pcap file header needs {_FILE_HEADER} bytes, not {len(data)}")
    # The upper bits say how long a frame check sequence is; nothing after the IP packet is read.
    link_type = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    record = struct.Struct(order + "IIII")
    position = _FILE_HEADER
    while position < len(data):
        start = position + record.size
        if start > len(data):
            raise ParseError(f"byte {position}: pcap record header is cut off")
        seconds, fraction, length, _ = record.unpack_from(data, position)
        end = start + length
        if end > len(data):
            left = len(data) - start
            raise ParseError(f"byte {position}: pcap record of {length} bytes has {left} left")
        # One exact division, so that equal times in files of either resolution are equal.
        yield Frame((seconds * ticks + fraction) / ticks, link_type, data[start:end])
        position = end
