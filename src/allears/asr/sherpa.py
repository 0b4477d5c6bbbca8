"""A user's own big streaming transducer, run by the package sherpa-onnx.

Its folder holds `tokens.txt` and one .onnx each whose name has encoder, decoder and joiner in it, as icefall
exports them; an int8 one is taken where there is no other.
"""

import importlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from allears.asr.endpoint import RULES, Heard, Rule, ended
from allears.asr.events import Result, Word
from allears.asr.recogniser import RecogniserError
from allears.asr.tokens import WORD
from allears.audio.given import checked

RATE = 16_000
_TAIL_S = 0.66
"""Silence that lets the last words out."""
_LAST_S = 0.1
"""A word's length after its last symbol, where none follows."""
_PARTS = ("encoder", "decoder", "joiner")


class Sherpa:
    """`recogniser.Recogniser`. Raises RecogniserError where the package or a file is missing, or cannot be used.

    `phrases` need a folder with `bpe.vocab` in it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        rules: Sequence[Rule] = RULES,
        beam: int = 1,
        phrases: Mapping[str, float] | None = None,
    ) -> None:
        self.rules = tuple(rules)
        files = model_files(folder)
        options: dict[str, Any] = {}
        if phrases:
            vocabulary = folder / "bpe.vocab"
            if not vocabulary.is_file():
                raise RecogniserError(
                    f"{folder}: phrases need its bpe.vocab; add the file, or leave phrases out"
                )
            options = {"modeling_unit": "bpe", "bpe_vocab": str(vocabulary)}
        if phrases or beam > 1:
            options |= {"decoding_method": "modified_beam_search", "max_active_paths": max(4, beam)}
        self._phrases = "/".join(f"{text} :{boost}" for text, boost in (phrases or {}).items())
        package = _package()
        try:
            self.inner = package.OnlineRecognizer.from_transducer(
                **{name: str(path) for name, path in files.items()}, num_threads=1, **options
            )
        except Exception as error:  # theirs have no base of their own
            why = " ".join(str(error).split())[:300]
            raise RecogniserError(
                f"{folder}: sherpa-onnx cannot use it ({why}); give a streaming transducer"
            ) from None

    def stream(self) -> "SherpaStream":
        """A new stream, which begins at 0 s."""
        inner = self.inner
        return SherpaStream(
            self, inner.create_stream(self._phrases) if self._phrases else inner.create_stream()
        )


class SherpaStream:
    """`recogniser.Stream`."""

    def __init__(self, recogniser: Sherpa, inner: Any) -> None:
        self._recogniser, self._inner = recogniser, inner
        self._samples = 0
        self._start = 0.0
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
        self._inner.accept_waveform(RATE, samples)
        self._decode()
        words = self._words()
        spoken = words[-1].end if words else self._start
        heard = Heard(self._now - self._start, max(0.0, self._now - spoken), len(words))
        rule = ended(self._recogniser.rules, heard)
        return self._partial(words) if rule is None else self._final(words, rule.name)

    def finish(self) -> list[Result]:
        """The last words; nothing is accepted after."""
        if self._over:
            raise RecogniserError("the stream has ended; begin another")
        self._over = True
        self._inner.accept_waveform(RATE, np.zeros(int(_TAIL_S * RATE), np.float32))
        self._inner.input_finished()
        self._decode()
        return self._final(self._words(), "end")

    @property
    def _now(self) -> float:
        return self._samples / RATE

    def _decode(self) -> None:
        inner = self._recogniser.inner
        while inner.is_ready(self._inner):
            inner.decode_stream(self._inner)

    def _words(self) -> tuple[Word, ...]:
        found = self._recogniser.inner.get_result_all(self._inner)
        times = [found.start_time + each for each in found.timestamps]
        return grouped(found.tokens, times, found.ys_probs, self._start, self._now)

    def _partial(self, words: tuple[Word, ...]) -> list[Result]:
        texts = tuple(word.text for word in words)
        if texts == self._told:
            return []
        self._told = texts
        return [Result(words, False, self._start, self._now)]

    def _final(self, words: tuple[Word, ...], reason: str) -> list[Result]:
        told, start = self._told, self._start
        self._recogniser.inner.reset(self._inner)
        self._told, self._start = (), self._now
        if not (words or told):
            return []
        return [Result(words, True, start, self._now, (), reason)]


def grouped(
    tokens: Sequence[str],
    times: Sequence[float],
    logs: Sequence[float],
    after: float,
    until: float,
) -> tuple[Word, ...]:
    """Words of tokens that begin one with a space or ▁; `times` when each was said, `logs` how sure.

    Without as many `logs`, confidence is 0. Nothing is before `after` or beyond `until`.
    """
    sure = len(logs) == len(tokens)
    groups: list[tuple[str, float, float, float]] = []
    for index, (token, time) in enumerate(zip(tokens, times, strict=False)):
        text = token.replace(WORD, " ")
        log = logs[index] if sure else -math.inf
        if not groups or text.startswith(" "):
            groups.append((text.strip(), time, time, log))
        else:
            before, start, _, sum_ = groups[-1]
            groups[-1] = (before + text.strip(), start, time, sum_ + log)
    groups = [each for each in groups if each[0]]
    found = []
    for index, (text, start, last, log) in enumerate(groups):
        following = groups[index + 1][1] if index + 1 < len(groups) else math.inf
        begin = min(max(start, after), until)
        end = min(max(begin, min(last + _LAST_S, following)), max(begin, until))
        found.append(Word(text, begin, end, min(1.0, math.exp(min(0.0, log)))))
    return tuple(found)


def model_files(folder: Path) -> dict[str, Path]:
    """`tokens`, `encoder`, `decoder` and `joiner` of a folder. Raises RecogniserError naming what is missing."""
    remedy = "give the folder of a streaming transducer of sherpa-onnx"
    if not folder.is_dir():
        raise RecogniserError(f"{folder}: is no folder; {remedy}")
    found = {"tokens": folder / "tokens.txt"}
    if not found["tokens"].is_file():
        raise RecogniserError(f"{folder}: has no tokens.txt; {remedy}")
    for part in _PARTS:
        fitting = sorted(
            folder.glob(f"*{part}*.onnx"), key=lambda each: ("int8" in each.name, each)
        )
        if not fitting:
            raise RecogniserError(f"{folder}: has no *{part}*.onnx; {remedy}")
        found[part] = fitting[0]
    return found


def _package() -> Any:
    try:
        return importlib.import_module("sherpa_onnx")
    except (ImportError, OSError):
        raise RecogniserError("sherpa-onnx is not installed: pip install sherpa-onnx") from None
