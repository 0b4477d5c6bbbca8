"""Beam search: the likeliest texts of a stream, many streams in a batch.

Frame by frame (Graves 2012, kept in time by bounding the symbols of a frame): every hypothesis goes on to the next
frame by a blank, or says symbols first. Those of equal symbols are one, whose probability is the sum of theirs, so
with a beam wide enough the scores are exact.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64

from allears.asr.networks import BLANK, Networks
from allears.asr.search.biasing import Phrases
from allears.asr.search.expectations import Expectations
from allears.asr.search.hypothesis import (
    FADING,
    Emission,
    Hypothesis,
    Readings,
    begin,
    without_blank,
)

_Closed = dict[tuple[int, ...], Hypothesis]


class _Open(NamedTuple):
    """A hypothesis that is still in the frame, of which stream."""

    stream: int
    hypothesis: Hypothesis


class Beam:
    """`width` hypotheses a stream, of at most `most` symbols a frame.

    One that is `margin` nats behind its stream's best says no further symbol in a frame.
    """

    def __init__(
        self,
        networks: Networks,
        width: int = 4,
        *,
        most: int = 3,
        margin: float = 8.0,
        phrases: Phrases | None = None,
    ) -> None:
        self._networks, self._phrases = networks, phrases
        self._width, self._most, self._margin = width, most, margin
        self._expectations = Expectations(networks)

    def begin(self, batch: int = 1) -> list[Readings]:
        """Nothing emitted yet."""
        return [(each,) for each in begin(self._networks, batch)]

    def advance(
        self,
        encoded: Float32[np.ndarray, "batch frames joint"],
        readings: Sequence[Readings],
        valid: Sequence[int] | None = None,
    ) -> list[Readings]:
        """Each stream's readings after its first `valid` frames (all, if not given) of `encoded`."""
        found = list(readings)
        counts = [encoded.shape[1]] * len(encoded) if valid is None else list(valid)
        for frame in range(max(counts, default=0)):
            streams = [stream for stream, count in enumerate(counts) if count > frame]
            heard = encoded[:, frame]
            open_ = [_Open(stream, each) for stream in streams for each in found[stream]]
            for stream, closed in self._frame(heard, open_).items():
                ranked = sorted(closed.values(), key=_rank, reverse=True)
                found[stream] = tuple(ranked[: self._width])
        return found

    def _frame(
        self, heard: Float32[np.ndarray, "batch joint"], open_: list[_Open]
    ) -> dict[int, _Closed]:
        """All ways through a frame, of each stream."""
        closed: dict[int, _Closed] = {each.stream: {} for each in open_}
        for count in range(self._most + 1):
            predicted = [each.hypothesis.expectation.alone.predicted for each in open_]
            streams = np.array([each.stream for each in open_])
            logs = self._networks.join(heard[streams], np.concatenate(predicted))
            for each, blank in zip(open_, logs[:, BLANK].tolist(), strict=True):
                _close(closed[each.stream], each.hypothesis, blank)
            if count == self._most:
                break
            least = {stream: self._least(ways) for stream, ways in closed.items()}
            open_ = self._spoken(open_, logs, np.array([least[stream] for stream in streams]))
            if not open_:
                break
        return closed

    def _least(self, closed: _Closed) -> float:
        """What a hypothesis must have at least to matter."""
        ranks = sorted((each.rank for each in closed.values()), reverse=True)
        last = ranks[self._width - 1] if len(ranks) >= self._width else -math.inf
        return max(ranks[0] - self._margin, last)

    def _spoken(
        self,
        open_: list[_Open],
        logs: Float32[np.ndarray, "open vocabulary"],
        least: Float64[np.ndarray, " open"],
    ) -> list[_Open]:
        """The best `width` of each stream that say one symbol more."""
        ranks = np.array([each.hypothesis.rank for each in open_])
        values = ranks[:, None] + logs
        if self._phrases is not None:
            values += [self._phrases.moves(each.hypothesis.node)[2] for each in open_]
        values[:, BLANK] = -math.inf
        rows, symbols = np.nonzero(values > least[:, None])
        if not len(rows):
            return []
        streams = np.array([each.stream for each in open_])[rows]
        order = np.lexsort((-values[rows, symbols], streams))
        place = np.arange(len(order)) - np.searchsorted(streams[order], streams[order])
        chosen = order[place < self._width]
        return self._said(open_, logs, rows[chosen], symbols[chosen])

    def _said(
        self,
        open_: list[_Open],
        logs: Float32[np.ndarray, "open vocabulary"],
        rows: Int64[np.ndarray, " n"],
        symbols: Int64[np.ndarray, " n"],
    ) -> list[_Open]:
        values = logs[rows, symbols]
        sure = without_blank(values, logs[rows, BLANK]).tolist()
        before = [open_[row] for row in rows.tolist()]
        shares = self._expectations(
            [each.hypothesis.expectation.alone for each in before], symbols.tolist()
        )
        said = []
        each = (before, symbols.tolist(), values.tolist(), sure, shares)
        for (stream, old), symbol, value, certain, share in zip(*each, strict=True):
            new = old._replace(
                emissions=(*old.emissions, Emission(symbol, old.frame, certain)),
                expectation=share,
                score=old.score + value,
                doubt=0.0,
            )
            said.append(_Open(stream, self._credited(new, symbol)))
        return said

    def _credited(self, hypothesis: Hypothesis, symbol: int) -> Hypothesis:
        if self._phrases is None:
            return hypothesis
        node, earned = self._phrases.step(hypothesis.node, symbol)
        return hypothesis._replace(
            node=node, earned=hypothesis.earned + earned, hope=self._phrases.hope(node)
        )


def settled(readings: Readings, phrases: Phrases | None = None) -> Readings:
    """The readings where the words end here, the best first: only phrases that were said to their end count."""
    if phrases is None:
        return readings
    ended = (
        each._replace(node=0, earned=each.earned + phrases.end(each.node), hope=0.0)
        for each in readings
    )
    return tuple(sorted(ended, key=_rank, reverse=True))


def _close(closed: _Closed, hypothesis: Hypothesis, blank: float) -> None:
    """It goes on to the next frame; where its like has already, they are one."""
    symbols = hypothesis.symbols
    new = hypothesis._replace(
        frame=hypothesis.frame + 1,
        score=hypothesis.score + blank,
        doubt=max(hypothesis.doubt * FADING, -math.expm1(blank)),
    )
    other = closed.get(symbols)
    if other is not None:
        better = max(new, other, key=_rank)
        new = better._replace(score=float(np.logaddexp(new.score, other.score)))
    closed[symbols] = new


def _rank(hypothesis: Hypothesis) -> float:
    return hypothesis.rank
