"""An Opus packet as bytes: table of contents, frames and padding (RFC 6716 §3).

Nothing here decodes audio. What a packet says of itself without decoding is read: mode, bandwidth,
frame durations, whether a frame carries the previous one again (LBRR), and the padding, which is where
extensions live (`wire.extensions`).
"""

import enum
from dataclasses import dataclass

from allears.wire.errors import ParseError

CLOCK_RATE = 48_000
"""Ticks a second of Opus durations and of its RTP timestamps (RFC 7587 §4.1), at any audio rate."""

MAX_FRAME_BYTES = 1275
"""The longest one frame may be (RFC 6716 §3.4 R2)."""

MAX_PACKET_TICKS = CLOCK_RATE * 120 // 1000
"""The longest one packet may last: 120 ms (RFC 6716 §3.4 R5)."""


class Mode(enum.StrEnum):
    """Which of Opus' two codecs made the frame (RFC 6716 §3.1)."""

    SILK = "silk"
    HYBRID = "hybrid"
    CELT = "celt"


class Bandwidth(enum.StrEnum):
    """Audio bandwidth (RFC 6716 §2), named as in the RFC's table 1."""

    NARROWBAND = "nb"
    MEDIUMBAND = "mb"
    WIDEBAND = "wb"
    SUPERWIDEBAND = "swb"
    FULLBAND = "fb"


_SILK_TICKS = (480, 960, 1920, 2880)
_CELT_TICKS = (120, 240, 480, 960)
_SILK_BANDWIDTHS = (Bandwidth.NARROWBAND, Bandwidth.MEDIUMBAND, Bandwidth.WIDEBAND)
_CELT_BANDWIDTHS = (
    Bandwidth.NARROWBAND,
    Bandwidth.WIDEBAND,
    Bandwidth.SUPERWIDEBAND,
    Bandwidth.FULLBAND,
)


def _configuration(config: int) -> tuple[Mode, Bandwidth, int]:
    """Mode, bandwidth and ticks a frame of one of the 32 configurations (RFC 6716 table 2)."""
    if config < 12:
        return Mode.SILK, _SILK_BANDWIDTHS[config >> 2], _SILK_TICKS[config & 3]
    if config < 16:
        bandwidth = Bandwidth.SUPERWIDEBAND if config < 14 else Bandwidth.FULLBAND
        return Mode.HYBRID, bandwidth, _CELT_TICKS[2 + (config & 1)]
    return Mode.CELT, _CELT_BANDWIDTHS[(config >> 2) & 3], _CELT_TICKS[config & 3]


CONFIGURATIONS = tuple(_configuration(config) for config in range(32))


def duration(packet: bytes) -> int:
    """Ticks of 1/48000 s that `packet` lasts, from its first two bytes alone.

    Raises ParseError where there is no such packet (RFC 6716 §3.2: none is empty).
    """
    if not packet:
        raise ParseError("Opus packet: empty, not even a table-of-contents byte")
    code = packet[0] & 3
    if code == 3 and len(packet) < 2:
        raise ParseError("Opus packet: code 3 without its frame count byte")
    count = packet[1] & 63 if code == 3 else 1 if code == 0 else 2
    ticks = count * CONFIGURATIONS[packet[0] >> 3][2]
    if not 0 < ticks <= MAX_PACKET_TICKS:
        raise ParseError(f"Opus packet: {count} frames last {ticks / 48:g} ms, not 2.5 to 120")
    return ticks


