"""Who has the floor: what was heard while one turn alone went on, and whose voice that is.

A voice is known by what was said alone: where two talk at once nobody is to be told apart. Of each turn that goes
on a few seconds of such sound are kept, and no more.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from allears.audio import mel
from allears.parties.turns import Open
from allears.parties.who import Speakers

KEPT_S = 10.0
"""Seconds of a turn by which its voice is known."""
_GUESSED_S = 1.0
"""After so much, and each time there is twice as much, it is said who it may be."""


class Alone(NamedTuple):
    """What was heard of a turn while nobody else spoke, and the sample of the stream after its last."""

    samples: Float32[np.ndarray, " samples"]
    until: int


class Taken(NamedTuple):
    """A turn that goes on: its number, how it stands, when it began, the words told of it and who it may be."""

    number: int
    turn: Open
    start: float
    told: tuple[str, ...] = ()
    speaker: str = ""


class Floor:
    """Follows a stream's sound; with nobody to be met it keeps nothing and names nobody."""

    def __init__(self, speakers: Speakers | None) -> None:
        self._speakers = speakers
        self._waiting = np.zeros(0, np.float32)
        self._place = 0
        self._alone: dict[int, Alone] = {}
        self._guessed: dict[int, tuple[int, str]] = {}

    def listen(self, samples: Float32[np.ndarray, " samples"]) -> None:
        """More of the stream."""
        if self._speakers is not None:
            self._waiting = np.concatenate((self._waiting, samples))

    def hold(self, until: float, going_on: Sequence[Taken]) -> None:
        """These turns went on up to `until`, in seconds."""
        count = min(len(self._waiting), max(0, round(until * mel.RATE) - self._place))
        heard, self._waiting = self._waiting[:count], self._waiting[count:]
        self._place += count
        if len(going_on) == 1 and self._speakers is not None:
            number = going_on[0].number
            before = self._alone[number].samples if number in self._alone else heard[:0]
            kept = np.concatenate((before, heard))[-int(KEPT_S * mel.RATE) :]
            self._alone[number] = Alone(kept, self._place)

    def guess(self, taken: Taken, others: Collection[str]) -> str:
        """Who it may be."""
        heard = self._alone.get(taken.number)
        size, name = self._guessed.get(taken.number, (int(_GUESSED_S * mel.RATE) // 2, ""))
        if self._speakers is None or heard is None or len(heard.samples) < 2 * size:
            return name
        voice = self._speakers.voice(heard.samples)
        name = "" if voice is None else self._speakers.guess(voice, others)
        self._guessed[taken.number] = len(heard.samples), name
        return name

    def name(self, taken: Taken, end: float, others: Collection[str]) -> str:
        """Who it was; what was heard of the turn, which ended at `end`, is forgotten."""
        self._guessed.pop(taken.number, None)
        heard = self._alone.pop(taken.number, None)
        if self._speakers is None or heard is None:
            return ""
        # What was heard after it ended is somebody else's, or nobody's.
        spare = max(0, heard.until - round(end * mel.RATE))
        samples = heard.samples[: max(0, len(heard.samples) - spare)]
        voice = self._speakers.voice(samples)
        return "" if voice is None else self._speakers.name(voice, len(samples) / mel.RATE, others)
