"""What is told of a segment: what was said from the end of one phrase to the end of the next."""

from dataclasses import dataclass

from allears.asr.endpoint import Heard
from allears.asr.events import Alternative, Result, Word
from allears.asr.search.beam import settled
from allears.asr.search.biasing import Phrases
from allears.asr.search.hypothesis import Hypothesis, Readings
from allears.asr.search.words import Timing, agreed, last_word, words
from allears.asr.tokens import Tokens, decode

BREATH_S = 0.3
"""Silence after which a word is over for a rule that asks for none."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How results are made of readings; so many `alternatives`, the best among them, go with finals."""

    tokens: Tokens
    timing: Timing
    phrases: Phrases | None = None
    alternatives: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """It begins at `start`, in seconds of the stream; `readings` are of all since."""

    readings: Readings
    start: float = 0.0

    def heard(self, manner: Manner, count: int) -> Heard:
        """What rules look at, where there are `count` words."""
        best, step = self.readings[0], manner.timing.step
        now = best.frame * step
        spoken = (best.emissions[-1].frame + 1) * step if best.emissions else self.start
        return Heard(now - self.start, now - spoken, count, best.doubt)

    def partial(self, manner: Manner) -> Result:
        """What was said so far."""
        best = self.readings[0]
        found = self._words(best, manner)
        return Result(found, False, self.start, self._end(found, manner))

    def final(self, manner: Manner, reason: str, until: float | None = None) -> Result:
        """What was said, for good; up to `until`, where the stream ends there."""
        readings = settled(self.readings, manner.phrases)
        found = self._agreed(readings, manner, until)
        end = self._end(found, manner) if until is None else max(self.start, until)
        return Result(found, True, self.start, end, _alternatives(readings, manner), reason)

    def cut(self, manner: Manner, reason: str) -> tuple[Result, "Segment"]:
        """What was said, for good, but for the last word, which may not be over: it begins the next segment.

        A segment of one word is not cut in two.
        """
        best = settled(self.readings, manner.phrases)[0]
        place = last_word(manner.tokens, best.emissions)
        told = Segment((best._replace(emissions=best.emissions[:place]),), self.start)
        found = self._words(best, manner)
        end = found[-1].start
        kept = best._replace(emissions=best.emissions[place:], score=0.0, earned=0.0)
        return told.final(manner, reason, end), Segment((kept,), end)

    def _end(self, found: tuple[Word, ...], manner: Manner) -> float:
        """Up to when what was spoken is known."""
        known = self.readings[0].frame * manner.timing.step - max(0.0, manner.timing.end)
        return max(self.start, known, found[-1].end if found else 0.0)

    def _words(
        self, hypothesis: Hypothesis, manner: Manner, until: float | None = None
    ) -> tuple[Word, ...]:
        limit = hypothesis.frame * manner.timing.step if until is None else until
        return words(
            manner.tokens, hypothesis.emissions, manner.timing, after=self.start, until=limit
        )

    def _agreed(self, readings: Readings, manner: Manner, until: float | None) -> tuple[Word, ...]:
        found = [self._words(each, manner, until) for each in readings]
        return agreed(found, [each.rank for each in readings])


def _alternatives(readings: Readings, manner: Manner) -> tuple[Alternative, ...]:
    """Of different texts."""
    scores: dict[str, float] = {}
    for each in readings:
        scores.setdefault(decode(manner.tokens, each.symbols), each.rank)
    found = [Alternative(text, score) for text, score in scores.items()]
    return tuple(found[: manner.alternatives])
