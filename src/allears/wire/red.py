"""Redundant audio data (RFC 2198): a packet's own frame and copies of the ones before it."""

import struct
from dataclasses import dataclass

from allears.wire.errors import ParseError

MAX_OFFSET = 16383
"""The longest reach of a redundant block, in timestamp units: 14 bits, 341 ms at 48 kHz."""
MAX_BLOCK = 1023
"""The most bytes a redundant block holds: 10 bits."""

_HEADER = struct.Struct(">I")
_FOLLOWS = 0x80  # another block's header follows this one


@dataclass(frozen=True, slots=True)
class RedBlock:
    """A redundant block: `offset` in timestamp units before the packet's own timestamp."""

    payload_type: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class RedPayload:
    """The payload of a RED packet (RFC 2198 §3).

    `redundant` stands as on the wire, by custom oldest first. Parsing and `bytes()` are inverse.
    `bytes()` raises ValueError for an offset over MAX_OFFSET, a block over MAX_BLOCK bytes or a
    payload type over 7 bits.
    """

    primary_type: int
    primary: bytes
    redundant: tuple[RedBlock, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> "RedPayload":
        """Read one payload; raises ParseError if headers or blocks overrun it."""
        headers, start = _parse_headers(data)
        blocks = []
        for number, header in enumerate(headers):
            end = start + (header & MAX_BLOCK)
            if end > len(data):
                raise ParseError(
                    f"redundant block {number} ends at byte {end}, the RED payload at {len(data)}"
                )
            payload_type, offset = header >> 24 & 0x7F, header >> 10 & MAX_OFFSET
            blocks.append(RedBlock(payload_type, offset, data[start:end]))
            start = end
        primary_type = data[4 * len(headers)]
        return cls(primary_type, data[start:], tuple(blocks))

    def __bytes__(self) -> bytes:
        _check_payload_type(self.primary_type)
        headers = b"".join(_block_header(block) for block in self.redundant)
        blocks = b"".join(block.data for block in self.redundant)
        return b"".join((headers, bytes([self.primary_type]), blocks, self.primary))


def _parse_headers(data: bytes) -> tuple[list[int], int]:
    """Return the 4-byte headers of the redundant blocks and where the first block starts."""
    headers: list[int] = []
    position = 0
    while position < len(data) and data[position] & _FOLLOWS:
        if position + 4 > len(data):
            raise ParseError(f"RED block header at byte {position} needs 4 bytes")
        headers.append(_HEADER.unpack_from(data, position)[0])
        position += 4
    if position == len(data):
        raise ParseError(f"RED payload ends at byte {position} before its primary block's header")
    return headers, position + 1


def _block_header(block: RedBlock) -> bytes:
    _check_payload_type(block.payload_type)
    if not 0 <= block.offset <= MAX_OFFSET:
        raise ValueError(f"redundant offset is 0 to {MAX_OFFSET}, not {block.offset}")
    if len(block.data) > MAX_BLOCK:
        raise ValueError(f"redundant block of {len(block.data)} bytes, at most {MAX_BLOCK} fit")
    first = _FOLLOWS | block.payload_type
    return _HEADER.pack(first << 24 | block.offset << 10 | len(block.data))


def _check_payload_type(payload_type: int) -> None:
    if not 0 <= payload_type <= 0x7F:
        raise ValueError(f"payload type is 0 to 127, not {payload_type}")
