"""A conversation heard while it goes on: samples in, what is told of each turn out, whatever its length."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float32

from allears.asr import tail
from allears.asr.networks import Networks
from allears.asr.recogniser import RecogniserError
from allears.asr.search import greedy
from allears.asr.search.hypothesis import Hypothesis, begin
from allears.audio import mel
from allears.audio.given import checked
from allears.parties.events import Event, Kind
from allears.parties.floor import Floor, Taken
from allears.parties.hearing import branches
from allears.parties.turns import Closed, Manner, Open, cut, follow, span
from allears.parties.who import Speakers

CHUNK_S = 0.16
"""Seconds that are heard at once."""

_AHEAD_S = (mel.WINDOW - mel.HOP) / mel.RATE
"""What a log-mel frame hears beyond its own 10 ms."""


class Converser:
    """Makes streams of conversations. `chunk` frames of the encoder are heard at once.

    `meet` makes those who may be met in a stream; without it nobody is told apart. Raises RecogniserError where
    the networks tell of no turns, or `manner` and `chunk` do not fit them.
    """

    def __init__(
        self,
        networks: Networks,
        manner: Manner,
        *,
        chunk: int | None = None,
        meet: Callable[[], Speakers] | None = None,
    ) -> None:
        step = networks.stack * mel.HOP / mel.RATE
        self.networks, self.manner, self.meet = networks, manner, meet
        self.chunk = max(1, round(CHUNK_S / step)) if chunk is None else chunk
        if self.chunk < 1:
            raise RecogniserError(f"chunk {self.chunk}: it wants to be 1 or more")
        if not math.isclose(manner.step, step):
            raise RecogniserError(f"steps of {manner.step} s; the encoder's are {step} s")

    def stream(self) -> "Conversation":
        """A new stream, which begins at 0 s."""
        return Conversation(self)


class Conversation:
    """One conversation being listened to. What is over is forgotten."""

    def __init__(self, converser: Converser) -> None:
        networks = converser.networks
        self._converser, self._over = converser, False
        self._encoder = networks.encoder_state(1)
        self._readings: Sequence[Hypothesis] = begin(networks, networks.branches)
        self._open: list[Taken | None] = [None] * networks.branches
        self._floor = Floor(converser.meet() if converser.meet else None)
        self._sound = mel.initial_state()
        self._mels = np.zeros((0, networks.bands), np.float32)
        self._heard, self._begun, self._samples = 0, 0, 0

    def accept(self, samples: Float32[np.ndarray, " samples"]) -> list[Event]:
        """What is told by hearing more: 16 kHz, ±1, any number of samples. Raises RecogniserError for others."""
        if self._over:
            raise RecogniserError("the stream has ended; begin another")
        whole = checked(samples, RecogniserError)
        self._samples += len(whole)
        self._listen(whole)
        return self._advance(self._converser.chunk)

    def finish(self) -> list[Event]:
        """The rest: every turn ends. Nothing is accepted after."""
        if self._over:
            raise RecogniserError("the stream has ended; begin another")
        self._over = True
        self._listen(tail.samples())
        found = [*self._advance(self._converser.chunk), *self._advance(1)]
        for branch in range(len(self._open)):
            taken = self._open[branch]
            for turn in cut(taken.turn if taken else None, self._heard):
                found += self._end(branch, turn)
        return found

    @property
    def _told(self) -> float:
        """Seconds of the stream that what is known was heard in."""
        heard = self._heard * self._converser.manner.step + _AHEAD_S
        return min(heard, self._samples / mel.RATE)

    def _listen(self, samples: Float32[np.ndarray, " samples"]) -> None:
        mels, self._sound = mel.analyse(samples, self._sound, self._mels.shape[1])
        self._mels = np.concatenate((self._mels, mels))
        self._floor.listen(samples)

    def _advance(self, frames: int) -> list[Event]:
        """So many frames at once, while there are such."""
        networks, found = self._converser.networks, list[Event]()
        length = frames * networks.stack
        while len(self._mels) >= length:
            mels, self._mels = self._mels[None, :length], self._mels[length:]
            encoded, self._encoder = networks.encode(mels, self._encoder)
            self._readings = greedy.advance(networks, branches(networks, encoded), self._readings)
            self._heard += frames
            found += self._follow()
        return found

    def _follow(self) -> list[Event]:
        """What the branches have emitted since, in the order of its frames."""
        manner, steps = self._converser.manner, list[tuple[int, int, bool, Open | Closed]]()
        for branch, reading in enumerate(self._readings):
            taken = self._open[branch]
            turn = taken.turn if taken else None
            for each in follow(turn, reading.emissions, self._heard, manner):
                frame = each.ended if isinstance(each, Closed) else each.last
                steps += [(each.begun, branch, True, each), (frame, branch, False, each)]
        self._readings = [each._replace(emissions=()) for each in self._readings]
        found: list[Event] = []
        # What a branch does in one frame stays in its order: sorting is stable.
        for _, branch, begins, each in sorted(steps, key=lambda step: step[:2]):
            if begins:
                found += self._begin(branch, each)
            elif isinstance(each, Closed):
                found += self._end(branch, each)
            else:
                found += self._go_on(branch, each)
        self._floor.hold(self._told, [each for each in self._open if each])
        return found

    def _begin(self, branch: int, turn: Open | Closed) -> list[Event]:
        """That a turn began, unless it was told."""
        taken = self._open[branch]
        if taken is not None and taken.turn.begun == turn.begun:
            return []
        self._begun += 1
        start = span(turn, self._converser.manner, self._told).start
        fresh = Open(turn.begun, turn.begun)
        self._open[branch] = Taken(self._begun, fresh, start)
        return [Event(Kind.TURN_START, self._begun, "", start, start, (), self._told)]

    def _go_on(self, branch: int, turn: Open) -> list[Event]:
        """Words that are new."""
        taken = self._open[branch]
        assert taken is not None
        words = span(turn, self._converser.manner, self._told).words
        texts = tuple(word.text for word in words)
        speaker = self._floor.guess(taken, self._others(branch))
        self._open[branch] = Taken(taken.number, turn, taken.start, texts, speaker)
        if texts == taken.told:
            return []
        end = words[-1].end if words else taken.start
        return [Event(Kind.PARTIAL, taken.number, speaker, taken.start, end, words, self._told)]

    def _end(self, branch: int, turn: Closed) -> list[Event]:
        """The last of a turn."""
        taken = self._open[branch]
        assert taken is not None
        self._open[branch] = None
        found = span(turn, self._converser.manner, self._told)
        speaker = self._floor.name(taken, found.end, self._others(branch))
        values = taken.number, speaker, taken.start, found.end, found.words, self._told
        return [Event(Kind.FINAL, *values), Event(Kind.TURN_END, *values)]

    def _others(self, branch: int) -> list[str]:
        """Who speaks on other branches."""
        taken = (each for index, each in enumerate(self._open) if index != branch)
        return [each.speaker for each in taken if each and each.speaker]
