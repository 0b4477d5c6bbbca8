"""Who spoke when: the diarisation error rate of NIST's evaluations of rich transcription (md-eval).

At every instant, with R speakers by the reference, H by the system and C of them right: max(0, R − H) are missed,
max(0, H − R) are false alarms, min(R, H) − C are confused; all R are scored, overlap too. Speakers are paired one
to one so that the most time comes out right. Times are whole microseconds, so nothing is lost in sums.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from allears.score.assignment import heaviest_pairs
from allears.score.counts import Counts
from allears.score.segments import Segment, by_label, microseconds, refuse_negative

Spans = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class DiarisationErrors(Counts):
    """Microseconds of speech that are missed, falsely alarmed, confused, and scored; `rate` is the DER."""

    missed: int = 0
    false_alarm: int = 0
    confusion: int = 0
    scored: int = 0

    @property
    def fraction(self) -> tuple[int, int]:
        """Errors of all three kinds, and what was scored, in microseconds."""
        return self.missed + self.false_alarm + self.confusion, self.scored


def diarisation_errors(
    reference: Iterable[Segment], hypothesis: Iterable[Segment], collar: float = 0.0
) -> DiarisationErrors:
    """DER of a session; speakers by `label`, whatever their words.

    A speaker who overlaps with themself speaks once. `collar` seconds on both sides of where a reference speaker
    starts or stops are not scored, 0.25 by an old custom. Raises `ScoreError` where it is below 0, and where scipy
    is missing.
    """
    refuse_negative(collar)
    said, heard = _speakers(reference), _speakers(hypothesis)
    left_out = _around([edge for spans in said for span in spans for edge in span], collar)
    every = [*said, *heard, left_out]
    edges = np.array(sorted({edge for spans in every for span in spans for edge in span}), np.int64)
    lasting = np.diff(edges) * ~_activity([left_out], edges)[0]
    return _errors(_activity(said, edges), _activity(heard, edges), lasting)


def _errors(
    said: Bool[np.ndarray, "speakers stretches"],
    heard: Bool[np.ndarray, "claimed stretches"],
    lasting: Int64[np.ndarray, " stretches"],
) -> DiarisationErrors:
    together = (said * lasting) @ heard.T.astype(np.int64)
    right = sum(int(together[pair]) for pair in heaviest_pairs(together))
    talkers, claimed = said.sum(0), heard.sum(0)
    return DiarisationErrors(
        missed=int(lasting @ np.maximum(0, talkers - claimed)),
        false_alarm=int(lasting @ np.maximum(0, claimed - talkers)),
        confusion=int(lasting @ np.minimum(talkers, claimed)) - right,
        scored=int(lasting @ talkers),
    )


def _speakers(segments: Iterable[Segment]) -> list[Spans]:
    """When each speaker speaks, in microseconds."""
    return [
        _joined([(microseconds(each.start), microseconds(each.end)) for each in theirs])
        for theirs in by_label(segments).values()
    ]


def _joined(spans: Spans) -> Spans:
    """The same time in spans that neither overlap nor touch."""
    joined: Spans = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _around(edges: Iterable[int], collar: float) -> Spans:
    reach = microseconds(collar)
    return _joined([(edge - reach, edge + reach) for edge in edges])


def _activity(
    speakers: list[Spans], edges: Int64[np.ndarray, " edges"]
) -> Bool[np.ndarray, "speakers stretches"]:
    """Whether each speaks in each stretch from one edge to the next."""
    active = np.zeros((len(speakers), max(0, len(edges) - 1)), bool)
    for row, spans in zip(active, speakers, strict=True):
        for first, last in np.searchsorted(edges, np.array(spans, np.int64).reshape(-1, 2)):
            row[first:last] = True
    return active
