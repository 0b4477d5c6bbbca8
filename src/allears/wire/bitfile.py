"""`.bit` files as opus_demo writes them: Opus packets with the encoder's final range.

A file is a run of records, each a 32-bit big-endian length, the encoder's final range (32 bits,
big-endian; RFC 6716 §6 lets a decoder check its own against it) and the packet. A length of 0 is a
frame that was not sent: lost, or silence under DTX.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from allears.wire.errors import ParseError

MAX_PACKET = 65535
"""The longest packet accepted, in bytes.

A packet travels in one UDP datagram, whose length has 16 bits; the longest that Opus can fill
without padding, 48 frames of 1275 bytes (RFC 6716 §3.2.5), is shorter. A longer one is a damaged
length.
"""

_RECORD = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class BitPacket:
    """One record: an Opus packet (empty if not sent) and the encoder's 32-bit final range."""

    payload: bytes
    final_range: int


def parse(data: bytes) -> list[BitPacket]:
    """Read every packet of a file; an empty file has none.

    Raises ParseError naming packet (from 0) and byte offset if a record is cut off or too long.
    """
    packets: list[BitPacket] = []
    position = 0
    while position < len(data):
        where = f"packet {len(packets)} at byte {position}"
        start = position + _RECORD.size
        if start > len(data):
            raise ParseError(f"{where}: record header needs 8 bytes, {len(data) - position} left")
        length, final_range = _RECORD.unpack_from(data, position)
        if length > MAX_PACKET:
            raise ParseError(f"{where}: length {length} is over {MAX_PACKET}")
        position = start + length
        if position > len(data):
            raise ParseError(f"{where}: {length} bytes promised, {len(data) - start} left")
        packets.append(BitPacket(data[start:position], final_range))
    return packets


def serialise(packets: Iterable[BitPacket]) -> bytes:
    """Write packets as `parse` reads them.

    Raises ValueError for a payload over MAX_PACKET bytes or a final range over 32 bits.
    """
    records: list[bytes] = []
    for packet in packets:
        if len(packet.payload) > MAX_PACKET:
            raise ValueError(f"packet {len(records)}: {len(packet.payload)} bytes > {MAX_PACKET}")
        if not 0 <= packet.final_range <= 0xFFFFFFFF:
            raise ValueError(f"packet {len(records)}: final range {packet.final_range}: 32 bits")
        records.append(_RECORD.pack(len(packet.payload), packet.final_range) + packet.payload)
    return b"".join(records)
