"""Who is heard how often: shares of utterances for `corpus.batches.Batches`, and texts where nobody wrote any.

A cohort that is served badly is heard more often (arXiv 2207.11345: the bottom cohort, with speech that the
recogniser itself has written down); the others are heard again while somebody else is learnt (replay).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64

from allears.asr.networks import Networks
from allears.asr.search import greedy
from allears.asr.tokens import decode
from allears.audio import mel
from allears.corpus.sound import Sound
from allears.mitigation.refusal import MitigationError

_AT_ONCE = 64
"""Utterances that are written down between two words on how far it has come."""


def of_speakers(sound: Sound, speakers: Sequence[str]) -> Bool[np.ndarray, " utterances"]:
    """Which utterances are theirs. Raises MitigationError where none is."""
    wanted = set(speakers)
    found = np.array([each.speaker in wanted for each in sound.utterances], bool)
    if not found.any():
        raise MitigationError(
            f"none of the {len(wanted)} speakers of the cohort is among those to learn from; "
            "is the audit of other recordings?"
        )
    return found


def oversampled(
    cohort: Bool[np.ndarray, " utterances"], factor: float
) -> Float64[np.ndarray, " utterances"]:
    """Shares by which each utterance of the cohort is drawn `factor` times as often as each other one.

    1 is plain training. Raises MitigationError for a factor below 0 or without end.
    """
    if not 0 <= factor < math.inf:
        raise MitigationError(f"a factor of {factor}; give one from 0 up, 1 changes nothing")
    found: Float64[np.ndarray, " utterances"] = np.where(cohort, factor, 1.0)
    return found


def replayed(
    new: Bool[np.ndarray, " utterances"], share: float
) -> Float64[np.ndarray, " utterances"]:
    """Shares by which `share` of all draws are utterances that are not `new`: 0 hears the new alone.

    Raises MitigationError where that cannot be.
    """
    if not 0 <= share <= 1:
        raise MitigationError(f"a share of {share} of the old; give one from 0 to 1")
    known = int((~new).sum())
    fresh = len(new) - known
    if (share and not known) or (share < 1 and not fresh):
        raise MitigationError(f"{fresh} new utterances and {known} old ones; both are wanted")
    found: Float64[np.ndarray, " utterances"] = np.where(
        new, (1 - share) / max(1, fresh), share / max(1, known)
    )
    return found


@dataclass(frozen=True, slots=True)
class Written:
    """Recordings with texts that a recogniser wrote: of `without` that had none, `accepted` have one now."""

    sound: Sound
    without: int
    accepted: int
    confidences: Float64[np.ndarray, " utterances"]
    """Of what was heard, 0 to 1; NaN where a text was there."""


def pseudo_labelled(
    networks: Networks,
    sound: Sound,
    confidence: float,
    *,
    among: Bool[np.ndarray, " utterances"] | None = None,
    show: Callable[[float], None] | None = None,
) -> Written:
    """Texts by `networks` for utterances without one, where they are sure enough; others stay without.

    Confidence is the geometric mean of the probabilities of the symbols that were emitted; nothing heard is 0.
    Only utterances `among` those given are asked for. What has no text is passed over in training (`asr.task`).
    """
    wanted = [
        at
        for at, each in enumerate(sound.utterances)
        if not each.text.strip() and (among is None or among[at])
    ]
    utterances, sure = list(sound.utterances), np.full(len(sound), np.nan)
    for begin in range(0, len(wanted), _AT_ONCE):
        part = wanted[begin : begin + _AT_ONCE]
        mels = [mel.whole(sound.samples(each), networks.bands) for each in part]
        for at, heard in zip(part, greedy.whole(networks, mels), strict=True):
            logs = [each.log_probability for each in heard.emissions]
            text = decode(networks.tokens, heard.symbols).strip()
            sure[at] = math.exp(sum(logs) / len(logs)) if text else 0.0
            if text and sure[at] >= confidence:
                utterances[at] = replace(utterances[at], text=text)
        if show:
            show(min(1.0, (begin + len(part)) / len(wanted)))
    accepted = sum(bool(utterances[at].text.strip()) for at in wanted)
    return Written(replace(sound, utterances=tuple(utterances)), len(wanted), accepted, sure)
