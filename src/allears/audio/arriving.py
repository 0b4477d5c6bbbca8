"""Sound that comes byte by byte through a pipe: WAV, or raw 16-bit samples; sans-I/O."""

import struct
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from allears.audio.blocks import sound
from allears.audio.files import AudioFileError
from allears.audio.resample import Resampler

RAW_RATE = 16_000
"""Hz of what has no header."""

ENDLESS = 0x7FFF_0000
"""A length that says as much as: until it ends; so do 0 and all above."""

_LONGEST_HEADER = 1 << 20
_OTHERS = (b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\x1aE\xdf\xa3", b"RF64", b"caff")
_REMEDY = "pipe WAV or raw 16-bit mono of 16 kHz: ffmpeg -i FILE -f s16le -ar 16000 -ac 1 -"
_INTEGERS, _FLOATS, _EXTENSIBLE = 1, 3, 0xFFFE


@dataclass(frozen=True, slots=True)
class _Layout:
    """How samples lie, and after how many bytes they end."""

    rate: int = RAW_RATE
    channels: int = 1
    bits: int = 16
    floats: bool = False
    size: int | None = None

    @property
    def frame(self) -> int:
        """Bytes."""
        return self.channels * self.bits // 8

    def frames(self, data: bytes) -> np.ndarray:
        """(frames, channels) in ±1."""
        if self.floats:
            found = np.frombuffer(data, f"<f{self.bits // 8}")
        elif self.bits == 8:
            found = (np.frombuffer(data, np.uint8) - 128.0) / 128
        elif self.bits == 24:
            bytes_ = np.frombuffer(data, np.uint8).reshape(-1, 3)
            padded = np.pad(bytes_, ((0, 0), (1, 0))).reshape(-1)
            found = padded.view("<i4") / 2.0**31
        else:
            found = np.frombuffer(data, f"<i{self.bits // 8}") / 2.0 ** (self.bits - 1)
        with np.errstate(over="ignore", invalid="ignore"):
            return found.reshape(-1, self.channels).astype(np.float32)


class Arriving:
    """Bytes in, samples out: mono in ±1 at `rate` Hz, channels averaged or one (from 1) taken alone.

    Raises AudioFileError, which names `where`, for what is neither, and samples that are not sound.
    """

    def __init__(self, rate: int, channel: int | None = None, where: str = "-") -> None:
        self._rate, self._channel, self._where = rate, channel, where
        self._bytes, self._taken = b"", 0
        self._layout: _Layout | None = None
        self._resampler: Resampler | None = None

    def push(self, data: bytes) -> Float32[np.ndarray, " samples"]:
        """What can be heard now."""
        self._bytes += data
        if self._layout is None and not self._begin():
            return np.zeros(0, np.float32)
        layout = self._layout
        if layout is None or self._resampler is None:
            raise AssertionError
        ready = len(self._bytes)
        if layout.size is not None:
            ready = min(ready, layout.size - self._taken)
        ready -= ready % layout.frame
        taken, self._bytes = self._bytes[:ready], self._bytes[ready:]
        self._taken += ready
        if layout.size is not None and self._taken + layout.frame > layout.size:
            self._bytes = b""  # what follows the sound is about it
        return self._resampler(self._mono(layout.frames(taken)))

    def end(self) -> Float32[np.ndarray, " samples"]:
        """The rest. Raises AudioFileError where nothing came, or no more than a header."""
        if self._layout is None and self._bytes and not self._bytes.startswith(b"RIFF"):
            self._begin(whole=True)
        if self._resampler is None or (not self._taken and len(self._bytes) < 2):
            raise AudioFileError(f"{self._where}: no sound came; {_REMEDY}")
        last = self.push(b"")
        rest = self._resampler(np.zeros(0, np.float32), last=True)
        return np.concatenate((last, rest))

    def _begin(self, whole: bool = False) -> bool:
        """Whether it is known how samples lie."""
        if len(self._bytes) < 4 and not whole:
            return False
        if self._bytes.startswith(_OTHERS) or self._bytes[4:8] == b"ftyp":
            raise AudioFileError(f"{self._where}: is another format; {_REMEDY}")
        if self._bytes.startswith(b"RIFF"):
            self._layout = self._header()
        else:
            self._layout = _Layout()
        if self._layout is None:
            return False
        if self._channel is not None and self._channel > self._layout.channels:
            raise AudioFileError(
                f"{self._where}: has {self._layout.channels} channels, and none of number {self._channel}"
            )
        self._resampler = Resampler(self._layout.rate, self._rate)
        return True

    def _header(self) -> _Layout | None:
        """Of a WAV, once it is here; the bytes after it are left."""
        if len(self._bytes) > _LONGEST_HEADER:
            raise AudioFileError(f"{self._where}: a WAV without sound; {_REMEDY}")
        layout, at = None, 12
        while at + 8 <= len(self._bytes):
            name, size = struct.unpack_from("<4sI", self._bytes, at)
            at += 8
            if name == b"data":
                if layout is None:
                    raise AudioFileError(f"{self._where}: a WAV without a format; {_REMEDY}")
                self._bytes = self._bytes[at:]
                known = 0 < size < ENDLESS
                return _Layout(*layout, size if known else None)
            if at + size > len(self._bytes):
                return None
            if name == b"fmt ":
                layout = self._format(self._bytes[at : at + size])
            at += size + size % 2
        return None

    def _format(self, chunk: bytes) -> tuple[int, int, int, bool]:
        """Rate, channels, bits, and whether samples are floats."""
        if len(chunk) >= 16:
            tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
            if tag == _EXTENSIBLE and len(chunk) >= 26:
                (tag,) = struct.unpack_from("<H", chunk, 24)
            known = {_INTEGERS: (8, 16, 24, 32), _FLOATS: (32, 64)}.get(tag, ())
            if bits in known and channels and 1_000 <= rate <= 768_000:
                return rate, channels, bits, tag == _FLOATS
        raise AudioFileError(f"{self._where}: a WAV of an unknown encoding; {_REMEDY}")

    def _mono(self, frames: np.ndarray) -> Float32[np.ndarray, " samples"]:
        if self._channel is None:
            with np.errstate(over="ignore", invalid="ignore"):
                return sound(frames.mean(axis=1, dtype=np.float32), self._where)
        return sound(frames[:, self._channel - 1], self._where)
