"""How well voices are told apart on a set: clips of 2 to 4 s, and all trials between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from allears.corpus.sound import RATE, Sound
from allears.score import trials as scoring
from allears.speaker.embedder import Embedder
from allears.speaker.refusal import SpeakerError
from allears.speaker.scoring import Embeddings

SECONDS = 2.0, 4.0


@dataclass(frozen=True, slots=True)
class Clips:
    """Embeddings, one long, whose each is, and its utterance's number in the sound."""

    embeddings: Embeddings
    speakers: tuple[str, ...]
    utterances: tuple[int, ...]


class Trials(NamedTuple):
    """Sides, as numbers of clips, and whether both are of one speaker."""

    first: Int64[np.ndarray, " trials"]
    second: Int64[np.ndarray, " trials"]
    target: Bool[np.ndarray, " trials"]


def crops(sound: Sound, seed: int = 0) -> Iterator[tuple[int, Float32[np.ndarray, " samples"]]]:
    """One of each utterance that is 2 s or longer, as long as the dice say and where they say."""
    for number, length in enumerate(np.diff(sound.bounds).tolist()):
        random = np.random.default_rng((seed, number))
        wanted = int(random.uniform(*SECONDS) * RATE)
        if length < SECONDS[0] * RATE:
            continue
        at = int(random.integers(max(1, length - wanted + 1)))
        yield number, sound.samples(number)[at : at + wanted]


def heard(embedder: Embedder, sound: Sound, seed: int = 0) -> Clips:
    """Every crop in which there is a voice. Raises SpeakerError where there is none."""
    found, numbers = [], []
    for number, samples in crops(sound, seed):
        stream = embedder.stream()
        stream.accept(samples)
        try:
            found.append(stream.embedding())
        except SpeakerError:
            continue
        numbers.append(number)
    if not found:
        raise SpeakerError("no clip of 2 s or longer with a voice in it; give other recordings")
    speakers = tuple(sound.utterances[number].speaker for number in numbers)
    return Clips(np.stack(found), speakers, tuple(numbers))


def voices(clips: Clips) -> Embeddings:
    """One embedding of each speaker: the mean of theirs, one long; in the order of their names."""
    names = np.array(clips.speakers)
    means = [clips.embeddings[names == each].mean(0) for each in sorted(set(clips.speakers))]
    stacked = np.stack(means)
    found: Embeddings = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
    return found.astype(np.float32)


def every_pair(clips: Clips) -> Trials:
    """Each clip with each that comes after it. Raises SpeakerError where one kind of trial is not among them."""
    first, second = np.triu_indices(len(clips.speakers), 1)
    _, speakers = np.unique(np.array(clips.speakers), return_inverse=True)
    target = speakers[first] == speakers[second]
    if not target.any() or target.all():
        raise SpeakerError("two clips of one speaker and one of another are needed at least")
    return Trials(first, second, target)


def equal_error_rate(
    scores: Float64[np.ndarray, " trials"], target: Bool[np.ndarray, " trials"]
) -> float:
    """As a share; of the convex hull (`score.trials`)."""
    return scoring.equal_error_rate(scoring.curve(scores, target))
