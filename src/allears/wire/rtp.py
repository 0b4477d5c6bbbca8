"""RTP packets (RFC 3550 §5.1), their header extensions (RFC 8285) and their wrapping counters."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from allears.wire.errors import ParseError

_VERSION = 2
_FIXED = struct.Struct(">BBHII")
_EXTENSION = struct.Struct(">HH")
_LIMITS = (
    ("payload_type", 0x7F),
    ("sequence", 0xFFFF),
    ("timestamp", 0xFFFFFFFF),
    ("ssrc", 0xFFFFFFFF),
    ("padding", 0xFF),
)

ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000  # its low four bits are the application's


class ExtensionElement(NamedTuple):
    """One element of a header extension: `id` as negotiated in SDP, `data` without its header."""

    id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class HeaderExtension:
    """The extension after the fixed header (RFC 3550 §5.3.1): 16-bit `profile`, whole words."""

    profile: int
    data: bytes

    @classmethod
    def from_elements(cls, elements: Sequence[ExtensionElement]) -> "HeaderExtension":
        """Pack elements in the one-byte form, or the two-byte form if one needs it (RFC 8285 §4).

        Raises ValueError for an id outside 1 to 255 or more than 255 bytes in one element.
        """
        for number, data in elements:
            if not 1 <= number <= 255 or len(data) > 255:
                raise ValueError(f"element {number} of {len(data)} bytes: id 1-255, at most 255")
        if all(number < 15 and 1 <= len(data) <= 16 for number, data in elements):
            profile = ONE_BYTE_PROFILE
            packed = b"".join(bytes([n << 4 | len(data) - 1]) + data for n, data in elements)
        else:
            profile = TWO_BYTE_PROFILE
            packed = b"".join(bytes([n, len(data)]) + data for n, data in elements)
        return cls(profile, packed + bytes(-len(packed) % 4))

    def elements(self) -> tuple[ExtensionElement, ...]:
        """Unpack the elements, in order and without padding (RFC 8285 §4.2, §4.3).

        Raises ParseError for another profile than RFC 8285's, or an element that overruns.
        """
        if self.profile == ONE_BYTE_PROFILE:
            return tuple(_one_byte_elements(self.data))
        if self.profile & 0xFFF0 == TWO_BYTE_PROFILE:
            return tuple(_two_byte_elements(self.data))
        raise ParseError(f"extension profile 0x{self.profile:04x} is not one of RFC 8285's")

    def __bytes__(self) -> bytes:
        words, rest = divmod(len(self.data), 4)
        if rest or words > 0xFFFF or not 0 <= self.profile <= 0xFFFF:
            raise ValueError(
                f"extension profile {self.profile} with {len(self.data)} bytes: the profile is "
                "16 bits, the data at most 65535 words of 4 bytes"
            )
        return _EXTENSION.pack(self.profile, words) + self.data


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One RTP packet (RFC 3550 §5.1).

    `sequence` is 16 bits, `timestamp` (in ticks of the payload's clock) and `ssrc` 32 bits,
    `padding` the number of padding bytes, their count byte included; 0 is none.

    `bytes(RtpPacket.parse(data)) == data` if the padding before its count byte is zero: what the
    padding holds is not kept. `bytes()` raises ValueError naming the field that does not fit.
    """

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False
    csrcs: tuple[int, ...] = ()
    extension: HeaderExtension | None = None
    padding: int = 0

    @classmethod
    def parse(cls, data: bytes) -> "RtpPacket":
        """Read one packet; raises ParseError saying which rule of RFC 3550 §5.1 is broken."""
        if len(data) < 12:
            raise ParseError(f"RTP header needs 12 bytes, here are {len(data)}")
        flags, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
        if flags >> 6 != _VERSION:
            raise ParseError(f"RTP version is 2, here {flags >> 6}")
        start, padding = 12, 0
        csrcs: tuple[int, ...] = ()
        extension = None
        if flags & 0x3F:  # most packets carry none of the three
            if count := flags & 0x0F:
                csrcs, start = _parse_csrcs(data, count)
            if flags & 0x10:
                extension, start = _parse_extension(data, start)
            if flags & 0x20:
                padding = _parse_padding(data, start)
        return cls(
            second & 0x7F,
            sequence,
            timestamp,
            ssrc,
            data[start : len(data) - padding],
            second >= 0x80,
            csrcs,
            extension,
            padding,
        )

    def __bytes__(self) -> bytes:
        self._check()
        flags = _VERSION << 6 | len(self.csrcs)
        second = self.payload_type | 0x80 if self.marker else self.payload_type
        if self.extension is None and not flags & 0x0F and not self.padding:
            header = _FIXED.pack(flags, second, self.sequence, self.timestamp, self.ssrc)
            return header + self.payload
        csrcs = struct.pack(f">{len(self.csrcs)}I", *self.csrcs)
        extension = tail = b""
        if self.extension is not None:
            flags |= 0x10
            extension = bytes(self.extension)
        if self.padding:
            flags |= 0x20
            tail = bytes(self.padding - 1) + bytes([self.padding])
        header = _FIXED.pack(flags, second, self.sequence, self.timestamp, self.ssrc)
        return b"".join((header, csrcs, extension, self.payload, tail))

    def _check(self) -> None:
        for name, limit in _LIMITS:
            value = getattr(self, name)
            if not 0 <= value <= limit:
                raise ValueError(f"RTP {name} is 0 to {limit}, not {value}")
        if len(self.csrcs) > 15 or not all(0 <= csrc <= 0xFFFFFFFF for csrc in self.csrcs):
            raise ValueError("RTP csrcs are at most 15 numbers of 32 bits")


