"""PocketSphinx as a recogniser (Huggins-Daines et al., ICASSP 2006), with the English model in its wheel.

It is weak, and takes no network. Its voice detector says when somebody speaks; `endpoint`'s rules, when a phrase
is over. Only what is spoken is decoded.
"""

import math
import re
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
from jaxtyping import Float32

from allears.asr.endpoint import RULES, Heard, Rule, ended
from allears.asr.events import Alternative, Result, Word
from allears.asr.recogniser import RecogniserError
from allears.audio.files import to_int16
from allears.audio.framing import Framer
from allears.audio.given import checked

RATE = 16_000
_FRAME = 480
_FRAME_S = _FRAME / RATE
_STEP_S = 0.01
"""Of the decoder."""
_WINDOW, _BEGINS, _GOES_ON = 10, 6, 4
"""Of so many frames, how many hold speech where a phrase begins, and where it goes on."""
_BEFORE = 16
"""Frames before that is known which belong to the phrase: beginnings of words are quiet."""
_BUSIEST = 3000
"""States looked into per 10 ms."""
_VARIANT = re.compile(r"\(\d+\)$")


class Sphinx:
    """`recogniser.Recogniser`. Raises RecogniserError where the package is missing."""

    def __init__(self, *, rules: Sequence[Rule] = RULES, alternatives: int = 0) -> None:
        self.rules, self.alternatives = tuple(rules), alternatives
        self._idle = [_decoder()]

    def stream(self) -> "SphinxStream":
        """A new stream, which begins at 0 s."""
        return SphinxStream(self)

    def lend(self) -> Any:
        """A decoder that knows of no stream; it takes seconds to make one, so they are used again."""
        decoder = self._idle.pop() if self._idle else _decoder()
        decoder.reinit_feat()
        return decoder

    def give_back(self, decoder: Any) -> None:
        """It is in no phrase."""
        self._idle.append(decoder)


class SphinxStream:
    """`recogniser.Stream`. Words of partial results have confidence 0: it is known at the end of a phrase."""

    def __init__(self, recogniser: Sphinx) -> None:
        from pocketsphinx import Vad

        self._recogniser, self._decoder = recogniser, recogniser.lend()
        self._voice = Vad(Vad.MEDIUM_STRICT, RATE, _FRAME_S)
        self._framer = Framer(_FRAME)
        self._samples = self._frames = 0
        self._speech: deque[bool] = deque(maxlen=_WINDOW)
        self._before: deque[bytes] = deque(maxlen=_BEFORE)
        self._begun: int | None = None
        self._spoken = 0
        self._told: tuple[str, ...] = ()
        self._over = False

    def accept(self, samples: Float32[np.ndarray, " samples"]) -> list[Result]:
        """What changed by hearing more: 16 kHz, ±1, any number of samples.

        Raises RecogniserError for anything else, and after the end.
        """
        if self._over:
            raise RecogniserError("the stream has ended; begin another")
        samples = checked(samples, RecogniserError)
        self._samples += len(samples)
        return self._heard(self._framer.push(samples))

    def finish(self) -> list[Result]:
        """The last words; nothing is accepted after."""
        if self._over:
            raise RecogniserError("the stream has ended; begin another")
        found = self._heard(self._framer.flush())
        self._over = True
        if self._begun is not None:
            found = [each for each in found if each.final] + self._final("end")
        self._recogniser.give_back(self._decoder)
        return found

    def _heard(self, frames: Sequence[np.ndarray]) -> list[Result]:
        found = []
        for frame in frames:
            found += self._hear(to_int16(frame).astype("<i2").tobytes())
        return found + (self._partial() if frames else [])

    def _hear(self, frame: bytes) -> list[Result]:
        self._frames += 1
        self._speech.append(self._voice.is_speech(frame))
        if self._begun is None:
            self._before.append(frame)
            if sum(self._speech) >= _BEGINS:
                self._begin()
            return []
        self._decoder.process_raw(frame)
        if sum(self._speech) >= _GOES_ON:
            self._spoken = self._frames
        rule = ended(self._recogniser.rules, self._state())
        return [] if rule is None else self._final(rule.name)

    def _begin(self) -> None:
        self._begun, self._spoken = self._frames - len(self._before), self._frames
        self._decoder.start_utt()
        self._decoder.process_raw(b"".join(self._before))
        self._before.clear()

    def _state(self) -> Heard:
        begun = self._begun or 0
        silence = (self._frames - self._spoken) * _FRAME_S
        return Heard((self._frames - begun) * _FRAME_S, silence, len(self._told))

    def _partial(self) -> list[Result]:
        if self._begun is None:
            return []
        words = self._words(sure=False)
        texts = tuple(word.text for word in words)
        if texts == self._told:
            return []
        self._told = texts
        return [Result(words, False, self._start, self._now)]

    def _final(self, reason: str) -> list[Result]:
        told, self._told = self._told, ()
        self._decoder.end_utt()
        words = self._words(sure=True)
        start, others = self._start, self._alternatives() if words else ()
        self._begun = None
        self._speech.clear()
        if not (words or told):
            return []
        return [Result(words, True, start, self._now, others, reason)]

    @property
    def _start(self) -> float:
        return (self._begun or 0) * _FRAME_S

    @property
    def _now(self) -> float:
        """What was padded at the end is no part of the stream."""
        return min(self._frames * _FRAME_S, self._samples / RATE)

    def _words(self, *, sure: bool) -> tuple[Word, ...]:
        if self._decoder.hyp() is None:
            return ()
        found, start = [], self._start
        for each in self._decoder.seg():
            if text := _text(each.word):
                begin = min(start + each.start_frame * _STEP_S, self._now)
                end = min(start + (each.end_frame + 1) * _STEP_S, self._now)
                found.append(Word(text, begin, end, min(1.0, each.prob) if sure else 0.0))
        return tuple(found)

    def _alternatives(self) -> tuple[Alternative, ...]:
        count = self._recogniser.alternatives
        if not count:
            return ()
        best = self._decoder.hyp()
        scores = {_texts(best.hypstr): _log(best.score)}
        highest = _log(best.score)
        for each in islice(self._decoder.nbest() or (), 20 * count):
            scores.setdefault(_texts(each.hypstr), min(highest, _log(each.score)))
        found = [Alternative(text, score) for text, score in scores.items()]
        return tuple(sorted(found, key=lambda each: -each.score)[:count])


def _texts(hypothesis: str) -> str:
    return " ".join(filter(None, map(_text, hypothesis.split())))


def _text(word: str) -> str:
    """Of a word of the decoder's dictionary; none of its silences and noises."""
    return "" if word[:1] in "<[+" else _VARIANT.sub("", word)


def _log(score: float) -> float:
    return math.log(max(score, 1e-300))


def _decoder() -> Any:
    try:
        from pocketsphinx import Decoder
    except ImportError:
        raise RecogniserError(
            "pocketsphinx is not installed: pip install 'allears[recipes]'"
        ) from None
    return Decoder(samprate=RATE, fwdflat=False, maxhmmpf=_BUSIEST, loglevel="FATAL")
