"""Turns out of what a branch emits: begun by <sot>, ended by <eot>, and closed whatever is missing.

Symbols outside a turn begin one; a turn that begins in another ends that; one in which nothing comes any more, or
that goes on for too long, is ended. So each that begins ends, and nothing is kept of those that have.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from allears.asr.events import Word
from allears.asr.search import words as told
from allears.asr.search.hypothesis import Emission
from allears.asr.search.words import Timing
from allears.asr.tokens import Marked
from allears.parties.targets import EOT, SOT


@dataclass(frozen=True, slots=True)
class Manner:
    """How emissions become turns.

    A turn begins `start` seconds before its <sot> is emitted and ends `end` before its <eot> is. It is ended where
    nothing came for `silence_s`, and after `longest_s`.
    """

    tokens: Marked
    words: Timing
    start: float = 0.0
    end: float = 0.0
    silence_s: float = 6.0
    longest_s: float = 60.0

    @property
    def step(self) -> float:
        """Seconds to a frame."""
        return self.words.step

    def frames(self, seconds: float) -> int:
        """So many."""
        return max(1, round(seconds / self.step))


class Open(NamedTuple):
    """A turn that goes on: the frames of its <sot> and of the last symbol, and its symbols."""

    begun: int
    last: int
    emissions: tuple[Emission, ...] = ()


class Closed(NamedTuple):
    """A turn that is over, ended in a frame; `marked` where by its own <eot>."""

    begun: int
    ended: int
    emissions: tuple[Emission, ...]
    marked: bool


def follow(
    turn: Open | None, emissions: Iterable[Emission], frame: int, manner: Manner
) -> list[Open | Closed]:
    """What became of a branch by these emissions, `frame` frames into the stream: turns that ended and began.

    One that goes on is the last of them, as it is now.
    """
    found: list[Open | Closed] = []
    sot, eot = manner.tokens.mark(SOT), manner.tokens.mark(EOT)
    for each in emissions:
        turn = _overdue(turn, each.frame, manner, found)
        if turn is not None and each.symbol in (sot, eot):
            found.append(Closed(turn.begun, each.frame, turn.emissions, each.symbol == eot))
            turn = None
        if each.symbol == eot:
            continue
        if turn is None:
            turn = Open(each.frame, each.frame)
        if each.symbol != sot:
            turn = Open(turn.begun, each.frame, (*turn.emissions, each))
    turn = _overdue(turn, frame, manner, found)
    return found if turn is None else [*found, turn]


def _overdue(
    turn: Open | None, frame: int, manner: Manner, found: list[Open | Closed]
) -> Open | None:
    """The turn, unless it must have ended before `frame`."""
    if turn is None:
        return None
    due = min(
        turn.last + manner.frames(manner.silence_s), turn.begun + manner.frames(manner.longest_s)
    )
    if frame < due:
        return turn
    found.append(Closed(turn.begun, due, turn.emissions, False))
    return None


def cut(turn: Open | None, frame: int) -> list[Closed]:
    """What is still open where the stream ends."""
    return [] if turn is None else [Closed(turn.begun, frame, turn.emissions, False)]


class Span(NamedTuple):
    """When a turn was, in seconds of the stream, and what was said in it."""

    start: float
    end: float
    words: tuple[Word, ...]


def span(turn: Closed | Open, manner: Manner, until: float) -> Span:
    """A turn's; it is all before `until`, the seconds heard so far.

    Where a turn ended without its mark, it ends with its last word.
    """
    start = min(until, max(0.0, turn.begun * manner.step - manner.start))
    words = told.words(manner.tokens.tokens, turn.emissions, manner.words, after=start, until=until)
    last = words[-1].end if words else start
    if isinstance(turn, Closed) and turn.marked:
        marked = (turn.ended + 1) * manner.step - manner.end
        return Span(start, min(until, max(last, marked)), words)
    return Span(start, last, words)


def all_turns(emissions: Sequence[Emission], frames: int, manner: Manner) -> list[Closed]:
    """Every turn of a branch that has been heard to its end."""
    found = follow(None, emissions, frames, manner)
    closed = [each for each in found if isinstance(each, Closed)]
    return [*closed, *(cut(found[-1], frames) if found and isinstance(found[-1], Open) else [])]
