"""Audio files: recordings read from any common format, 16-bit WAV written, Opus packets demuxed.

libsndfile reads WAV, FLAC and Ogg; FFmpeg reads the rest (MP3, M4A, WebM, MP4 and others).
"""

import contextlib
import os
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import av
import numpy as np
import soundfile as sf
from av.audio.stream import AudioStream
from av.container import InputContainer
from jaxtyping import Float32, Int16

from allears.errors import AllearsError
from allears.outputs import aside

FULL_SCALE = 32768
"""The int16 value that ±1 would have."""

LOUDEST = 8.0
"""Samples beyond this are no overshoot (+18 dB) but another scale, such as integers kept as floats."""

BLOCK = 65536
"""Samples read at a time: the length in a header is a claim, and never decides an allocation."""

DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,avi,caf,eac3,flac,flv,matroska,mov,mp3,mpeg,mpegts,ogg,tta,w64,wav,wv"
)
"""What FFmpeg may take a file for: containers of sound, and no playlist that leads elsewhere."""

GIVE_AUDIO = "give a recording such as WAV, FLAC, MP3, Ogg, M4A or WebM"


class AudioFileError(AllearsError):
    """A file that cannot be read or written; one line with its name, what is wrong and the remedy."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Mono samples in ±1, their rate in Hz, and how many channels the file had before averaging."""

    samples: Float32[np.ndarray, " samples"]
    rate: int
    channels: int


def read(path: str | Path) -> Recording:
    """The whole recording in a file, its channels averaged to mono, overshoot clipped to ±1.

    Raises `AudioFileError` where there is no such file, no audio in it, or samples that are not sound.
    """
    path = Path(path)
    begins = opening(path)
    with np.errstate(over="ignore", invalid="ignore"):  # infinities are reported below, once
        recording = None if is_mpeg(begins) else _read_libsndfile(path)
        recording = recording or _read_ffmpeg(path)
    if not recording.samples.size:
        raise AudioFileError(f"{path}: the audio in it has no samples; {GIVE_AUDIO}")
    peak = max(recording.samples.max(), -recording.samples.min())
    if not np.isfinite(peak):
        raise AudioFileError(f"{path}: some samples are NaN or infinite; write the file again")
    if peak > LOUDEST:
        raise AudioFileError(
            f"{path}: samples reach {peak:.0f} where full scale is 1; divide them before saving"
        )
    np.clip(recording.samples, -1, 1, out=recording.samples)
    return recording


def opening(path: Path) -> bytes:
    """The first bytes, read by ourselves because decoders complain about paths less clearly."""
    try:
        with path.open("rb") as file:
            found = file.read(3)
    except IsADirectoryError:
        raise AudioFileError(f"{path}: is a directory; name one recording in it") from None
    except OSError as error:
        why = f"cannot be opened ({error.strerror}); check its name and permissions"
        raise AudioFileError(f"{path}: {why}") from None
    if not found:
        raise AudioFileError(f"{path}: the file is empty; {GIVE_AUDIO}")
    return found


def is_mpeg(begins: bytes) -> bool:
    """Whether libsndfile would hand the file to libmpg123, which prints damage on stderr."""
    return begins == b"ID3" or int.from_bytes(begins[:2], "big") & 0xFFE0 == 0xFFE0


def _read_libsndfile(path: Path) -> Recording | None:
    """The recording, or None for what libsndfile does not read."""
    blocks = []
    try:
        # a handle, since libsndfile also judges by names: any .mp3 goes to libmpg123
        with path.open("rb") as handle, sf.SoundFile(handle) as file:
            while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
                blocks.append(block.mean(axis=1))
            return Recording(_joined(blocks), file.samplerate, file.channels)
    except (sf.LibsndfileError, TypeError):  # TypeError: a name that ends in .raw
        return None


def _read_ffmpeg(path: Path) -> Recording:
    with demuxed(path) as container:
        stream = next(filter(decodable, container.streams.audio), None)
        if stream is None:
            raise AudioFileError(f"{path}: there is no audio in it; {GIVE_AUDIO}")
        # Only the sample format is changed: rate and layout stay. Interleaved, because PyAV reads
        # beyond the planes of a frame with more than eight channels.
        interleaved = av.AudioResampler(format="flt")
        blocks, rate = [], 0
        for frame in container.decode(stream):
            rate = frame.sample_rate
            for part in interleaved.resample(frame):
                blocks.append(part.to_ndarray().reshape(part.samples, -1).mean(axis=1))
        return Recording(_joined(blocks), rate, stream.channels)


