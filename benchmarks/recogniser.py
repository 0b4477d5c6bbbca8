"""What recognition costs on one core: one stream, 64 in a batch, and pocketsphinx in the same rounds.

The clips that ship, end to end, in pieces of 160 ms as they would come live. Times are the shortest of all rounds,
which take turns. The real-time factor is time over how long the audio lasts, of all streams. The memory is
what a process holds at most beyond what it held after a minute, when it hears `--hours` of the same speech.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import resource
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
import soundfile
from rich.progress import track

from allears.asr.live import Transcriber
from allears.asr.opening import open_recogniser
from allears.demo import CLIPS
from tables import Run, arguments

RATE, STREAMS = 16_000, 64
PIECE = int(0.16 * RATE)


def speech() -> np.ndarray:
    """All clips that ship, half a second of quiet after each."""
    parts = [soundfile.read(path, dtype="float32")[0] for path in sorted(CLIPS.glob("*.flac"))]
    return np.concatenate([np.concatenate((part, np.zeros(RATE // 2))) for part in parts]).astype(
        np.float32
    )


class Stream(Protocol):
    """What is listened to piece by piece, whatever it tells."""

    def accept(self, samples: np.ndarray) -> object:
        """More of it."""

    def finish(self) -> object:
        """The end."""


class Listener(Protocol):
    """Makes streams."""

    def stream(self) -> Stream:
        """A new one."""


def alone(recogniser: Listener, samples: np.ndarray) -> Callable[[], None]:
    """One stream, piece by piece."""

    def work() -> None:
        stream = recogniser.stream()
        for begin in range(0, len(samples), PIECE):
            stream.accept(samples[begin : begin + PIECE])
        stream.finish()

    return work


def together(transcriber: Transcriber, samples: np.ndarray) -> Callable[[], None]:
    """Many streams, each at another place of the same speech."""
    turned = [np.roll(samples, number * len(samples) // STREAMS) for number in range(STREAMS)]

    def work() -> None:
        streams = [transcriber.stream() for _ in turned]
        for begin in range(0, len(samples), PIECE):
            pieces = [each[begin : begin + PIECE] for each in turned]
            transcriber.accept_many(list(zip(streams, pieces, strict=True)))
        transcriber.finish_many(streams)

    return work


def growth(recogniser: Listener, samples: np.ndarray, hours: float) -> float:
    """MiB that a process needs more for hours than for a minute."""
    stream = recogniser.stream()
    heard, floor = 0.0, 0.0
    while heard < 3600 * hours:
        for begin in range(0, len(samples), PIECE):
            stream.accept(samples[begin : begin + PIECE])
        heard += len(samples) / RATE
        if heard > 60 and not floor:
            floor = _peak()
    return _peak() - floor


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Write the table."""
    options = arguments(__doc__, rounds=5, hours=3.0)
    samples = speech()
    seconds = len(samples) / RATE
    ours, rival = open_recogniser("allears"), open_recogniser("pocketsphinx")
    assert isinstance(ours, Transcriber)
    works = {
        "ours, one stream": (alone(ours, samples), 1),
        f"ours, {STREAMS} streams": (together(ours, samples), STREAMS),
        "pocketsphinx, one stream": (alone(rival, samples), 1),
    }
    least = dict.fromkeys(works, np.inf)
    for _ in track(range(options.rounds)):
        for name, (work, _) in works.items():
            begin = time.perf_counter()
            work()
            least[name] = min(least[name], time.perf_counter() - begin)
    rows = []
    cost = least["pocketsphinx, one stream"] / seconds
    for name, (_, streams) in works.items():
        factor = least[name] / seconds
        each = factor / streams
        rows.append([name, f"{factor:.4f}", f"{1 / each:.0f}", f"{cost / each:.0f}"])
    page = Run("recogniser.md", __doc__)
    page.table(
        ["recogniser", "real-time factor", "streams a core", "times cheaper than pocketsphinx"],
        rows,
    )
    more = growth(ours, samples, options.hours)
    page.table(
        ["one stream of", "MiB more than for a minute"], [[f"{options.hours:g} h", f"{more:.1f}"]]
    )


if __name__ == "__main__":
    main()
