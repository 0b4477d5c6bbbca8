"""Words parted into subtitles that can be read while they are spoken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allears.asr.events import Word

WIDEST = 42
"""Characters to a line."""
LONGEST_S, SHORTEST_S = 6.0, 1.0
_GAP_S = 0.8
"""Silence over which no line goes."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A line, and from when to when it stands, in seconds."""

    text: str
    start: float
    end: float


def cues(words: Sequence[Word], until: float) -> tuple[Cue, ...]:
    """Lines for the words of a segment that ends at `until`.

    They follow one another without overlap, none is longer than WIDEST (but for a single word that is) or
    LONGEST_S; short ones stand longer than they are spoken where there is room.
    """
    lines = list(_lines(words))
    found = []
    for index, line in enumerate(lines):
        start = line[0].start
        following = lines[index + 1][0].start if index + 1 < len(lines) else until
        wanted = max(line[-1].end, min(start + SHORTEST_S, following))
        end = max(start, min(wanted, start + LONGEST_S))
        found.append(Cue(" ".join(word.text for word in line), start, end))
    return tuple(found)


def _lines(words: Sequence[Word]) -> Iterator[list[Word]]:
    line: list[Word] = []
    for word in words:
        if line and not _fits(line, word):
            yield line
            line = []
        line.append(word)
    if line:
        yield line


def _fits(line: Sequence[Word], word: Word) -> bool:
    width = sum(len(each.text) + 1 for each in line) + len(word.text)
    return (
        width <= WIDEST
        and word.end - line[0].start <= LONGEST_S
        and word.start - line[-1].end < _GAP_S
    )
