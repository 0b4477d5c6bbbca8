"""From a trained network to the file that is given away: with a cohort, normalised if that helps, calibrated."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from allears.corpus.sound import Sound
from allears.speaker import calibrate, judging
from allears.speaker.bundle import Bundle, serialise
from allears.speaker.ecapa import Ecapa
from allears.speaker.embedder import Embedder
from allears.speaker.export import bundle
from allears.speaker.judging import Clips, Trials
from allears.speaker.verifier import Verifier

TOPS = (0, 20, 50, 100, 200)
"""How many of the cohort are tried; 0 is no normalisation."""
_BETTER = 0.98
"""Of the errors without it that normalisation may leave: less is chance."""


class Finished(NamedTuple):
    """The file, what is in it, and errors on speakers set aside: the mean over sets by `top`."""

    data: bytes
    bundle: Bundle
    rates: Mapping[int, float]


def finish(model: Ecapa, taught: Sound, aside: Mapping[str, Sound], *, text: str = "") -> Finished:
    """Trials are within each set of speakers `aside`; sets count alike. The cohort are the speakers taught.

    Raises SpeakerError where a set has not both kinds of trials.
    """
    plain = bundle(model, text=text)
    embedder = Embedder.of(plain)
    cohort = judging.voices(judging.heard(embedder, taught))
    sets = [judging.heard(embedder, each) for each in aside.values()]
    trials = [judging.every_pair(each) for each in sets]
    made = replace(plain, cohort=cohort)
    scores = {top: _scores(made, top, sets, trials) for top in TOPS if top <= len(cohort)}
    rates = {top: _rates(each, trials) for top, each in scores.items()}
    means = {top: float(np.mean(each)) for top, each in rates.items()}
    top = min(means, key=means.__getitem__)
    top = top if means[top] < _BETTER * means[0] else 0
    line = _calibrated(scores[top], trials)
    shown = dict(zip(aside, rates[top], strict=True))
    about = replace(
        made.about, top=top, slope=line.slope, offset=line.offset,
        rates={name: round(rate, 5) for name, rate in shown.items()},
    )  # fmt: skip
    made = replace(made, about=about)
    return Finished(serialise(made), made, means)


def _scores(
    made: Bundle, top: int, sets: Sequence[Clips], trials: Sequence[Trials]
) -> list[np.ndarray]:
    verifier = Verifier(Embedder.of(replace(made, about=replace(made.about, top=top))))
    return [
        verifier.scores(clips.embeddings, each.first, each.second)
        for clips, each in zip(sets, trials, strict=True)
    ]


def _rates(scores: Sequence[np.ndarray], trials: Sequence[Trials]) -> list[float]:
    return [
        judging.equal_error_rate(some, each.target)
        for some, each in zip(scores, trials, strict=True)
    ]


def _calibrated(scores: Sequence[np.ndarray], trials: Sequence[Trials]) -> calibrate.Calibration:
    """By the trials of all sets, each set's counting alike within each kind."""
    weights = [
        np.where(each.target, 1 / each.target.sum(), 1 / (~each.target).sum()) for each in trials
    ]
    targets = np.concatenate([each.target for each in trials])
    return calibrate.fit(np.concatenate(scores), targets, weights=np.concatenate(weights))
