"""A network of voices as `who` wants one: what a cosine of two voices says of their being one."""

import numpy as np
from jaxtyping import Float32

from allears.parties.who import Voice
from allears.speaker.embedder import Embedder
from allears.speaker.scoring import cosines


class Voices:
    """`who.Embedder` by a network, whose own calibration counts.

    Where that is of scores held against a cohort, any voice is taken to be as like the cohort's as these are like
    each other, on average: of two voices no more is known here than their cosine.
    """

    def __init__(self, network: Embedder) -> None:
        self._network = network
        self._mean, self._deviation = _typical(network.cohort, network.about.top)

    def embed(self, samples: Float32[np.ndarray, " samples"]) -> Voice:
        """Of 16 kHz in ±1, of length 1. Raises SpeakerError where there is too little voice."""
        return self._network.embed(samples)

    def same(self, cosine: float) -> float:
        """How much likelier (nats) one speaker is than two, for voices of this cosine."""
        score = (cosine - self._mean) / self._deviation
        return float(self._network.about.calibration(np.array([score]))[0])


def _typical(cohort: Float32[np.ndarray, "voices size"], top: int) -> tuple[float, float]:
    """Mean and deviation of a voice's `top` highest cosines with the others, averaged; 0 and 1 for no `top`."""
    top = min(top, len(cohort) - 1)
    if top < 2:
        return 0.0, 1.0
    scores = cosines(cohort, cohort).astype(np.float64)
    np.fill_diagonal(scores, -np.inf)
    best = np.sort(scores, axis=1)[:, -top:]
    return float(best.mean()), max(float(best.std(axis=1).mean()), 1e-3)
