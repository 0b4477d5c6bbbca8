"""A recogniser that hears while one speaks, with any networks: samples in, words out, many streams in a batch."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float32

from allears.asr import tail
from allears.asr.endpoint import RULES, Rule, ended
from allears.asr.events import Result
from allears.asr.networks import Networks, State
from allears.asr.recogniser import RecogniserError
from allears.asr.search.beam import Beam
from allears.asr.search.biasing import Phrases
from allears.asr.search.greedy import Greedy
from allears.asr.search.hypothesis import Readings
from allears.asr.search.words import Timing
from allears.asr.segments import BREATH_S, Manner, Segment
from allears.audio import mel
from allears.audio.given import checked
from allears.nn.batch import Share, gather, scatter

CHUNK_S = 0.16
"""Seconds that are heard at once: half of it is what words come later for it, on average."""


class Transcriber:
    """`recogniser.Recogniser`: streams that go on after each phrase.

    `timing` is the model's (by default words are told when their symbols come), `chunk` frames of the encoder are
    heard at once, `beam` readings are kept, `alternatives` of them told; `phrases` as for `biasing.Phrases`.
    Raises RecogniserError where one of these is no sensible value, TokenError for phrases that cannot be written.
    """

    def __init__(
        self,
        networks: Networks,
        *,
        timing: Timing | None = None,
        chunk: int | None = None,
        rules: Sequence[Rule] = RULES,
        beam: int = 1,
        alternatives: int = 0,
        phrases: Mapping[str, float] | None = None,
    ) -> None:
        step = networks.stack * mel.HOP / mel.RATE
        self.networks, self.rules = networks, tuple(rules)
        self.chunk = max(1, round(CHUNK_S / step)) if chunk is None else chunk
        if self.chunk < 1 or beam < 1:
            raise RecogniserError(f"chunk {self.chunk}, beam {beam}: both want to be 1 or more")
        known = Phrases(networks.tokens, phrases) if phrases else None
        self.manner = Manner(networks.tokens, timing or Timing(step), known, alternatives)
        if not math.isclose(self.manner.timing.step, step):
            raise RecogniserError(
                f"timing of {self.manner.timing.step} s steps; the encoder's are {step} s"
            )
        self.search: Greedy | Beam = (
            Greedy(networks, phrases=known) if beam == 1 else Beam(networks, beam, phrases=known)
        )
        self._silence = self.search.begin()[0][0]

    def stream(self) -> "LiveStream":
        """A new stream, which begins at 0 s."""
        return LiveStream(self)

    def accept_many(
        self, heard: Iterable[tuple["LiveStream", Float32[np.ndarray, " samples"]]]
    ) -> list[list[Result]]:
        """`accept` of several streams of this transcriber, each once, computed together."""
        pairs = [(stream, checked(samples, RecogniserError)) for stream, samples in heard]
        self._check([stream for stream, _ in pairs])
        for stream, samples in pairs:
            stream.take(samples)
        return self._advance([stream for stream, _ in pairs], self.chunk)

    def finish_many(self, streams: Sequence["LiveStream"]) -> list[list[Result]]:
        """`finish` of several streams of this transcriber, each once, computed together."""
        self._check(streams)
        for stream in streams:
            stream.end()
        first = self._advance(streams, self.chunk)
        # What is left is less than a chunk.
        last = self._advance(streams, 1)
        return [
            _worth_telling([*one, *other, *stream.last()])
            for stream, one, other in zip(streams, first, last, strict=True)
        ]

    def opening(self, frame: int) -> Readings:
        """A segment's readings before its first symbol, `frame` frames into the stream."""
        return (self._silence._replace(frame=frame),)

    def _advance(self, streams: Sequence["LiveStream"], frames: int) -> list[list[Result]]:
        """So many frames at once, while any stream has them."""
        found: dict[int, list[Result]] = {id(stream): [] for stream in streams}
        length = frames * self.networks.stack
        while ready := [each for each in streams if each.waiting >= length]:
            mels = np.stack([each.next(length) for each in ready])
            encoded, state = self.networks.encode(mels, gather([each.encoder for each in ready]))
            readings = self.search.advance(encoded, [each.segment.readings for each in ready])
            for stream, share, reading in zip(
                ready, scatter(state, len(ready)), readings, strict=True
            ):
                told = found[id(stream)]
                told[:] = _worth_telling([*told, *stream.follow(share, reading)])
        return [found[id(stream)] for stream in streams]

    def _check(self, streams: Sequence["LiveStream"]) -> None:
        if len({id(stream) for stream in streams}) < len(streams):
            raise RecogniserError("a stream is there twice; give all its samples at once")
        for stream in streams:
            if stream.transcriber is not self:
                raise RecogniserError("a stream of another transcriber; give it to its own")
            if stream.over:
                raise RecogniserError("the stream has ended; begin another")


