"""Voices by name in one file: safetensors with an embedding for each, and by which network it was made.

Embeddings of another network are other numbers; so the file keeps a digest of graph and weights, and is refused
with any other. A cohort or a calibration may change: embeddings do not.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from allears.speaker.bundle import Bundle
from allears.speaker.recordings import Heard
from allears.speaker.refusal import SpeakerError
from allears.speaker.scoring import unit
from allears.speaker.verifier import Verdict, Verifier
from allears.weights.sealed import DAMAGED, opened, sealed

KIND, _FORMAT = "gallery", "1"
_VOICES = "voices"
_LENGTH = 1e-3
"""How far from one long an embedding may be."""

Voice = Float32[np.ndarray, " size"]


class Match(NamedTuple):
    """Somebody enrolled, and how like them a voice is."""

    name: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Gallery:
    """Embeddings, one long, by the names of who speaks, and the digest of the network that made them."""

    network: str
    voices: Mapping[str, Voice]

    def enrolled(self, name: str, voice: Voice) -> "Gallery":
        """With somebody more, or anew."""
        return Gallery(self.network, {**self.voices, name: voice})

    def matches(self, verifier: Verifier, voice: Voice) -> list[Match]:
        """Everybody, the most alike first."""
        everybody = np.stack((voice, *self.voices.values()))
        other = np.arange(1, len(everybody))
        scores = verifier.scores(everybody, np.zeros_like(other), other)
        ratios = verifier.ratios(scores)
        found = [
            Match(name, Verdict(float(score), float(ratio)))
            for name, score, ratio in zip(self.voices, scores, ratios, strict=True)
        ]
        return sorted(found, key=lambda each: -each.verdict.score)


def averaged(heard: Sequence[Heard]) -> Voice:
    """One embedding of several, each counting alike."""
    found: Voice = unit(np.stack([each.embedding for each in heard]).mean(0, keepdims=True))[0]
    return found


def digest(bundle: Bundle) -> str:
    """SHA-256 of what decides embeddings: the graph and its weights."""
    found = hashlib.sha256(bundle.graph)
    for name in sorted(bundle.weights):
        weight = np.asarray(bundle.weights[name], order="C")
        found.update(f"\n{name} {weight.dtype.str} {weight.shape}\n".encode())
        found.update(weight.tobytes())
    return found.hexdigest()


def serialise(gallery: Gallery) -> bytes:
    """The file; of one gallery always the same bytes, whoever was enrolled first."""
    names = sorted(gallery.voices)
    config = json.dumps({"network": gallery.network, "names": names}, ensure_ascii=False)
    voices = np.stack([gallery.voices[name] for name in names])
    return sealed(KIND, _FORMAT, config, {_VOICES: voices.astype(np.float32)})


def read(path: Path, network: str, size: int) -> Gallery:
    """A gallery out of its file, made by this network, whose embeddings have so many numbers.

    Raises SpeakerError naming the file, what is wrong, and the remedy.
    """
    try:
        config, arrays = opened(path, KIND, _FORMAT)
        about = json.loads(config)
        found, names, voices = str(about["network"]), about["names"], arrays[_VOICES]
        if found == network:
            _check(names, voices, size)
    except DAMAGED as error:
        why = " ".join(str(error).split())
        raise SpeakerError(
            f"{path}: no whole gallery of voices ({why}); make one with allears enrol, under another name"
        ) from None
    if found != network:
        raise SpeakerError(
            f"{path}: was enrolled with another network of voices, and its numbers mean nothing to this one; "
            "name that one with --model, or enrol anew into another file"
        )
    return Gallery(network, dict(zip(names, voices, strict=True)))


def _check(names: Sequence[str], voices: np.ndarray, size: int) -> None:
    """Raises ValueError for what `serialise` does not write."""
    if not names or not all(isinstance(each, str) and each.isprintable() for each in names):
        raise ValueError("its names are none")
    if voices.dtype != np.float32 or voices.shape != (len(set(names)), size):
        raise ValueError(f"voices of {voices.dtype} {voices.shape}")
    if not (np.abs(np.linalg.norm(voices, axis=1) - 1) < _LENGTH).all():
        raise ValueError("voices are not one long")
