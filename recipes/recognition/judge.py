"""Word errors of a model on a set, by utterance, so that speakers can be drawn anew for intervals."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from allears.asr.networks import Networks
from allears.asr.search import greedy
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
    mels = [mel.whole(sound.samples(each), networks.bands) for each in range(len(sound))]
    return [
        Heard(each.speaker, normalise(each.text), text)
        for each, text in zip(sound.utterances, greedy.texts(networks, mels), strict=True)
    ]


def word_error_rate(heard: Sequence[Heard]) -> Estimate:
    """Errors through words, with its interval over speakers."""
    counts = np.array([[each.errors, each.words] for each in heard], float)
    return estimate([each.speaker for each in heard], counts, ratio)


def keep(heard: Sequence[Heard], path: Path) -> None:
    """As lines of JSON."""
    lines = "".join(json.dumps(asdict(each)) + "\n" for each in heard)
    write_whole(path, lines.encode())


def kept(path: Path) -> list[Heard]:
    """What was kept."""
    return [Heard(**json.loads(line)) for line in path.read_text().splitlines()]
