"""Word errors of a model on a set, by utterance, so that speakers can be drawn anew for intervals."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from allears.asr import tail
from allears.asr.judging import texts
from allears.asr.networks import Networks
from allears.asr.search import greedy
from allears.asr.search.hypothesis import begin
from allears.audio import mel
from allears.corpus.sound import Sound
from allears.corpus.text import normalise
from allears.outputs import write_whole
from allears.score.bootstrap import Estimate, estimate, ratio
from allears.score.words import word_errors


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said and heard in one utterance."""

    speaker: str
    said: str
    heard: str

    @property
    def words(self) -> int:
        """How many were said."""
        return len(self.said.split())

    @property
    def errors(self) -> int:
        """Words replaced, left out, put in."""
        return word_errors(self.said.split(), self.heard.split())


def hear(networks: Networks, sound: Sound) -> list[Heard]:
    """Every utterance, greedily."""
    return [
        Heard(each.speaker, normalise(each.text), text)
        for each, text in zip(sound.utterances, texts(networks, sound), strict=True)
    ]


def streamed_alike(networks: Networks, sound: Sound, most: int = 130) -> float:
    """The share of symbols that come out alike heard in pieces of 320 ms and whole."""
    chosen = np.linspace(0, len(sound) - 1, min(most, len(sound))).astype(int)
    mels = [mel.whole(sound.samples(int(each)), networks.bands) for each in chosen]
    whole = [each.symbols for each in greedy.whole(networks, mels)]
    pieces = [_in_pieces(networks, each) for each in mels]
    wrong = sum(
        word_errors([*map(str, one)], [*map(str, other)])
        for one, other in zip(whole, pieces, strict=True)
    )
    return 1 - wrong / max(1, sum(map(len, whole)))


def _in_pieces(networks: Networks, mels: np.ndarray) -> tuple[int, ...]:
    """The symbols of one recording, heard eight frames at a time."""
    ended = tail.ended(mels, networks.stack)
    state, found = networks.encoder_state(1), begin(networks, 1)
    for start in range(0, len(ended), 8 * networks.stack):
        piece = ended[None, start : start + 8 * networks.stack]
        encoded, state = networks.encode(piece, state)
        found = greedy.advance(networks, encoded, found)
    return tuple(found[0].symbols)


def word_error_rate(heard: Sequence[Heard]) -> Estimate:
    """Errors through words, with its interval over speakers."""
    counts = np.array([[each.errors, each.words] for each in heard], float)
    return estimate([each.speaker for each in heard], counts, ratio)


def difference(one: Sequence[Heard], other: Sequence[Heard]) -> Estimate:
    """Points of word error rate by which `one` is worse than `other` on the same utterances."""
    pairs = list(zip(one, other, strict=True))
    counts = np.array([[100 * (a.errors - b.errors), a.words] for a, b in pairs], float)
    return estimate([each.speaker for each in one], counts, ratio)


def keep(heard: Sequence[Heard], path: Path) -> None:
    """As lines of JSON."""
    lines = "".join(json.dumps(asdict(each)) + "\n" for each in heard)
    write_whole(path, lines.encode())


def kept(path: Path) -> list[Heard]:
    """What was kept."""
    return [Heard(**json.loads(line)) for line in path.read_text().splitlines()]
