"""What is called, and over what: clips of speakers no network has learned from, and traces of losses."""

import csv
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from allears.audio import files
from allears.audio.resample import resample
from allears.corpus import recordings
from allears.corpus.recordings import CorpusError, Utterance
from allears.demo import CLIPS
from allears.demo.show import VOICES
from allears.wire.errors import ParseError
from allears.wire.loss import parse_loss, parse_trace
from recipes.dred.conditions import RATE

SHORTEST, LONGEST = 6.0, 12.0
"""Seconds of a clip; recordings that are shorter are joined to the next of their speaker."""

LOSSLESS_FILES = {".flac", ".wav"}

TRACES = {
    "ge20": ("ge20.txt", "burst:21%:165ms"),
    "ge40": ("ge40.txt", "burst:38.1%:156ms"),
    "lossgen10": ("lossgen10.txt", "burst:9.5%:33ms"),
    "lossgen20": ("lossgen20.txt", "burst:20.3%:32ms"),
    "lossgen40": ("lossgen40.txt", "burst:41.6%:39ms"),
    "real_high": ("real_high_is_lost.txt", "burst:69.6%:75ms"),
}
"""By name: the file, and a generator of the same rate and mean burst for where the file is not here."""

GENERATED_PACKETS = 5000


@dataclass(frozen=True, slots=True)
class Clip:
    """What one speaker says in 6 to 12 s, at 16 kHz in ±1; `text` is empty where it is not known."""

    name: str
    speaker: str
    text: str
    samples: Float32[np.ndarray, " samples"]


@dataclass(frozen=True, slots=True)
class Trace:
    """Which packets of 20 ms a network loses, from the start again at the end."""

    name: str
    flags: tuple[bool, ...]

    @property
    def rate(self) -> float:
        """Share that is lost."""
        return sum(self.flags) / len(self.flags)

    def turned(self, clip: str, seed: int) -> tuple[bool, ...]:
        """The same for a clip of this name: it begins at a place of its own."""
        start = random.Random(f"{seed}/{self.name}/{clip}").randrange(len(self.flags))
        return self.flags[start:] + self.flags[:start]


def clips(folders: Sequence[Path], count: int) -> list[Clip]:
    """So many clips (0: all); those that ship without folders.

    Folders take turns, and in each its speakers: one clip of each before the second of any. Raises CorpusError or
    AudioFileError.
    """
    tables = _held_out(folders) if folders else [_shipped()]
    chosen = list(islice(_in_turn(map(_by_speaker, tables)), count or None))
    if not chosen:
        raise CorpusError(
            f"no speaker fills a clip of {SHORTEST:g} to {LONGEST:g} s; add recordings"
        )
    return chosen


def _by_speaker(utterances: Sequence[Utterance]) -> Iterator[Clip]:
    """Clips of one table."""
    by_speaker: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        by_speaker.setdefault(utterance.speaker, []).append(utterance)
    return _in_turn(_joined(speaker, theirs) for speaker, theirs in by_speaker.items())


def _in_turn(each: Iterable[Iterator[Clip]]) -> Iterator[Clip]:
    return (clip for turn in zip_longest(*each) for clip in turn if clip)


def _shipped() -> list[Utterance]:
    return [Utterance(CLIPS / voice.file, voice.title, voice.text, "test") for voice in VOICES]


def _held_out(folders: Sequence[Path]) -> list[list[Utterance]]:
    """By folder, recordings without loss of coding, of speakers that no folder has in a split to train on."""
    tables = [(recordings.read(folder), _has_splits(folder)) for folder in folders]
    heard = {
        each.speaker
        for table, splits in tables
        for each in table
        if splits and each.split == "train"
    }
    chosen = [
        [
            each
            for each in table
            if each.path.suffix.lower() in LOSSLESS_FILES
            and each.speaker not in heard
            and (not splits or each.split == "test")
        ]
        for table, splits in tables
    ]
    if not any(chosen):
        names = ", ".join(map(str, folders))
        raise CorpusError(f"{names}: no FLAC or WAV of a speaker who is not trained on")
    return chosen


def _has_splits(folder: Path) -> bool:
    with (folder / recordings.TABLE).open(encoding="utf-8", newline="") as file:
        return "split" in next(csv.reader(file))


def _joined(speaker: str, utterances: Sequence[Utterance]) -> Iterator[Clip]:
    """Clips of one speaker, in the order of the table; what is too long is passed over."""
    names: list[str] = []
    texts: list[str] = []
    parts: list[Float32[np.ndarray, " samples"]] = []
    for utterance in utterances:
        recording = files.read(utterance.path)
        samples = resample(recording.samples, recording.rate, RATE)
        if sum(map(len, parts)) + len(samples) > LONGEST * RATE:
            continue
        names.append(utterance.path.stem)
        texts.append(utterance.text)
        parts.append(samples)
        if sum(map(len, parts)) >= SHORTEST * RATE:
            text = " ".join(texts) if all(texts) else ""
            yield Clip("+".join(names), speaker, text, np.concatenate(parts))
            names, texts, parts = [], [], []


def traces(folder: Path | None, names: Sequence[str], seed: int) -> list[Trace]:
    """The traces of these names from `folder`, or generated without one.

    Raises ParseError where a file is no trace, CorpusError where it is not there.
    """
    if folder is None:
        return [Trace(name, _generated(TRACES[name][1], seed)) for name in names]
    return [Trace(name, _read(folder / TRACES[name][0])) for name in names]


def _generated(spec: str, seed: int) -> tuple[bool, ...]:
    model = parse_loss(spec, seed)
    return tuple(model() for _ in range(GENERATED_PACKETS))


def _read(path: Path) -> tuple[bool, ...]:
    try:
        return tuple(parse_trace(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None
    except (ParseError, UnicodeDecodeError) as error:
        raise ParseError(f"{path}: {error}") from None
