"""Words out of symbols: when they were said, and how sure they are.

A transducer says a symbol when it has heard enough, which is some time after it was spoken. How long, differs from
model to model but little within one, so it is measured once and taken off (`Timing`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from allears.asr.events import Word
from allears.asr.search.hypothesis import Emission
from allears.asr.tokens import WORD, Tokens

SHORTEST = 0.05
"""Seconds between the beginnings of two words, at least, where there is room."""


@dataclass(frozen=True, slots=True)
class Timing:
    """`step` is seconds to a frame of the encoder.

    Its first symbol is emitted `start` seconds after a word begins, its last `end` seconds after it ends.
    """

    step: float
    start: float = 0.0
    end: float = 0.0


def words(
    tokens: Tokens,
    emissions: Sequence[Emission],
    timing: Timing,
    *,
    after: float = 0.0,
    until: float = math.inf,
) -> tuple[Word, ...]:
    """The words of these emissions, none of it before `after` or beyond `until`, in seconds of the stream.

    They begin in order and do not overlap. A word is as sure as all its symbols together.
    """
    groups = [group for group in _groups(tokens, emissions) if _text(tokens, group)]
    starts = np.array([group[0].frame * timing.step - timing.start for group in groups])
    ends = np.array([(group[-1].frame + 1) * timing.step - timing.end for group in groups])
    # Words that came together in one frame were said one after another, before it.
    for index in range(len(groups) - 2, -1, -1):
        starts[index] = min(starts[index], starts[index + 1] - SHORTEST)
    starts = np.maximum.accumulate(np.clip(starts, after, until))
    ends = np.clip(np.maximum(ends, starts + SHORTEST), after, until)
    ends = np.minimum(ends, np.append(starts[1:], np.inf))
    return tuple(
        Word(_text(tokens, group), start, end, _sureness(group))
        for group, start, end in zip(groups, starts.tolist(), ends.tolist(), strict=True)
    )


def agreed(readings: Sequence[Sequence[Word]], scores: Sequence[float]) -> tuple[Word, ...]:
    """The words of the first reading, each no surer than the share of all that have it at that time.

    `scores` are the readings' log-probabilities.
    """
    shares = np.exp(np.asarray(scores) - np.logaddexp.reduce(scores))
    found = []
    for word in readings[0]:
        having = sum(
            share for share, other in zip(shares, readings, strict=True) if _has(other, word)
        )
        found.append(replace(word, confidence=min(word.confidence, float(having))))
    return tuple(found)


def last_word(tokens: Tokens, emissions: Sequence[Emission]) -> int:
    """Where the last word begins among emissions; their number where there is none."""
    place = len(emissions)
    for group in reversed(_groups(tokens, emissions)):
        place -= len(group)
        if _text(tokens, group):
            return place
    return len(emissions)


def _groups(tokens: Tokens, emissions: Sequence[Emission]) -> list[list[Emission]]:
    """Emissions of one word each."""
    groups: list[list[Emission]] = []
    for each in emissions:
        if not groups or tokens.piece(each.symbol).startswith(WORD):
            groups.append([])
        groups[-1].append(each)
    return groups


def _text(tokens: Tokens, group: Sequence[Emission]) -> str:
    return "".join(tokens.piece(each.symbol) for each in group).replace(WORD, "")


def _sureness(group: Sequence[Emission]) -> float:
    return math.exp(sum(each.log_probability for each in group))


def _has(others: Sequence[Word], word: Word) -> bool:
    """Whether the same is said there, at the same time or almost."""
    near = 0.1
    return any(
        each.text == word.text and each.start < word.end + near and word.start < each.end + near
        for each in others
    )
