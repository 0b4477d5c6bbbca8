"""Conversations by number, from any recordings of single talkers: equal seeds give equal samples, in any order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Protocol

import numpy as np
from jaxtyping import Float32

from allears.corpus.mixtures import draw, speech
from allears.corpus.mixtures.conversation import Conversation
from allears.corpus.mixtures.draw import Place, Plan
from allears.corpus.mixtures.render import Clip, Seeds, render
from allears.corpus.mixtures.turns import Session, Timed, Turn, Word
from allears.corpus.recordings import CorpusError, Utterance
from allears.corpus.sound import RATE


class Source(Protocol):
    """Recordings of single talkers at 16 kHz, such as `corpus.sound.Sound`."""

    @property
    def utterances(self) -> Sequence[Utterance]:
        """Who speaks and what is said in each."""

    def samples(self, index: int) -> Float32[np.ndarray, " n"]:
        """One of them, in ±1."""


class Mixtures:
    """Conversation `number`, from 0 on, is a pure function of the source, the seed and the number.

    Recordings that are longer than a conversation, silent, or of nobody by name take no part. All samples are
    looked through once, here, for where speech begins and ends (`speech.bounds`).

    Args:
        source: recordings; texts are taken as they are.
        conversation: how conversations are.
        seed: of everything random, from 0.
        words: word times in seconds from the beginning of the recording, by the utterance's name.

    Raises CorpusError where fewer than two speakers, or than there are to be, have a recording.
    """

    def __init__(
        self,
        source: Source,
        conversation: Conversation | None = None,
        seed: int = 0,
        words: Mapping[str, Sequence[Timed]] | None = None,
    ) -> None:
        self._source, self._seed, self._words = source, seed, words or {}
        self._speech = [
            speech.bounds(source.samples(index)) if said.speaker else None
            for index, said in enumerate(source.utterances)
        ]
        self._settle(conversation or Conversation())

    def otherwise(self, conversation: Conversation) -> "Mixtures":
        """The same recordings, seed and words in conversations of another manner, not looked through again."""
        found = copy(self)
        found._settle(conversation)
        return found

    def _settle(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self._bounds = self._fitting()
        self._lengths = [last - first for first, last in self._bounds]
        self._pool = self._speakers()

    def plan(self, number: int) -> Plan:
        """Who speaks when in a conversation. Raises CorpusError where none can be."""
        return draw.plan(self._pool, self._lengths, self.conversation, self._seeds(number).of(0))

    def session(self, number: int) -> Session:
        """A conversation. Raises CorpusError as `plan` does."""
        plan = self.plan(number)
        clips = [
            Clip(self._source.samples(place.utterance), *self._bounds[place.utterance])
            for place in plan.places
        ]
        samples, parts = render(plan, clips, self.conversation, self._seeds(number))
        turns = tuple(self._turn(place) for place in plan.places)
        return Session(f"mixture-{self._seed}-{number:06}", samples, turns, parts)

    def _seeds(self, number: int) -> Seeds:
        if number < 0:
            raise ValueError(f"conversations count from 0, not {number}")
        return Seeds(self._seed, number)

    def _turn(self, place: Place) -> Turn:
        said = self._source.utterances[place.utterance]
        turn = Turn(said.speaker, said.text, place.start, place.end, said.name)
        shift = (place.start - self._bounds[place.utterance][0]) / RATE
        words = tuple(_inside(turn, word, shift) for word in self._words.get(said.name, ()))
        return replace(turn, words=words)

    def _fitting(self) -> list[tuple[int, int]]:
        """From where to where there is speech in each recording; 0 to 0 in one that takes no part."""
        spare = (self.conversation.longest - 2 * self.conversation.edges[0]) * RATE
        return [each if each and each[1] - each[0] <= spare else (0, 0) for each in self._speech]

    def _speakers(self) -> dict[str, list[int]]:
        pool: dict[str, list[int]] = defaultdict(list)
        for index, said in enumerate(self._source.utterances):
            if self._lengths[index]:
                pool[said.speaker].append(index)
        needed = self.conversation.speakers[0]
        if len(pool) < needed:
            have = f"{len(pool)} speakers have" if len(pool) != 1 else "one speaker has"
            what = f"{have} a recording short enough for {self.conversation.longest:g} s"
            raise CorpusError(f"{what}, with speech and a name, where {needed} are needed")
        return dict(pool)


def _inside(turn: Turn, word: Timed, shift: float) -> Word:
    """A word `shift` seconds later, and no part of it outside its turn."""
    start, end = (min(max(time + shift, turn.start), turn.end) for time in (word.start, word.end))
    return Word(word.text, start, end)
