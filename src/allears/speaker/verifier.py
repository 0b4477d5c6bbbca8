"""Is it the same voice: scores of pairs, normalised and calibrated as the network's file says."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64

from allears.speaker.embedder import Embedder
from allears.speaker.normalise import Against, against, normalised
from allears.speaker.scoring import Embeddings, trial_scores


class Verdict(NamedTuple):
    """How alike two voices are, and the natural logarithm of the likelihood ratio of one speaker to two."""

    score: float
    ratio: float


class Verifier:
    """Compares what an embedder hears."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder, self.about = embedder, embedder.about

    def compare(
        self, first: Float32[np.ndarray, " size"], second: Float32[np.ndarray, " size"]
    ) -> Verdict:
        """Two embeddings, one long."""
        score = self.scores(np.stack((first, second)), np.zeros(1, np.int64), np.ones(1, np.int64))
        return Verdict(float(score[0]), float(self.ratios(score)[0]))

    def same(
        self, first: Float32[np.ndarray, " size"], second: Float32[np.ndarray, " size"]
    ) -> float:
        """How much likelier (nats) one speaker is than two, by embeddings one long."""
        return self.compare(first, second).ratio

    def embed(self, samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " size"]:
        """What the embedder hears in 16 kHz, ±1, of length 1. Raises SpeakerError as that does."""
        return self.embedder.embed(samples)

    def scores(
        self,
        embeddings: Embeddings,
        first: Int64[np.ndarray, " trials"],
        second: Int64[np.ndarray, " trials"],
    ) -> Float64[np.ndarray, " trials"]:
        """Of trials whose sides are numbers of embeddings, one long. Raises SpeakerError as `trial_scores`."""
        raw = trial_scores(embeddings, first, second)
        if not self.about.top:
            return raw.astype(np.float64)
        found = against(embeddings, self.embedder.cohort, self.about.top)
        one, other = (Against(found.mean[side], found.deviation[side]) for side in (first, second))
        return normalised(raw, one, other)

    def ratios(self, scores: Float64[np.ndarray, " trials"]) -> Float64[np.ndarray, " trials"]:
        """Natural logarithms of likelihood ratios."""
        return self.about.calibration(scores)