def decodable(stream: AudioStream) -> bool:
    """Whether FFmpeg knows the codec; PyAV then leaves out the context, its types notwithstanding."""
    return bool(stream.codec_context)


def _joined(blocks: list[Float32[np.ndarray, " _"]]) -> Float32[np.ndarray, " samples"]:
    return np.concatenate([np.zeros(0, np.float32), *blocks])


@contextlib.contextmanager
def demuxed(path: Path) -> Iterator[InputContainer]:
    """FFmpeg's view of a file, and of no other: nothing in it may name a second file or an address."""
    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "none"}
    try:
        with path.open("rb") as file, av.open(file, "r", options=options) as container:
            yield container
    except (av.FFmpegError, ValueError):  # ValueError: the rate or layout changes midway
        raise AudioFileError(f"{path}: not audio, or damaged; {GIVE_AUDIO}") from None


def opus_packets(path: str | Path) -> list[bytes]:
    """The Opus packets of an Ogg, WebM or Matroska file, undecoded and in order (RFC 7845).

    Raises `AudioFileError` where the file cannot be read or holds no Opus stream.
    """
    path = Path(path)
    opening(path)
    with demuxed(path) as container:
        for stream in filter(decodable, container.streams.audio):
            if stream.codec_context.codec.canonical_name == "opus":
                return [bytes(packet) for packet in container.demux(stream) if packet.size]
    raise AudioFileError(f"{path}: there is no Opus in it; give an .opus or WebM file")


def to_int16(samples: Float32[np.ndarray, " samples"]) -> Int16[np.ndarray, " samples"]:
    """±1 to 16 bits: rounded to the nearest, clipped, no dither."""
    scaled = np.rint(samples * np.float32(FULL_SCALE))
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def from_int16(samples: Int16[np.ndarray, " samples"]) -> Float32[np.ndarray, " samples"]:
    """16 bits to ±1; `to_int16` gives back the same integers."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


class WavWriter:
    """A 16-bit mono WAV of unknown length, under its final name only once it is whole.

    Samples go to a sibling, which is renamed at the end of the `with` block and
    removed if the block fails. Raises `AudioFileError` where the file cannot be written.

    Args:
        path: the final name; a file of that name is replaced.
        rate: samples per second.
    """

    def __init__(self, path: str | Path, rate: int) -> None:
        if rate <= 0:
            raise ValueError(f"a rate is positive, not {rate} Hz")
        self.path = Path(path)
        self.rate = rate
        self._part = aside(self.path)

    def __enter__(self) -> "WavWriter":
        with self._reported():
            self._file = self._part.open("wb")
        self._wave = wave.open(self._file, "wb")
        self._wave.setparams((1, 2, self.rate, 0, "NONE", "not compressed"))
        return self

    def write(self, samples: Float32[np.ndarray, " samples"]) -> None:
        """Append samples in ±1; what lies beyond is clipped."""
        with self._reported():
            # "<i2" and not int16: WAV is little-endian whatever the machine is
            self._wave.writeframesraw(to_int16(samples).astype("<i2").tobytes())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            with self._reported():
                self._close(whole=kind is None)
        finally:
            self._part.unlink(missing_ok=True)

    def _close(self, whole: bool) -> None:
        """Complete the header and rename; a failed block's file is closed without complaint."""
        with contextlib.nullcontext() if whole else contextlib.suppress(OSError), self._file:
            self._wave.close()
        if whole:
            os.replace(self._part, self.path)  # noqa: PTH105  the name says that it replaces

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not self.path.parent.is_dir():
                why, remedy = f"there is no folder {self.path.parent}", "create it first"
            else:
                why, remedy = f"cannot be written ({error.strerror})", "choose another place"
            raise AudioFileError(f"{self.path}: {why}; {remedy}") from None


def write_wav(path: str | Path, samples: Float32[np.ndarray, " samples"], rate: int) -> None:
    """Write a mono 16-bit WAV, rounded and clipped, whole or not at all.

    Raises `AudioFileError` where it cannot be written.
    """
    with WavWriter(path, rate) as file:
        file.write(samples)