def has_lbrr(packet: bytes) -> bool:
    """Whether the first frame of a well-formed `packet` carries the frame before it again.

    The usual packet of one frame is answered from two bytes. Raises ParseError as OpusPacket.parse.
    """
    if not packet:
        raise ParseError("Opus packet: empty, not even a table-of-contents byte")
    mode, _, ticks = CONFIGURATIONS[packet[0] >> 3]
    if mode is Mode.CELT:
        return False
    if packet[0] & 3:
        return OpusPacket.parse(packet).lbrr[0]
    return _has_lbrr(packet[1:2], max(1, ticks // 960), bool(packet[0] & 4))


@dataclass(frozen=True, slots=True)
class OpusPacket:
    """One packet, taken apart so that `bytes(OpusPacket.parse(data)) == data`.

    (Save for one oddity: a run of 254 padding bytes may also be announced as 255 and then 0, and is
    written back in the short way, as libopus does.)

    `config` 0–31 and `stereo` are the table-of-contents byte's; `code` is its frame packing;
    `frames` are the compressed frames. For code 3, `variable` tells whether every frame's length
    is written, and `padding` is None without the padding flag, else the bytes after the frames.
    """

    config: int
    stereo: bool
    code: int
    frames: tuple[bytes, ...]
    variable: bool = False
    padding: bytes | None = None

    @property
    def mode(self) -> Mode:
        """SILK, hybrid or CELT."""
        return CONFIGURATIONS[self.config][0]

    @property
    def bandwidth(self) -> Bandwidth:
        """Narrowband to fullband."""
        return CONFIGURATIONS[self.config][1]

    @property
    def frame_ticks(self) -> int:
        """Ticks of 1/48000 s in one frame."""
        return CONFIGURATIONS[self.config][2]

    @property
    def ticks(self) -> int:
        """Ticks of 1/48000 s in the whole packet."""
        return self.frame_ticks * len(self.frames)

    @property
    def is_dtx(self) -> bool:
        """Whether nothing is transmitted: every frame is empty (RFC 6716 §2.1.9)."""
        return not any(self.frames)

    @property
    def lbrr(self) -> tuple[bool, ...]:
        """For each frame, whether it carries the one before it again (RFC 6716 §4.2.4)."""
        if self.mode is Mode.CELT:
            return (False,) * len(self.frames)
        silk_frames = max(1, self.frame_ticks // 960)
        return tuple(_has_lbrr(frame, silk_frames, self.stereo) for frame in self.frames)

    @classmethod
    def parse(cls, data: bytes) -> "OpusPacket":
        """Take a packet apart. Raises ParseError naming the rule of RFC 6716 §3.4 it breaks."""
        duration(data)
        config, stereo, code = data[0] >> 3, bool(data[0] & 4), data[0] & 3
        if code == 3:
            return cls(config, stereo, code, *_parse_code_3(data))
        if code == 0:
            frames: tuple[bytes, ...] = (data[1:],)
        elif code == 1:
            half, odd = divmod(len(data) - 1, 2)
            if odd:
                raise ParseError("Opus packet: code 1 with an odd number of frame bytes (R3)")
            frames = data[1 : 1 + half], data[1 + half :]
        else:
            length, start = _parse_length(data, 1, len(data))
            frames = data[start : start + length], data[start + length :]
        _check_lengths(frames)
        return cls(config, stereo, code, frames)

    def __bytes__(self) -> bytes:
        """The packet as sent; lengths are written as RFC 6716 §3.2 has them."""
        head = bytes([self.config << 3 | self.stereo << 2 | self.code])
        if self.code != 3:
            lengths = _length(len(self.frames[0])) if self.code == 2 else b""
            return head + lengths + b"".join(self.frames)
        flags = self.variable << 7 | (self.padding is not None) << 6
        parts = [head, bytes([flags | len(self.frames)])]
        if self.padding is not None:
            full = max(0, len(self.padding) - 1) // 254
            parts.append(b"\xff" * full + bytes([len(self.padding) - 254 * full]))
        if self.variable:
            parts += [_length(len(frame)) for frame in self.frames[:-1]]
        return b"".join((*parts, *self.frames, self.padding or b""))

    def with_padding(self, padding: bytes) -> "OpusPacket":
        """The same frames with `padding` after them, as a code 3 packet (RFC 6716 §3.2.5)."""
        variable = len({len(frame) for frame in self.frames}) > 1
        return OpusPacket(self.config, self.stereo, 3, self.frames, variable, padding)


def _has_lbrr(frame: bytes, silk_frames: int, stereo: bool) -> bool:
    """Whether the LBRR flag of either channel is set.

    A SILK frame opens with one voice-activity bit per 20 ms and the LBRR flag, then the same for the
    side channel, each coded at even odds: the first symbols of a range coder are then simply the top
    bits of its first byte.
    """
    if not frame:
        return False
    middle = frame[0] >> (7 - silk_frames) & 1
    side = frame[0] >> (6 - 2 * silk_frames) & 1 if stereo and silk_frames < 4 else 0
    return bool(middle or side)


def _parse_code_3(data: bytes) -> tuple[tuple[bytes, ...], bool, bytes | None]:
    count, variable, padded = data[1] & 63, bool(data[1] & 128), bool(data[1] & 64)
    at, padding = 2, 0
    while padded:
        if at >= len(data):
            raise ParseError("Opus packet: ends inside its padding length")
        step = data[at]
        at += 1
        padding += min(step, 254)
        if step < 255:
            break
    end = len(data) - padding
    if end < at:
        raise ParseError(f"Opus packet: {padding} bytes of padding in {len(data)} (R6)")
    lengths = []
    for _ in range(count - 1 if variable else 0):
        length, at = _parse_length(data, at, end)
        lengths.append(length)
    if variable:
        lengths.append(end - at - sum(lengths))
    else:
        each, odd = divmod(end - at, count)
        if odd:
            raise ParseError(f"Opus packet: {end - at} bytes do not make {count} equal frames (R6)")
        lengths = [each] * count
    if lengths[-1] < 0:
        raise ParseError("Opus packet: frame lengths pass its end (R7)")
    frames = []
    for length in lengths:
        frames.append(data[at : at + length])
        at += length
    _check_lengths(frames)
    return tuple(frames), variable, data[end:] if padded else None


def _parse_length(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A frame length of one or two bytes at `at` (RFC 6716 §3.2.1); the length and what follows."""
    if at >= end:
        raise ParseError("Opus packet: ends where a frame length was due (R4)")
    length = data[at]
    at += 1
    if length >= 252:
        if at >= end:
            raise ParseError("Opus packet: ends inside a frame length (R4)")
        length += 4 * data[at]
        at += 1
    if length > end - at:
        raise ParseError(f"Opus packet: a frame of {length} bytes where {end - at} are left (R4)")
    return length, at


def _length(length: int) -> bytes:
    if length < 252:
        return bytes([length])
    low = 252 + (length & 3)
    return bytes([low, (length - low) >> 2])


def _check_lengths(frames: list[bytes] | tuple[bytes, ...]) -> None:
    longest = max(map(len, frames))
    if longest > MAX_FRAME_BYTES:
        raise ParseError(f"Opus packet: a frame of {longest} bytes, more than 1275 (R2)")
