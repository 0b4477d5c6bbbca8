"""Sound that comes while it is heard: from stdin, or a microphone."""

import contextlib
import importlib
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float32

from allears.audio.arriving import Arriving
from allears.audio.resample import Resampler
from allears.cli.arguments import ArgumentError

RATE = 16_000
_BYTES = 1 << 16
_PATIENCE = 0.2
"""Seconds, after which it is looked whether somebody wants to end."""
_BLOCK_S = 0.02

Samples = Float32[np.ndarray, " samples"]
T = TypeVar("T")


def stdin(channel: int | None, command: str = "transcribe") -> Iterator[Samples]:
    """What comes through stdin, as soon as it does, until it ends or Ctrl-C; `command` is who asks."""
    if sys.stdin is None or sys.stdin.isatty():
        raise ArgumentError(
            "-: stdin is a terminal; pipe sound into it, or give --mic: "
            f"ffmpeg -i FILE -f s16le -ar 16000 -ac 1 - | allears {command} -"
        )
    arriving = Arriving(RATE, channel)
    pipe = sys.stdin.fileno()
    for data in _until_ended(lambda: os.read(pipe, _BYTES) or None):
        yield arriving.push(data)
    yield arriving.end()


def microphone() -> Iterator[Samples]:
    """What the microphone hears, until Ctrl-C. Raises ArgumentError where there is none."""
    sounddevice = _sounddevice()
    heard: queue.SimpleQueue[Samples] = queue.SimpleQueue()

    def take(samples: np.ndarray, *_: object) -> None:
        heard.put(samples[:, 0].copy())

    def next_() -> Samples:
        with contextlib.suppress(queue.Empty):
            return heard.get(timeout=_PATIENCE)
        return np.zeros(0, np.float32)

    try:
        rate = int(sounddevice.query_devices(kind="input")["default_samplerate"])
        stream = sounddevice.InputStream(
            samplerate=rate, channels=1, dtype="float32", blocksize=int(_BLOCK_S * rate),
            callback=take,
        )  # fmt: skip
    except (sounddevice.PortAudioError, ValueError) as error:
        why = " ".join(str(error).split())
        raise ArgumentError(f"--mic: no microphone ({why}); connect one, or pipe into -") from None
    resampler = Resampler(rate, RATE)
    with stream:
        for samples in _until_ended(next_):
            yield resampler(np.clip(samples, -1, 1))
    yield resampler(np.zeros(0, np.float32), last=True)


def _sounddevice() -> Any:
    try:
        return importlib.import_module("sounddevice")
    except ImportError:
        raise ArgumentError("--mic needs sounddevice: pip install sounddevice") from None
    except OSError as error:
        raise ArgumentError(
            f"--mic needs PortAudio ({error}): apt install libportaudio2, or pipe into -"
        ) from None


class _Ended(Exception):  # noqa: N818  nothing is wrong
    """Somebody wants to end."""


def _until_ended(read: Callable[[], T | None]) -> Iterator[T]:
    """What is read until there is no more, or Ctrl-C: the words that were heard before shall be told."""
    state = {"ended": False, "reading": False}

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        state["ended"] = True
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a second one means it
        if state["reading"]:
            raise _Ended

    with _handling(end):
        while not state["ended"]:
            try:
                state["reading"] = True
                found = read()
                state["reading"] = False
            except _Ended:
                return
            if found is None:
                return
            yield found


@contextlib.contextmanager
def _handling(end: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before == signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
