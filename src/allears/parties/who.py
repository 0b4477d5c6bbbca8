"""Who speaks in a turn: voices told apart as they come, and called by name where they were enrolled.

Online clustering: a turn's voice is that of the likeliest speaker so far if it is likely enough, else a new one;
each speaker is the mean of all that was heard of them, enrolled clips among it. Names of turns that are over stay.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float32

from allears.errors import AllearsError

Voice = Float32[np.ndarray, " size"]


class Embedder(Protocol):
    """Voices as vectors, and whether two are one; `speaker.verifier.Verifier` is such."""

    def embed(self, samples: Float32[np.ndarray, " samples"]) -> Voice:
        """Of 16 kHz in ±1, of length 1. Raises an AllearsError where nobody speaks in it."""

    def same(self, first: Voice, second: Voice) -> float:
        """How much likelier (nats) one speaker is than two, for voices of length 1."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When a voice is somebody's.

    One is a new speaker's where being any old one is less likely than `nats`; after less than `least_s` of speech
    alone nobody new is met. There are no more than `most` speakers.
    """

    nats: float = 0.0
    least_s: float = 1.0
    most: int = 20


_ENROLLED, _AT_MOST = 20.0, 10.0
"""Seconds that an enrolled clip counts for, and that a turn does at most."""


class Speakers:
    """Those met so far in one conversation."""

    def __init__(
        self, embedder: Embedder, enrolled: Mapping[str, Voice], rules: Rules | None = None
    ) -> None:
        self._embedder, self._rules = embedder, rules or Rules()
        self._sums = {name: _ENROLLED * np.asarray(each, float) for name, each in enrolled.items()}
        self._met = 0

    def voice(self, samples: Float32[np.ndarray, " samples"]) -> Voice | None:
        """The voice heard in these; None where nobody speaks."""
        try:
            return self._embedder.embed(samples)
        except AllearsError:
            return None

    def guess(self, voice: Voice, others: Collection[str] = ()) -> str:
        """Whose it is among those known, who are not `others`; nobody's where it is like none."""
        name, nats = self._likeliest(voice, others)
        return name if nats >= self._rules.nats else ""

    def name(self, voice: Voice, seconds: float, others: Collection[str] = ()) -> str:
        """Whose it is, after so much speech; who is new gets a name. What was heard is remembered."""
        name, nats = self._likeliest(voice, others)
        full = len(self._sums) >= self._rules.most or seconds < self._rules.least_s
        if not name or (nats < self._rules.nats and not full):
            if seconds < self._rules.least_s:
                return ""
            name = self._new()
        weight = min(seconds, _AT_MOST)
        self._sums[name] = self._sums.get(name, 0) + weight * np.asarray(voice, float)
        return name

    def _new(self) -> str:
        """A name that nobody has."""
        while True:
            self._met += 1
            if (name := f"speaker {self._met}") not in self._sums:
                return name

    def _likeliest(self, voice: Voice, others: Collection[str]) -> tuple[str, float]:
        """Who, and how much likelier it is them than another."""
        best = "", -np.inf
        for name, total in self._sums.items():
            if name not in others:
                mean = (total / np.linalg.norm(total)).astype(np.float32)
                nats = self._embedder.same(mean, voice)
                best = max(best, (name, nats), key=lambda each: each[1])
        return best
