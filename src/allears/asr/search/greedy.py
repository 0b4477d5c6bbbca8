"""Greedy search: always the likeliest symbol, many streams in a batch.

While a stream is silent its predictor does not change, so several frames are joined at once and only those after
its next symbol once more: as many calls as the most talkative stream has symbols, whatever the frames.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float32, Int64

from allears.asr import tail
from allears.asr.networks import BLANK, Networks
from allears.asr.search.biasing import Phrases
from allears.asr.search.hypothesis import (
    FADING,
    Emission,
    Expectation,
    Hypothesis,
    Readings,
    begin,
    further,
    own,
    without_blank,
)
from allears.asr.tokens import decode
from allears.nn.batch import Share, gather, scatter

MOST = 8
"""Symbols in one frame."""
_AT_ONCE = 8
"""Frames joined at once."""


class Greedy:
    """Search with one reading a stream, as `beam.Beam` has many."""

    def __init__(
        self, networks: Networks, *, most: int = MOST, phrases: Phrases | None = None
    ) -> None:
        self._networks, self._most, self._phrases = networks, most, phrases

    def begin(self, batch: int = 1) -> list[Readings]:
        """Nothing emitted yet."""
        return [(each,) for each in begin(self._networks, batch)]

    def advance(
        self,
        encoded: Float32[np.ndarray, "batch frames joint"],
        readings: Sequence[Readings],
        valid: Sequence[int] | None = None,
    ) -> list[Readings]:
        """Each stream's reading after its first `valid` frames (all, if not given) of `encoded`."""
        hypotheses = [each for (each,) in readings]
        found = advance(
            self._networks, encoded, hypotheses, valid, most=self._most, phrases=self._phrases
        )
        return [(each,) for each in found]


def advance(
    networks: Networks,
    encoded: Float32[np.ndarray, "batch frames joint"],
    hypotheses: Sequence[Hypothesis],
    valid: Sequence[int] | None = None,
    *,
    most: int = MOST,
    phrases: Phrases | None = None,
) -> list[Hypothesis]:
    """Each stream's hypothesis after its first `valid` frames (all, if not given) of `encoded`.

    Phrases only ever pull here: nothing can be taken back that was emitted for them.
    """
    search = _Search(networks, hypotheses, most, phrases)
    count = np.full(len(encoded), encoded.shape[1]) if valid is None else np.asarray(valid)
    for start in range(0, int(count.max(initial=0)), _AT_ONCE):
        within = np.clip(count - start, 0, _AT_ONCE)
        search.window(encoded[:, start : start + _AT_ONCE], within, start)
    return search.after(hypotheses, count)