class LiveStream:
    """`recogniser.Stream`: one stretch of audio being listened to. What is final is forgotten."""

    def __init__(self, transcriber: Transcriber) -> None:
        self.transcriber = transcriber
        self.encoder: Share[State] = Share(transcriber.networks.encoder_state(1))
        self.segment = Segment(transcriber.opening(0))
        self._sound = mel.initial_state()
        self._mels = np.zeros((0, transcriber.networks.bands), np.float32)
        self._samples = 0
        self.over = False
        self._symbols: tuple[int, ...] = ()
        self._told: tuple[str, ...] = ()

    def accept(self, samples: Float32[np.ndarray, " samples"]) -> list[Result]:
        """What changed by hearing more: finals, and the words so far of the segment after them.

        Takes 16 kHz, ±1, any number of samples. Raises RecogniserError for anything else, and after the end.
        """
        return self.transcriber.accept_many([(self, samples)])[0]

    def finish(self) -> list[Result]:
        """The last words, which no silence needs to follow; nothing is accepted after."""
        return self.transcriber.finish_many([self])[0]

    @property
    def waiting(self) -> int:
        """Log-mel frames not heard yet."""
        return len(self._mels)

    def take(self, samples: Float32[np.ndarray, " samples"]) -> None:
        """More to hear."""
        self._samples += len(samples)
        self._listen(samples)

    def end(self) -> None:
        """Nothing more to hear but a tail of quiet."""
        self.over = True
        self._listen(tail.samples())

    def next(self, length: int) -> Float32[np.ndarray, "length bands"]:
        """The next frames."""
        found, self._mels = self._mels[:length], self._mels[length:]
        return found

    def follow(self, encoder: Share[State], readings: Readings) -> list[Result]:
        """What is to be told now that these are the segment's readings."""
        manner = self.transcriber.manner
        self.encoder = encoder
        self.segment = Segment(readings, self.segment.start)
        found = self._partial()
        heard = self.segment.heard(manner, len(self._told))
        rule = ended(self.transcriber.rules, heard)
        if rule is None or self.over:
            return found
        over = rule.silence_s > 0 or heard.silence >= BREATH_S
        if over:
            # The next phrase begins as a stream does, which is what networks have learned.
            self.encoder = Share(self.transcriber.networks.encoder_state(1))
        return self._final(rule.name, whole=over or heard.words < 2)

    def last(self) -> list[Result]:
        """The last words, if there are any that are not final."""
        seconds = self._samples / mel.RATE
        final = self.segment.final(self.transcriber.manner, "end", seconds)
        return [final] if final.words else []

    def _listen(self, samples: Float32[np.ndarray, " samples"]) -> None:
        mels, self._sound = mel.analyse(samples, self._sound, self._mels.shape[1])
        self._mels = np.concatenate((self._mels, mels))

    def _partial(self) -> list[Result]:
        symbols = self.segment.readings[0].symbols
        if symbols == self._symbols:
            return []
        self._symbols = symbols
        result = self.segment.partial(self.transcriber.manner)
        texts = tuple(word.text for word in result.words)
        if texts == self._told:
            return []
        self._told = texts
        return [result]

    def _final(self, rule: str, *, whole: bool) -> list[Result]:
        manner = self.transcriber.manner
        self._symbols, self._told = (), ()
        if not whole:
            result, self.segment = self.segment.cut(manner, rule)
            return [result, *self._partial()]
        result = self.segment.final(manner, rule)
        frame = self.segment.readings[0].frame
        self.segment = Segment(self.transcriber.opening(frame), result.end)
        return [result]


def _worth_telling(results: Sequence[Result]) -> list[Result]:
    """Without the partial ones that others followed."""
    return [each for index, each in enumerate(results) if each.final or index == len(results) - 1]
