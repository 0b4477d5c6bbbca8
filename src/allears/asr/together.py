"""Many recordings through one recogniser: several at once where it can, each as if it were alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from allears.asr.events import Result
from allears.asr.live import LiveStream, Transcriber
from allears.asr.recogniser import Recogniser
from allears.errors import AllearsError

Sound = Iterable[Float32[np.ndarray, " samples"]]

AT_ONCE = 8
"""Streams in a batch: more save little, and want more memory."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of the recording of that number; its last has `over`, and the `error` that ended it, if any."""

    number: int
    results: Sequence[Result] = ()
    over: bool = False
    error: AllearsError | None = None


def transcribe(
    recogniser: Recogniser, sounds: Sequence[Callable[[], Sound]], size: int
) -> Iterator[Told]:
    """What is heard in all of them, as it comes; each is opened when its turn comes.

    Sounds are 16 kHz in ±1, in pieces of any length; `size` samples of each are heard at once. An error of ours
    in one leaves the others alone.
    """
    if isinstance(recogniser, Transcriber):
        yield from _batched(recogniser, sounds, size)
        return
    for number, sound in enumerate(sounds):
        yield from _alone(recogniser, number, sound, size)


def pieces(sound: Sound, size: int) -> Iterator[Float32[np.ndarray, " samples"]]:
    """The same sound, `size` samples at a time, the last piece shorter."""
    rest = np.zeros(0, np.float32)
    for block in sound:
        rest = np.concatenate((rest, block))
        whole = len(rest) - len(rest) % size
        yield from rest[:whole].reshape(-1, size)
        rest = rest[whole:]
    if len(rest):
        yield rest


def _alone(
    recogniser: Recogniser, number: int, sound: Callable[[], Sound], size: int
) -> Iterator[Told]:
    stream = recogniser.stream()
    try:
        for piece in pieces(sound(), size):
            yield Told(number, stream.accept(piece))
    except AllearsError as error:
        yield Told(number, over=True, error=error)
    else:
        yield Told(number, stream.finish(), over=True)


@dataclass(frozen=True, slots=True)
class _Hearing:
    number: int
    stream: LiveStream
    sound: Iterator[Float32[np.ndarray, " samples"]]


def _batched(
    transcriber: Transcriber, sounds: Sequence[Callable[[], Sound]], size: int
) -> Iterator[Told]:
    waiting = iter(enumerate(sounds))
    hearing: list[_Hearing] = []
    while True:
        for number, sound in waiting:
            hearing.append(_Hearing(number, transcriber.stream(), _opened(sound, size)))
            if len(hearing) == AT_ONCE:
                break
        if not hearing:
            return
        heard: list[tuple[_Hearing, Float32[np.ndarray, " samples"]]] = []
        ended: list[_Hearing] = []
        for each in list(hearing):
            try:
                heard.append((each, next(each.sound)))
            except StopIteration:
                ended.append(each)
            except AllearsError as error:
                hearing.remove(each)
                yield Told(each.number, over=True, error=error)
        found = transcriber.accept_many([(each.stream, piece) for each, piece in heard])
        for (each, _), results in zip(heard, found, strict=True):
            yield Told(each.number, results)
        last = transcriber.finish_many([each.stream for each in ended])
        for each, results in zip(ended, last, strict=True):
            hearing.remove(each)
            yield Told(each.number, results, over=True)


def _opened(sound: Callable[[], Sound], size: int) -> Iterator[Float32[np.ndarray, " samples"]]:
    """Nothing is opened before it is asked for."""
    yield from pieces(sound(), size)
