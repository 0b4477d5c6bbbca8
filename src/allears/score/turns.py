"""Turns of a conversation: which of the system's is which of the reference's, and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allears.score.assignment import heaviest_pairs
from allears.score.counts import Counts
from allears.score.segments import Segment, microseconds


@dataclass(frozen=True, slots=True)
class TurnCounts(Counts):
    """Sessions, and those in which as many turns were found as there are; `rate` is the accuracy of counting.

    `difference` adds up by how many the others are wrong, either way; `said` and `heard` are all turns.
    """

    sessions: int = 0
    exact: int = 0
    difference: int = 0
    said: int = 0
    heard: int = 0

    @property
    def fraction(self) -> tuple[int, int]:
        """Sessions that are right, and all."""
        return self.exact, self.sessions


def turn_counts(reference: Sequence[Segment], hypothesis: Sequence[Segment]) -> TurnCounts:
    """Of a session in which each segment is a turn."""
    said, heard = len(reference), len(hypothesis)
    return TurnCounts(1, int(said == heard), abs(said - heard), said, heard)


def paired_turns(
    reference: Sequence[Segment], hypothesis: Sequence[Segment], slack: float = 0.0
) -> list[tuple[int, int]]:
    """Indices of turns that are one another: one to one, so that the most time overlaps in all.

    Labels do not matter. Turns of the reference are widened by `slack` seconds on both sides first, which keeps
    very short ones that the system marks late; without overlap no turns are paired. Raises `ScoreError` where
    scipy is missing.
    """
    said, heard = _spans(reference), _spans(hypothesis)
    reach = microseconds(slack)
    starts = np.maximum(said[:, None, 0] - reach, heard[None, :, 0])
    ends = np.minimum(said[:, None, 1] + reach, heard[None, :, 1])
    return heaviest_pairs(np.maximum(0, ends - starts))


def _spans(turns: Sequence[Segment]) -> np.ndarray:
    """Starts and ends in microseconds."""
    spans = [(microseconds(each.start), microseconds(each.end)) for each in turns]
    return np.array(spans, np.int64).reshape(-1, 2)
