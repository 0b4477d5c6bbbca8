"""What a made conversation is: its samples, and who says what from which sample to which."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Float32

from allears.corpus.sound import RATE


class Timed(Protocol):
    """A word and when it is said, in seconds, as aligners tell it."""

    @property
    def text(self) -> str:
        """The word."""

    @property
    def start(self) -> float:
        """When it begins."""

    @property
    def end(self) -> float:
        """When it is over."""


class Word(NamedTuple):
    """A word and when it is said, in seconds from the beginning of the conversation."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker says without a break: from sample `first` up to sample `last`, which is after it.

    Both are bounds of speech, without silence at the ends of the recording. No word times, no `words`.
    """

    speaker: str
    text: str
    first: int
    last: int
    utterance: str
    """Name of the utterance that it was."""
    words: tuple[Word, ...] = ()

    @property
    def start(self) -> float:
        """When it begins, in seconds."""
        return self.first / RATE

    @property
    def end(self) -> float:
        """When it is over, in seconds."""
        return self.last / RATE


class Part(NamedTuple):
    """What one turn adds to a conversation, from sample `first` on: rooms are in it, noise is not."""

    first: int
    samples: Float32[np.ndarray, " n"]

    def add_to(self, sound: Float32[np.ndarray, " samples"]) -> None:
        """Sum it in, in place."""
        sound[self.first : self.first + len(self.samples)] += self.samples


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation: 16 kHz within ±1, its turns by when they begin; and of made ones what each turn adds."""

    name: str
    samples: Float32[np.ndarray, " samples"]
    turns: tuple[Turn, ...]
    parts: tuple[Part, ...] = ()

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / RATE

    @property
    def speakers(self) -> tuple[str, ...]:
        """Whoever speaks, by who began first."""
        return tuple(dict.fromkeys(turn.speaker for turn in self.turns))

    @property
    def talk(self) -> "Talk":
        """How much is spoken, and how much of it at once."""
        return talk([(turn.first, turn.last) for turn in self.turns]).in_seconds


class Talk(NamedTuple):
    """How long somebody speaks, how long two or more do, three or more do; sums over conversations add up."""

    spoken: float
    double: float
    triple: float

    @property
    def overlap(self) -> float:
        """The share of the time with speech in which two or more speak; 0 where nobody does."""
        return self.double / self.spoken if self.spoken else 0.0

    @property
    def in_seconds(self) -> "Talk":
        """Of samples."""
        return Talk(*(each / RATE for each in self))


def talk(spans: Iterable[Sequence[float]]) -> Talk:
    """Of spans from when to when, in whatever unit they have."""
    steps = sorted(step for begin, end in spans for step in ((begin, 1), (end, -1)))
    busy, since, found = 0, 0.0, [0.0, 0.0, 0.0]
    for place, change in steps:
        for level in range(min(busy, 3)):
            found[level] += place - since
        busy, since = busy + change, place
    return Talk(*found)
