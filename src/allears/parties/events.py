"""What is told of a conversation while it goes on."""

import enum
from dataclasses import dataclass

from allears.asr.events import Word


class Kind(enum.StrEnum):
    """Of each turn there is one start, any number of partials, one final and one end, in this order."""

    TURN_START = "turn_start"
    PARTIAL = "partial"
    FINAL = "final"
    TURN_END = "turn_end"


@dataclass(frozen=True, slots=True)
class Event:
    """Something about a turn. Times are seconds from the beginning of the stream.

    Turns are numbered from 1 as they begin. `speaker` is empty as long as nobody can say who it is; what a final
    says is not taken back. `end` is that of the turn, or of its last word so far. `told` is how much of the stream
    had to be heard for it.
    """

    kind: Kind
    turn: int
    speaker: str
    start: float
    end: float
    words: tuple[Word, ...]
    told: float

    @property
    def text(self) -> str:
        """The words, spaces between."""
        return " ".join(word.text for word in self.words)

    @property
    def latency(self) -> float:
        """Seconds of sound by which it came later than what it tells of: the turn's start, else `end`."""
        return self.told - (self.start if self.kind is Kind.TURN_START else self.end)
