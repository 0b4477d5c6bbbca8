"""The frames of a pcapng capture (draft-ietf-opsawg-pcapng).

Section headers, interface descriptions, enhanced and simple packets are read; other blocks are
skipped over, as the format asks.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from allears.wire.errors import ParseError
from allears.wire.ip import Frame

MAGIC = b"\x0a\x0d\x0d\x0a"
"""The type of a section header block, the same in either byte order: how a file begins."""

_INTERFACE, _SIMPLE_PACKET, _ENHANCED_PACKET = 1, 3, 6
_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_END_OF_OPTIONS, _RESOLUTION, _OFFSET = 0, 9, 14


class _Interface(NamedTuple):
    link_type: int
    snap_length: int  # bytes, 0 for no limit
    ticks: int  # per second
    offset: int  # seconds to add


@dataclass
class _Section:
    """What the blocks of a section share: byte order, and interfaces in order of description."""

    order: str
    interfaces: list[_Interface] = field(default_factory=list)

    def unpack(self, layout: str, data: bytes, position: int = 0) -> tuple[int, ...]:
        """Read integers; raises ParseError if `data` ends before them."""
        fields = struct.Struct(self.order + layout)
        if position + fields.size > len(data):
            raise ParseError(f"needs {fields.size} bytes, {len(data) - position} left")
        return fields.unpack_from(data, position)

    def interface(self, number: int) -> _Interface:
        """Return an interface; raises ParseError if none of that number was described."""
        if number >= len(self.interfaces):
            raise ParseError(f"interface {number} was never described")
        return self.interfaces[number]


def frames(data: bytes) -> Iterator[Frame]:
    """Yield the captured frames, in the file's order.

    A simple packet has no time: it is given the time of the frame before it, 0 if it comes first.
    Raises ParseError naming the byte offset of the block that is broken or cut off.
    """
    position, time = 0, 0.0
    section = _Section("<")
    while position < len(data):
        try:
            if data[position : position + 4] == MAGIC:
                section = _Section(_byte_order(data, position))
            kind, body = _block(data, position, section)
            if kind == _INTERFACE:
                section.interfaces.append(_describe(body, section))
            elif kind == _ENHANCED_PACKET:
                frame = _enhanced_packet(body, section)
                time = frame.time
                yield frame
            elif kind == _SIMPLE_PACKET:
                yield _simple_packet(body, section, time)
        except ParseError as error:
            raise ParseError(f"byte {position}: pcapng block {error}") from None
        position += len(body) + 12


def _byte_order(data: bytes, position: int) -> str:
    magic = data[position + 8 : position + 12]
    if magic not in _ORDERS:
        raise ParseError(f"has byte-order magic {magic.hex() or 'cut off'}")
    return _ORDERS[magic]


def _block(data: bytes, position: int, section: _Section) -> tuple[int, bytes]:
    """Return a block's type and its body, between the two copies of its length."""
    kind, length = section.unpack("II", data, position)
    end = position + length
    if length < 12 or length % 4 or end > len(data):
        left = len(data) - position
        raise ParseError(f"length {length} is no multiple of 4 from 12 to {left}, what is left")
    (again,) = section.unpack("I", data, end - 4)
    if again != length:
        raise ParseError(f"length {length} at its start is {again} at its end")
    return kind, data[position + 8 : end - 4]


def _describe(body: bytes, section: _Section) -> _Interface:
    link_type, _, snap_length = section.unpack("HHI", body)
    ticks, offset = 10**6, 0
    for code, value in _options(body, 8, section):
        if code == _RESOLUTION:
            (power,) = section.unpack("B", value)
            ticks = 2 ** (power & 0x7F) if power & 0x80 else 10**power
        elif code == _OFFSET:
            (offset,) = section.unpack("q", value)
    return _Interface(link_type, snap_length, ticks, offset)


def _options(body: bytes, position: int, section: _Section) -> Iterator[tuple[int, bytes]]:
    while position < len(body):
        code, length = section.unpack("HH", body, position)
        if code == _END_OF_OPTIONS:
            return
        start, end = position + 4, position + 4 + length
        if end > len(body):
            raise ParseError(f"option {code} of {length} bytes has {len(body) - start} left")
        yield code, body[start:end]
        position = end + -end % 4  # bodies begin on a word, so their options do too


def _enhanced_packet(body: bytes, section: _Section) -> Frame:
    number, high, low, length, _ = section.unpack("IIIII", body)
    interface = section.interface(number)
    ticks = (high << 32 | low) + interface.offset * interface.ticks
    return Frame(ticks / interface.ticks, interface.link_type, _captured(body, 20, length))


def _simple_packet(body: bytes, section: _Section, time: float) -> Frame:
    (length,) = section.unpack("I", body)
    interface = section.interface(0)
    captured = min(length, interface.snap_length or length)
    return Frame(time, interface.link_type, _captured(body, 4, captured))


def _captured(body: bytes, start: int, length: int) -> bytes:
    if start + length > len(body):
        raise ParseError(f"promises {length} captured bytes, has {len(body) - start}")
    return body[start : start + length]
