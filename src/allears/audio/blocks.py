"""A recording in pieces, so that hours of it need no more memory than seconds: any format, at the rate wanted."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import soundfile as sf
from jaxtyping import Float32

from allears.audio.files import (
    BLOCK,
    GIVE_AUDIO,
    LOUDEST,
    AudioFileError,
    decodable,
    demuxed,
    is_mpeg,
    opening,
)
from allears.audio.resample import Resampler


class Blocks:
    """Iterates over a recording's samples, mono in ±1 at `rate` Hz, a few seconds at a time.

    Channels are averaged, or `channel` (from 1) is taken alone. `share` of the file was read, as far as its header
    tells. Raises AudioFileError where there is no such file or channel, no audio, or samples that are
    not sound, when it comes there.
    """

    def __init__(self, path: str | Path, rate: int, channel: int | None = None) -> None:
        self.path, self.rate, self.channel = Path(path), rate, channel
        self.share = 0.0

    def __iter__(self) -> Iterator[Float32[np.ndarray, " samples"]]:
        resampler: Resampler | None = None
        for block, rate in self._decoded():
            resampler = resampler or Resampler(rate, self.rate)
            yield resampler(self._mono(block))
        if resampler is None:
            raise AudioFileError(f"{self.path}: the audio in it has no samples; {GIVE_AUDIO}")
        yield resampler(np.zeros(0, np.float32), last=True)

    def _decoded(self) -> Iterator[tuple[np.ndarray, int]]:
        """Frames by channels, and their rate."""
        if not is_mpeg(opening(self.path)):
            try:
                # a handle, since libsndfile also judges by names
                with self.path.open("rb") as handle, sf.SoundFile(handle) as file:
                    yield from self._by_libsndfile(file)
                    return
            except (sf.LibsndfileError, TypeError) as error:
                if self.share:
                    raise AudioFileError(f"{self.path}: damaged ({error}); get it again") from None
        yield from self._by_ffmpeg()

    def _by_libsndfile(self, file: sf.SoundFile) -> Iterator[tuple[np.ndarray, int]]:
        done = 0
        while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
            done += len(block)
            self.share = min(1.0, done / max(1, file.frames))
            yield block, file.samplerate

    def _by_ffmpeg(self) -> Iterator[tuple[np.ndarray, int]]:
        with demuxed(self.path) as container:
            stream = next(filter(decodable, container.streams.audio), None)
            if stream is None:
                raise AudioFileError(f"{self.path}: there is no audio in it; {GIVE_AUDIO}")
            length = (container.duration or 0) / av.time_base
            interleaved = av.AudioResampler(format="flt")
            for frame in container.decode(stream):
                if length > 0 and frame.time is not None:
                    self.share = min(1.0, max(0.0, frame.time / length))
                for part in interleaved.resample(frame):
                    yield part.to_ndarray().reshape(part.samples, -1), frame.sample_rate

    def _mono(self, block: np.ndarray) -> Float32[np.ndarray, " samples"]:
        channels = block.shape[1]
        if self.channel is None:
            with np.errstate(over="ignore", invalid="ignore"):
                found: np.ndarray = block.mean(axis=1, dtype=np.float32)
        elif 1 <= self.channel <= channels:
            found = block[:, self.channel - 1]
        else:
            has = f"channels 1 to {channels}" if channels > 1 else "one channel"
            raise AudioFileError(f"{self.path}: has {has}, and none of number {self.channel}")
        return sound(found, str(self.path))


def sound(samples: Float32[np.ndarray, " samples"], where: str) -> Float32[np.ndarray, " samples"]:
    """The same with overshoot clipped to ±1. Raises AudioFileError, naming `where`, for what is no sound."""
    if not np.isfinite(samples).all():
        raise AudioFileError(f"{where}: some samples are NaN or infinite; write the file again")
    if len(samples) and (peak := np.abs(samples).max()) > LOUDEST:
        raise AudioFileError(
            f"{where}: samples reach {peak:.0f} where full scale is 1; divide them before saving"
        )
    clipped: np.ndarray = np.clip(samples, -1, 1)
    return clipped
