"""The trained networks of the voice, loaded once for all streams: pitch, predictor and vocoder."""

from typing import Protocol

import numpy as np
from jaxtyping import Float32

from allears.audio.bark import HOP
from allears.audio.features import Extractor
from allears.nn.network import Network, State
from allears.nn.sequence import Frames
from allears.voice import burg
from allears.voice.fargan_voice import FarganVoice
from allears.voice.harmonic_voice import HarmonicVoice
from allears.weights.store import Models, graph


class Vocoder(Protocol):
    """Features into speech, 10 ms at a time, many streams in a batch."""

    def begin(
        self,
        past: Float32[np.ndarray, "batch 320"],
        features: Float32[np.ndarray, "batch 5 20"],
        previous: State | None = None,
    ) -> State:
        """Continue from the last 20 ms heard; features of the last three frames and of two to come."""

    def step(
        self, features: Float32[np.ndarray, "batch 20"], state: State
    ) -> tuple[Float32[np.ndarray, "batch 160"], State]:
        """10 ms, told the features centred 20 ms after what has been spoken."""


VOCODERS: dict[str, type[FarganVoice] | type[HarmonicVoice]] = {
    "fargan": FarganVoice,
    "harmonic": HarmonicVoice,
}


class VoiceModel:
    """Loads what `models` holds."""

    def __init__(self, models: Models) -> None:
        self.extractor = Extractor(
            *(Network(graph(name), models.pitch.arrays) for name in ("pitch", "pitch_long"))
        )
        self.predictor = Frames(
            *(
                Network(graph(name), models.concealment.arrays)
                for name in ("predictor", "predictor_long")
            )
        )
        # What is compiled is compiled now, and not in the middle of a call.
        burg.cepstra(np.zeros((1, HOP), np.float32))
        self.vocoder: Vocoder = VOCODERS[models.vocoder.kind](models.vocoder)
