"""Scores that mean the same whoever is compared: adaptive symmetric normalisation by a cohort.

A voice that is like many others scores high with anybody. So what it scores with the voices of a cohort most like
it is held against: Matějka et al., "Analysis of score normalization in multilingual speaker recognition",
Interspeech 2017 (S-norm, top scores of each side).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from allears.speaker.refusal import SpeakerError
from allears.speaker.scoring import Embeddings, cosines

_LEAST = 1e-3
"""A deviation below which scores with a cohort say nothing."""
_BLOCK = 4096


class Against(NamedTuple):
    """Mean and deviation of each clip's highest scores with the cohort."""

    mean: Float64[np.ndarray, " clips"]
    deviation: Float64[np.ndarray, " clips"]


def against(embeddings: Embeddings, cohort: Embeddings, top: int) -> Against:
    """Of the `top` highest of each; all embeddings one long.

    Raises SpeakerError where the cohort has fewer than `top`, or `top` is below 2.
    """
    if not 2 <= top <= len(cohort):
        raise SpeakerError(f"the {top} most alike of a cohort of {len(cohort)}: give 2 up to all")
    mean, deviation = np.empty(len(embeddings)), np.empty(len(embeddings))
    for at in range(0, len(embeddings), _BLOCK):
        scores = cosines(embeddings[at : at + _BLOCK], cohort)
        best = np.partition(scores, len(cohort) - top, axis=1)[:, -top:].astype(np.float64)
        mean[at : at + _BLOCK], deviation[at : at + _BLOCK] = best.mean(1), best.std(1)
    return Against(mean, np.maximum(deviation, _LEAST))


def normalised(
    scores: Float32[np.ndarray, " trials"], first: Against, second: Against
) -> Float64[np.ndarray, " trials"]:
    """The mean of how many deviations a score is above each side's cohort; sides trial by trial."""
    one = (scores - first.mean) / first.deviation
    other = (scores - second.mean) / second.deviation
    found: np.ndarray = (one + other) / 2
    return found