class Unwrapper:
    """Turns wrapping counters of `bits` bits into ever-growing integers (as RFC 3550 §A.1).

    A value is taken for the nearest to the newest seen, so half a turn may be lost or late.
    """

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._newest: int | None = None

    def unwrap(self, value: int) -> int:
        """Return `value` without its wrap; the first one as it is, a late one below the newest.

        Late values leave the reference where it is. A value older than the very first may come out
        negative. Raises ValueError for a value that does not fit in the counter.
        """
        if not 0 <= value < 1 << self._bits:
            raise ValueError(f"{value} is no counter of {self._bits} bits")
        if self._newest is None:
            self._newest = value
            return value
        unwrapped = self._newest + difference(value, self._newest, self._bits)
        self._newest = max(self._newest, unwrapped)
        return unwrapped


def difference(a: int, b: int, bits: int) -> int:
    """Return a − b on a counter that wraps at 2^`bits`, from −2^(bits−1) to 2^(bits−1) − 1."""
    half = 1 << (bits - 1)
    return (a - b + half) % (2 * half) - half


def _parse_csrcs(data: bytes, count: int) -> tuple[tuple[int, ...], int]:
    end = 12 + 4 * count
    if len(data) < end:
        raise ParseError(f"{count} CSRCs end at byte {end}, the RTP packet at {len(data)}")
    return struct.unpack_from(f">{count}I", data, 12), end


def _parse_extension(data: bytes, start: int) -> tuple[HeaderExtension, int]:
    if len(data) < start + 4:
        raise ParseError(f"RTP header extension at byte {start} lacks its 4-byte header")
    profile, words = _EXTENSION.unpack_from(data, start)
    end = start + 4 + 4 * words
    if len(data) < end:
        raise ParseError(f"RTP header extension ends at byte {end}, the packet at {len(data)}")
    return HeaderExtension(profile, data[start + 4 : end]), end


def _parse_padding(data: bytes, start: int) -> int:
    room = len(data) - start
    if room == 0 or not 1 <= data[-1] <= room:
        claimed = data[-1] if room else "no"
        raise ParseError(f"RTP padding counts itself and fits: {claimed} bytes claimed of {room}")
    return data[-1]


def _one_byte_elements(data: bytes) -> Iterator[ExtensionElement]:
    position = 0
    while position < len(data):
        number, length = data[position] >> 4, (data[position] & 0x0F) + 1
        position += 1
        if number == 0 and length == 1:
            continue
        if number in (0, 15):  # reserved: what follows is not to be read (§4.1.2, §4.2)
            return
        yield ExtensionElement(number, _slice(data, position, length))
        position += length


def _two_byte_elements(data: bytes) -> Iterator[ExtensionElement]:
    position = 0
    while position < len(data):
        number = data[position]
        position += 1
        if number == 0:  # padding has no length byte
            continue
        length = _slice(data, position, 1)[0]
        yield ExtensionElement(number, _slice(data, position + 1, length))
        position += 1 + length


def _slice(data: bytes, start: int, length: int) -> bytes:
    if start + length > len(data):
        raise ParseError(f"extension element ends at byte {start + length} of {len(data)}")
    return data[start : start + length]
