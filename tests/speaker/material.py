"""Voices made of the shipped clips: each clip at several speeds is a speaker, each stretch of it an utterance."""

from functools import cache

import numpy as np
import soxr

from allears.audio.files import to_int16
from allears.corpus.recordings import Utterance
from allears.corpus.sound import RATE, Sound
from tests.real import CLIPS, speech

_STRETCH = int(2.4 * RATE)


@cache
def voices(factors=(1.0, 0.8, 1.25), clips=("lj", "jfk")):
    """A sound of as many speakers as there are clips and factors, three to five utterances each."""
    parts, utterances = [], []
    for clip in clips:
        for factor in factors:
            samples = soxr.resample(speech(clip), RATE * factor, RATE)
            stretches = [
                samples[at : at + _STRETCH]
                for at in range(0, len(samples) - _STRETCH + 1, int(0.8 * _STRETCH))
            ]
            parts += [to_int16(each) for each in stretches]
            speaker = f"{clip}-{factor:g}"
            utterances += [
                Utterance(CLIPS / f"{clip}.flac", speaker, "", "train") for _ in stretches
            ]
    bounds = np.concatenate(([0], np.cumsum([len(each) for each in parts])))
    return Sound(np.concatenate(parts), bounds, tuple(utterances))
