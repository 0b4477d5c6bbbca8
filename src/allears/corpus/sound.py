"""Recordings packed for recognition: all samples end to end in one memory-mapped array, and their table.

Many hours need no memory, and a training reads no compressed file twice.
"""

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Float32, Float64, Int16, Int64

from allears.audio import files, resample
from allears.audio.files import AudioFileError
from allears.corpus.recordings import CorpusError, Utterance
from allears.outputs import OutputError, aside, write_whole

RATE = 16_000

ROUNDED = 0.06
"""Seconds: tables give durations to 0.1 s, so an utterance that ends so close to its file's end ends there."""

_SAMPLES, _INDEX = "samples.i16", "index.json"


@dataclass(frozen=True, slots=True)
class Sound:
    """Packed utterances: `data` at 16 kHz; utterance i's are from `bounds[i]` to `bounds[i + 1]`.

    `utterances` keep where they came from; their durations are exact.
    """

    data: Int16[np.ndarray, " samples"]
    bounds: Int64[np.ndarray, " bounds"]
    utterances: tuple[Utterance, ...]

    def __len__(self) -> int:
        return len(self.utterances)

    def samples(self, index: int) -> Float32[np.ndarray, " n"]:
        """One utterance, in ±1. Raises IndexError where there is none."""
        if not 0 <= index < len(self):
            raise IndexError(f"utterance {index} of {len(self)}")
        return files.from_int16(self.data[self.bounds[index] : self.bounds[index + 1]])

    @property
    def durations(self) -> Float64[np.ndarray, " utterances"]:
        """Seconds of each."""
        return np.diff(self.bounds) / RATE


def build(
    utterances: Sequence[Utterance], folder: Path, show: Callable[[float], None] | None = None
) -> None:
    """Pack `utterances` into `folder`, unless they are there already; whole, or as if not begun.

    `show` is told the share that is done after each. Raises CorpusError where a file cannot be read,
    an utterance lies outside its file, or the folder holds others; OutputError where it cannot be written.
    """
    if not utterances:
        raise CorpusError(f"{folder}: there are no utterances to pack")
    table = [_row(each) for each in utterances]
    seal = hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
    if (folder / _INDEX).exists():
        if _about(folder).get("seal") != seal:
            raise CorpusError(f"{folder}: holds other utterances; name or make another folder")
        return
    part = aside(folder / _SAMPLES)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            bounds = _write(utterances, file, show)
        os.replace(part, folder / _SAMPLES)  # noqa: PTH105  the name says that it replaces
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from None
    finally:
        if folder.is_dir():
            part.unlink(missing_ok=True)
    about = {"seal": seal, "bounds": bounds, "utterances": table}
    write_whole(folder / _INDEX, json.dumps(about).encode())


def load(folder: Path) -> Sound:
    """What `build` wrote. Raises CorpusError where there is nothing, or not all of it."""
    about = _about(folder)
    try:
        bounds = np.array(about["bounds"], np.int64)
        data = np.memmap(folder / _SAMPLES, np.int16, "r")
        utterances = tuple(
            replace(_utterance(row), duration=float(length) / RATE)
            for row, length in zip(about["utterances"], np.diff(bounds), strict=True)
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(folder, error) from None
    if len(data) != bounds[-1]:
        raise _broken(folder, f"{len(data)} samples of {bounds[-1]}")
    return Sound(data, bounds, utterances)


def read(utterance: Utterance) -> Float32[np.ndarray, " samples"]:
    """The samples of an utterance at 16 kHz in ±1. Raises CorpusError, which names the file."""
    return _stretch(utterance, _decoded(utterance))


def read_all(utterances: Sequence[Utterance]) -> Iterator[Int16[np.ndarray, " samples"]]:
    """The samples of each in order, as `read`, as many files at a time as there are processors."""
    workers = os.cpu_count() or 1
    ahead: deque[Future[list[Int16[np.ndarray, " samples"]]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for _, group in groupby(utterances, lambda each: each.path):
                ahead.append(pool.submit(_stretches, list(group)))
                if len(ahead) > 2 * workers:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _write(
    utterances: Sequence[Utterance], file: BinaryIO, show: Callable[[float], None] | None
) -> list[int]:
    """Write all samples one after another; where each begins, and the end."""
    bounds = [0]
    for samples in read_all(utterances):
        file.write(samples.tobytes())
        bounds.append(bounds[-1] + len(samples))
        if show:
            show((len(bounds) - 1) / len(utterances))
    return bounds


def _stretches(utterances: Sequence[Utterance]) -> list[Int16[np.ndarray, " samples"]]:
    """Those of one file, which is read once."""
    whole = _decoded(utterances[0])
    return [files.to_int16(_stretch(each, whole)) for each in utterances]


def _decoded(utterance: Utterance) -> Float32[np.ndarray, " samples"]:
    try:
        recording = files.read(utterance.path)
    except AudioFileError as error:
        where = f"{utterance.origin}: " if utterance.origin else ""
        raise CorpusError(f"{where}{error}") from None
    return resample.resample(recording.samples, recording.rate, RATE)


def _stretch(
    utterance: Utterance, whole: Float32[np.ndarray, " file"]
) -> Float32[np.ndarray, " samples"]:
    begin, length = utterance.start, len(whole) / RATE
    end = length if utterance.duration is None else begin + utterance.duration
    if end > length + ROUNDED or begin >= length:
        lies = f"lies at {begin:g} to {end:g} s of a file of {length:g} s"
        raise CorpusError(f"{utterance.name}: {lies}")
    last = len(whole) if end > length - ROUNDED else round(end * RATE)
    samples = whole[round(begin * RATE) : last]
    if not len(samples):
        raise CorpusError(f"{utterance.name}: the utterance has no samples")
    return samples


def _row(utterance: Utterance) -> dict[str, Any]:
    return asdict(utterance) | {
        "path": str(utterance.path.absolute()),
        "attributes": dict(utterance.attributes),
    }


def _utterance(row: dict[str, Any]) -> Utterance:
    return Utterance(**row | {"path": Path(row["path"])})


def _about(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads((folder / _INDEX).read_text())
    except (OSError, ValueError) as error:
        raise _broken(folder, error) from None
    if not isinstance(about, dict):
        raise _broken(folder, "its index is no object")
    return about


def _broken(folder: Path, why: object) -> CorpusError:
    return CorpusError(f"{folder}: no packed recordings ({why}); delete it to pack again")
