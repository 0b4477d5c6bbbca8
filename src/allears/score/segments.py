"""What somebody said from when to when: the common input of every score of a conversation.

One list of segments is what a session's reference says, another what a system made of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import isfinite
from typing import NamedTuple

from allears.score.quality import ScoreError

MICROSECONDS = 1_000_000
"""In a second; times are counted in whole ones, which add to the same in any order."""


class TimedWord(NamedTuple):
    """A word and the seconds between which it is said."""

    word: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Segment:
    """Words of one speaker or stream, between `start` and `end` in seconds of the session.

    `label` names the speaker, or the stream (branch) that gave the words out. `words` are normalised already.
    `times` are the start and end of each word in seconds, None where they are not known. Raises `ScoreError`
    for times that are not finite or end before they start, for blanks in a word, and for times without words.
    """

    label: str
    start: float
    end: float
    words: tuple[str, ...] = ()
    times: tuple[tuple[float, float], ...] | None = None

    def __post_init__(self) -> None:
        for start, end in ((self.start, self.end), *(self.times or ())):
            if not (isfinite(start) and isfinite(end) and start <= end):
                raise ScoreError(f"{self.label}: nothing is said from {start} to {end} s")
        if any(word.split() != [word] for word in self.words):
            raise ScoreError(f"{self.label}: a word is empty or has blanks in it; split the text")
        if self.times is not None and len(self.times) != len(self.words):
            raise ScoreError(
                f"{self.label}: {len(self.words)} words, but times of {len(self.times)}"
            )

    def timed(self) -> list[TimedWord]:
        """The words with their times; unknown ones share the segment by their numbers of letters.

        That is the "character-based" estimate of von Neumann et al., "MeetEval", CHiME 2023.
        """
        if self.times is not None:
            return [
                TimedWord(word, *time) for word, time in zip(self.words, self.times, strict=True)
            ]
        letters = list(accumulate(map(len, self.words), initial=0))
        each = (self.end - self.start) / max(1, letters[-1])
        edges = pairwise(self.start + each * before for before in letters)
        return [TimedWord(word, *time) for word, time in zip(self.words, edges, strict=True)]


def spoken(segments: Iterable[Segment]) -> list[Segment]:
    """Those with words in them, in the order in which they start."""
    return sorted((each for each in segments if each.words), key=lambda each: each.start)


def by_label(segments: Iterable[Segment]) -> dict[str, list[Segment]]:
    """The segments of each speaker or stream, in their order."""
    found: dict[str, list[Segment]] = {}
    for each in segments:
        found.setdefault(each.label, []).append(each)
    return found


def microseconds(seconds: float) -> int:
    """The nearest whole number of them."""
    return round(seconds * MICROSECONDS)


def refuse_negative(collar: float) -> None:
    """`ScoreError` for a collar that is below 0 seconds, or no number."""
    if not collar >= 0:
        raise ScoreError(f"a collar of {collar} s is none; take 0 or more")
