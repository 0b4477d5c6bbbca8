"""By how much a recogniser's symbols come after their sound, against word times by another recogniser.

PocketSphinx (Huggins-Daines et al., ICASSP 2006) is told what was said and finds when: a forced alignment that no
transducer took part in. The median over many words is what differs between the two, and little else.
"""

import importlib.util
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from allears.asr.events import Word
from allears.asr.networks import Networks
from allears.asr.search import greedy
from allears.asr.search.words import Timing, words
from allears.audio import mel
from allears.audio.files import to_int16
from allears.corpus.sound import Sound
from allears.corpus.text import normalise

MOST = 48
"""Utterances that are enough."""
_STEP_S = 0.01
"""Of the decoder."""
_VARIANT = re.compile(r"\(\d+\)$")


class Spoken(NamedTuple):
    """A word and when it was said, in seconds."""

    text: str
    start: float
    end: float


class Delays(NamedTuple):
    """Medians in seconds over so many words: of first symbols after words begin, of last after they end."""

    start: float
    end: float
    words: int


def measure(networks: Networks, sound: Sound, most: int = MOST) -> Delays | None:
    """The delays over up to `most` utterances, evenly chosen; None where nothing could be compared.

    That is so without the package pocketsphinx, and where no word was recognised.
    """
    if importlib.util.find_spec("pocketsphinx") is None:
        return None
    chosen = np.linspace(0, len(sound) - 1, min(most, len(sound))).astype(int).tolist()
    samples = [sound.samples(each) for each in chosen]
    heard = greedy.whole(networks, [mel.whole(each, networks.bands) for each in samples])
    timing = Timing(networks.stack * mel.HOP / mel.RATE)
    decoder = aligner()
    pairs = []
    for index, clip, found in zip(chosen, samples, heard, strict=True):
        said = normalise(sound.utterances[index].text).split()
        times = aligned(clip, said, decoder)
        pairs += matched(times, words(networks.tokens, found.emissions, timing))
    return medians(pairs)


def aligned(
    samples: Float32[np.ndarray, " samples"], said: Sequence[str], decoder: Any = None
) -> list[Spoken]:
    """When each word was said; nothing where a word is unknown to the dictionary, or they were not said."""
    decoder = decoder or aligner()
    if not said or any(decoder.lookup_word(each) is None for each in said):
        return []
    decoder.set_align_text(" ".join(said))
    decoder.start_utt()
    decoder.process_raw(to_int16(samples).astype("<i2").tobytes(), full_utt=True)
    try:
        decoder.end_utt()
    except RuntimeError:  # no path to the end
        return []
    found = [
        Spoken(
            _VARIANT.sub("", each.word), each.start_frame * _STEP_S, (each.end_frame + 1) * _STEP_S
        )
        for each in decoder.seg() or ()
        if each.word[:1] not in "<[+"
    ]
    return found if [each.text for each in found] == list(said) else []


def matched(said: Sequence[Spoken], heard: Sequence[Word]) -> list[tuple[Spoken, Word]]:
    """Words that were recognised, with what was said."""
    texts = [each.text for each in said], [each.text for each in heard]
    blocks = SequenceMatcher(None, *texts, autojunk=False).get_matching_blocks()
    return [
        (said[block.a + index], heard[block.b + index])
        for block in blocks
        for index in range(block.size)
    ]


def medians(pairs: Sequence[tuple[Spoken, Word]]) -> Delays | None:
    """The delays of words that were told without any taken off; None of none."""
    if not pairs:
        return None
    starts = [word.start - spoken.start for spoken, word in pairs]
    ends = [word.end - spoken.end for spoken, word in pairs]
    return Delays(float(np.median(starts)), float(np.median(ends)), len(pairs))


def aligner() -> Any:
    """What finds when words were said, for any number of utterances. Wants the package pocketsphinx."""
    from pocketsphinx import Decoder

    return Decoder(samprate=mel.RATE, lm=None, loglevel="FATAL")