def whole(
    networks: Networks,
    mels: Sequence[Float32[np.ndarray, "time bands"]],
    *,
    batch: int = 16,
    most: int = MOST,
) -> list[Hypothesis]:
    """What is recognised in each of these recordings, `batch` of them at a time; a tail of quiet ends each.

    Lengths may differ, and need be no multiples of `stack`.
    """
    order = sorted(range(len(mels)), key=lambda index: len(mels[index]))
    found: dict[int, Hypothesis] = {}
    for place in range(0, len(order), batch):
        members = order[place : place + batch]
        parts = [tail.ended(mels[index], networks.stack) for index in members]
        padded = np.zeros((len(parts), len(parts[-1]), networks.bands), np.float32)
        for row, part in zip(padded, parts, strict=True):
            row[: len(part)] = part
        encoded, _ = networks.encode(padded, networks.encoder_state(len(parts)))
        frames = [len(part) // networks.stack for part in parts]
        ended = advance(networks, encoded, begin(networks, len(parts)), frames, most=most)
        found.update(zip(members, ended, strict=True))
    return [found[index] for index in range(len(mels))]


def texts(
    networks: Networks,
    mels: Sequence[Float32[np.ndarray, "time bands"]],
    *,
    batch: int = 16,
    most: int = MOST,
) -> list[str]:
    """`whole` in words."""
    found = whole(networks, mels, batch=batch, most=most)
    return [decode(networks.tokens, each.symbols) for each in found]


class _Search:
    """A batch on its way through the frames."""

    def __init__(
        self,
        networks: Networks,
        hypotheses: Sequence[Hypothesis],
        most: int,
        phrases: Phrases | None,
    ) -> None:
        shares: list[Share[Expectation]] = [each.expectation for each in hypotheses]
        self.networks, self.most, self.phrases = networks, most, phrases
        self.expectation = own(gather(shares))
        self.emissions: list[list[Emission]] = [[] for _ in hypotheses]
        self.scores = np.array([each.score for each in hypotheses])
        self.doubts = np.array([each.doubt for each in hypotheses])
        self.nodes = [each.node for each in hypotheses]
        self.earned = [each.earned for each in hypotheses]
        if phrases is not None:
            self.pull = np.stack([_pull(phrases, node) for node in self.nodes])

    def window(
        self,
        encoded: Float32[np.ndarray, "batch frames joint"],
        valid: Int64[np.ndarray, " batch"],
        start: int,
    ) -> None:
        """A few frames, of which `start` is the first one's number in the chunk."""
        position, repeats = np.zeros((2, len(encoded)), np.int64)
        numbers = np.arange(encoded.shape[1])
        while (position < valid).any():
            waiting = (numbers >= position[:, None]) & (numbers < valid[:, None])
            full = (repeats >= self.most)[:, None] & (numbers == position[:, None])
            chosen, values, blanks = self._likeliest(encoded, waiting, full)
            speaking = chosen.any(1)
            first = np.where(speaking, (chosen != BLANK).argmax(1), valid)
            self.scores += (values * (numbers <= first[:, None])).sum(1)
            self._doubt(blanks, waiting & (numbers < first[:, None]), first)
            rows = np.flatnonzero(speaking)
            if len(rows):
                here = rows, first[rows]
                sure = without_blank(values[here], blanks[here])
                self._emit(rows, chosen[here], sure, here[1] + start)
            repeats = np.where(first == position, repeats, 0) + 1
            position = first

    def _likeliest(
        self,
        encoded: Float32[np.ndarray, "batch frames joint"],
        waiting: Bool[np.ndarray, "batch frames"],
        full: Bool[np.ndarray, "batch frames"],
    ) -> tuple[
        Int64[np.ndarray, "batch frames"],
        Float32[np.ndarray, "batch frames"],
        Float32[np.ndarray, "batch frames"],
    ]:
        """Of waiting frames the likeliest symbol, its log-probability and the blank's; full ones take no more."""
        streams, _ = where = np.nonzero(waiting)
        logs = self.networks.join(encoded[where], self.expectation.predicted[streams])
        best = (logs if self.phrases is None else logs + self.pull[streams]).argmax(1)
        best[full[where]] = BLANK
        chosen = np.zeros(waiting.shape, np.int64)
        values, blanks = np.zeros((2, *waiting.shape), np.float32)
        chosen[where] = best
        values[where] = logs[np.arange(len(logs)), best]
        blanks[where] = logs[:, BLANK]
        return chosen, values, blanks

    def _doubt(
        self,
        blanks: Float32[np.ndarray, "batch frames"],
        passed: Bool[np.ndarray, "batch frames"],
        until: Int64[np.ndarray, " batch"],
    ) -> None:
        """What might have been said in the frames that were passed by, up to `until`."""
        ago = until[:, None] - 1.0 - np.arange(blanks.shape[1])
        possible = np.where(passed, -np.expm1(blanks) * FADING**ago, 0)
        self.doubts = np.maximum(self.doubts * FADING ** passed.sum(1), possible.max(1))

    def after(
        self, before: Sequence[Hypothesis], count: Int64[np.ndarray, " batch"]
    ) -> list[Hypothesis]:
        """The hypotheses, `count` frames later."""
        return [
            Hypothesis(
                emissions=each.emissions + tuple(_later(found, each.frame)),
                expectation=share,
                frame=each.frame + int(frames),
                score=float(score),
                doubt=float(doubt),
                node=node,
                earned=earned,
                hope=0.0 if self.phrases is None else self.phrases.hope(node),
            )
            for each, found, share, frames, score, doubt, node, earned in zip(
                before, self.emissions, scatter(self.expectation, len(before)), count,
                self.scores, self.doubts, self.nodes, self.earned, strict=True,
            )
        ]  # fmt: skip

    def _emit(
        self,
        rows: Int64[np.ndarray, " n"],
        symbols: Int64[np.ndarray, " n"],
        values: Float32[np.ndarray, " n"],
        frames: Int64[np.ndarray, " n"],
    ) -> None:
        each = (rows.tolist(), symbols.tolist(), values.tolist(), frames.tolist())
        for row, symbol, value, frame in zip(*each, strict=True):
            self.emissions[row].append(Emission(symbol, frame, value))
            if self.phrases is not None:
                self.nodes[row], earned = self.phrases.step(self.nodes[row], symbol)
                self.earned[row] += earned
                self.pull[row] = _pull(self.phrases, self.nodes[row])
        self.doubts[rows] = 0
        further(self.networks, self.expectation, rows, symbols)


def _pull(phrases: Phrases, node: int) -> Float32[np.ndarray, " symbols"]:
    return np.asarray(np.maximum(phrases.moves(node)[2], 0), np.float32)


def _later(emissions: Sequence[Emission], frames: int) -> Iterator[Emission]:
    return (each._replace(frame=each.frame + frames) for each in emissions)
