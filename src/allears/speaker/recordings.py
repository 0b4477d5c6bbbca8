"""Voices out of recordings: whose it is in each, how much of it was heard, and whether it is one throughout."""

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32

from allears.audio import mel
from allears.audio.blocks import Blocks
from allears.speaker.activity import Level, active
from allears.speaker.embedder import Embedder
from allears.speaker.refusal import SpeakerError
from allears.speaker.verifier import Verifier

SURE_S = 1.5
"""Seconds of voice below which a voice is known badly."""
DOUBT = 4.0
"""Nats by which two speakers must be likelier: so are the parts of three clips of one speaker in a hundred, and of
two thirds of those of two (`recipes/speaker/doubt.md`)."""
PLACES = ("beginning", "middle", "end")

Samples = Float32[np.ndarray, " samples"]


class Heard(NamedTuple):
    """An embedding, one long, and the seconds of voice that it is of."""

    embedding: Float32[np.ndarray, " size"]
    seconds: float


class Apart(NamedTuple):
    """Two parts of a clip that do not sound like one speaker, and the natural logarithm of their ratio."""

    first: str
    second: str
    ratio: float


def hear(embedder: Embedder, path: Path) -> Heard:
    """Who speaks in a recording of any length.

    Raises AudioFileError where it is no sound, SpeakerError where nobody speaks in it; both name the file.
    """
    stream = embedder.stream()
    for block in Blocks(path, mel.RATE):
        stream.accept(block)
    try:
        return Heard(stream.embedding(), stream.seconds)
    except SpeakerError as error:
        raise SpeakerError(f"{path}: {error}") from None


def apart(verifier: Verifier, path: Path) -> Apart | None:
    """The parts of a recording that are least like each other, if two speakers are so much likelier (`DOUBT`)."""
    least = least_alike(verifier, path)
    return least if least and least.ratio < -DOUBT else None


def least_alike(verifier: Verifier, path: Path) -> Apart | None:
    """The parts of a recording that are least like each other.

    Thirds of its voice are compared, halves of less than 4.5 s; of less than 3 s nothing can be told.
    """
    found = _parts(verifier.embedder, *_sounding(path, verifier.about.bands))
    names = PLACES if len(found) == len(PLACES) else (PLACES[0], PLACES[-1])
    pairs = [
        Apart(names[one], names[other], verifier.compare(found[one], found[other]).ratio)
        for one, other in itertools.combinations(range(len(found)), 2)
    ]
    return min(pairs, key=lambda each: each.ratio, default=None)


def _parts(
    embedder: Embedder, samples: Samples, sounding: Bool[np.ndarray, " pieces"]
) -> list[Float32[np.ndarray, " size"]]:
    """Embeddings of halves or thirds of the voice; none where there is too little."""
    voiced = np.flatnonzero(sounding)
    parts = min(len(PLACES), int(len(voiced) * mel.HOP / mel.RATE / SURE_S))
    if parts < 2:
        return []
    starts = [0, *(int(each[0]) for each in np.array_split(voiced, parts)[1:]), len(sounding)]
    found = []
    for begin, end in itertools.pairwise(starts):
        stream = embedder.stream()
        weights = sounding[begin:end].astype(np.float32)
        stream.accept(samples[begin * mel.HOP : end * mel.HOP], weights)
        try:
            found.append(stream.embedding())
        except SpeakerError:  # what sounds are single frames, in which no window lies whole
            return []
    return found


def _sounding(path: Path, bands: int) -> tuple[Samples, Bool[np.ndarray, " pieces"]]:
    """All of a recording, and whether something sounds in the window that begins with each 10 ms of it."""
    heard, found = [], []
    kept, level = mel.initial_state(), Level()
    for block in Blocks(path, mel.RATE):
        mels, kept = mel.analyse(block, kept, bands)
        some, level = active(mels, level)
        heard.append(block)
        found.append(some)
    return np.concatenate(heard), np.concatenate(found)
