"""What is heard where no packet came: speech from features, told or guessed, continuing from what was.

As libopus' neural concealment (1.5 and later): when a hole begins, the last heard frames are analysed and
a predictor is told of them; then every 10 ms features, told or predicted, go to a vocoder that continues
from the real samples. It is two frames ahead of what it speaks. 16 kHz, samples in ±1.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from allears.audio.bark import HOP
from allears.audio.features import FEATURES
from allears.nn.batch import Share
from allears.nn.network import State
from allears.voice.burg import CEPSTRA, cepstra
from allears.voice.expectation import Expectation
from allears.voice.model import VoiceModel
from allears.voice.together import Ask, Asking, run

Features = Callable[[int], Float32[np.ndarray, " 20"] | None]
"""The features centred 10·k ms after now, if they are known."""

AHEAD = 2
"""Frames by which the vocoder is told ahead."""

_WARMING, _ANALYSED = 5, 10
"""Hops that only settle the analysis, and hops that the predictor is told of at most."""

_KEPT = (_WARMING + _ANALYSED) * HOP

_CONTEXT = 3
"""Heard frames that the vocoder continues from."""

_HEARD, _TOLD, _NEITHER = 1.0, -1.0, 0.0
"""What marks features that were heard, those told without their samples, and none."""

_NO_CEPSTRA, _NO_FEATURES = np.zeros(CEPSTRA, np.float32), np.zeros(FEATURES, np.float32)

_FADE = (0.0, 0.0, -0.2, -0.2, -0.4, -0.4, -0.8, -0.8, -1.6, -1.6)
"""Added to c0 while one guess follows another; 2 more for each further frame."""

SILENCE = 10.0**-3.25
"""Root mean square (full scale 1) under which nobody speaks: −65 dB."""

_QUIETEST = -15.0
_INAUDIBLE = -12.0
"""c0 below which nothing is spoken: that of digital silence is −12.5."""


def unknown(_: int) -> None:
    """No features are known."""


class Concealer:
    """One stream. `voice.together.run` speaks for many at once, each by its `speaking`."""

    def __init__(self, model: VoiceModel) -> None:
        self._model = model
        self._past = np.zeros(_KEPT, np.float32)
        self._fresh = 0  # samples heard since the last spoken one
        self._begun = False
        self._ready = np.zeros(0, np.float32)  # spoken ahead of need
        self._guessed = 0  # frames guessed one after another
        # What was told ahead of what was spoken may be heard instead.
        self._expectation = Expectation(model, AHEAD)
        self._vocoder: Share[State] | None = None

    def hear(self, samples: Float32[np.ndarray, " samples"]) -> None:
        """Audio that was played, any length."""
        if self._begun:
            self._begun, self._fresh = False, 0
            self._ready = self._ready[:0]
            self._expectation.take_back()
        self._remember(samples)
        self._fresh += len(samples)

    def speak(self, size: int, features: Features = unknown) -> Float32[np.ndarray, " size"]:
        """The next `size` samples: from features where they are known, else from a guess."""
        return run(self._model, [self.speaking(size, features)])[0]

    def linger(self, size: int, features: Features = unknown) -> Float32[np.ndarray, " size"]:
        """How it would go on for `size` samples, to fade into what comes instead."""
        if not self._begun:
            return np.zeros(size, np.float32)
        run(self._model, [self._prepare(size, features)])
        return self._ready[:size]

    def speaking(self, size: int, features: Features = unknown) -> Asking:
        """`speak`, as a generator that asks for what networks compute."""
        if not self._begun:
            if self._nothing_to_say(features):
                samples = np.zeros(size, np.float32)
                self._remember(samples)
                return samples
            yield from self._begin(features)
        yield from self._prepare(size, features)
        samples, self._ready = self._ready[:size], self._ready[size:]
        self._remember(samples)
        return samples

    def _nothing_to_say(self, features: Features) -> bool:
        """Whether nobody spoke of late and nothing is told: networks would only invent."""
        quiet = float(self._past @ self._past) < SILENCE**2 * len(self._past)
        return quiet and all(features(index) is None for index in range(AHEAD + 1))

    def _prepare(self, size: int, features: Features) -> Asking:
        """Speak until `size` samples are ready."""
        # Features are counted from where the caller is, which lies behind what is ready.
        frame = AHEAD + -(-len(self._ready) // HOP)
        while len(self._ready) < size:
            yield from self._step(features(frame))
            frame += 1
        return self._ready

    def _remember(self, samples: Float32[np.ndarray, " samples"]) -> None:
        self._past = np.concatenate((self._past, samples))[-_KEPT:]

    def _begin(self, features: Features) -> Asking:
        """Analyse what was heard, tell the predictor, and let the vocoder continue from it."""
        (extracted,), _ = yield Ask("extract", (self._past[None],))
        heard = extracted[0]
        count = min(_ANALYSED, self._fresh // HOP)
        if count:
            envelopes = cepstra(self._past.reshape(-1, HOP)[-count:])
            for envelope, frame in zip(envelopes, heard[-count:], strict=True):
                self._expectation.tell(_given(envelope, frame, _HEARD))
        self._guessed = 0
        ahead = []
        for index in range(AHEAD):
            ahead.append((yield from self._next(features(index))))
        context = np.concatenate((heard[-_CONTEXT:], ahead)).astype(np.float32)
        begun = (self._past[None, -2 * HOP :], context[None])
        _, self._vocoder = yield Ask("begin", begun, self._vocoder)
        self._begun = True
        return context

    def _step(self, told: Float32[np.ndarray, " 20"] | None) -> Asking:
        """10 ms more."""
        features = (yield from self._next(told)).copy()
        self._guessed = self._guessed + 1 if told is None else 0
        features[0] = max(_QUIETEST, features[0] + _faded(self._guessed))
        if features[0] < _INAUDIBLE and self._guessed > len(_FADE):
            samples = np.zeros(HOP, np.float32)
        else:
            (spoken,), self._vocoder = yield Ask("vocode", (features[None],), self._vocoder)
            samples = spoken[0]
        self._ready = np.concatenate((self._ready, samples))
        return samples

    def _next(self, told: Float32[np.ndarray, " 20"] | None) -> Asking:
        """The features of the next frame: what is told of it, else a guess."""
        if told is not None:
            self._expectation.tell(_given(_NO_CEPSTRA, told, _TOLD))
            yield from self._expectation.catch_up()
            return told
        self._expectation.tell(_given(_NO_CEPSTRA, _NO_FEATURES, _NEITHER))
        return (yield from self._expectation.guess())


def _given(
    envelope: Float32[np.ndarray, " 36"], features: Float32[np.ndarray, " 20"], mark: float
) -> Float32[np.ndarray, " 57"]:
    """What the predictor is given of a frame."""
    return np.concatenate((envelope, features, [mark])).astype(np.float32)


def _faded(guessed: int) -> float:
    if guessed < len(_FADE):
        return _FADE[guessed]
    return _FADE[-1] - 2.0 * (guessed - len(_FADE) + 1)
