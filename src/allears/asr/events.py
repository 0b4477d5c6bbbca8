"""What a recogniser says while it listens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A word, when it was said (seconds from the beginning of the stream), and how sure it is (0 … 1)."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of a segment; `score` is its log-probability, in nats."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Result:
    """The words of a segment so far; a final one is never taken back, a partial one may be.

    `start` and `end` are seconds from the beginning of the stream; a segment's end is that of what was heard.
    Finals may carry other readings, the best first, `words` being the first of them. `reason` says which rule
    ended the segment.
    """

    words: tuple[Word, ...]
    final: bool
    start: float
    end: float
    alternatives: tuple[Alternative, ...] = ()
    reason: str = ""

    @property
    def text(self) -> str:
        """The words, spaces between."""
        return " ".join(word.text for word in self.words)
