"""The samples of a planned conversation: levels, rooms and noise, summed so that nothing clips."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from allears.corpus.augment import Augmentation, active_power
from allears.corpus.mixtures.conversation import Conversation
from allears.corpus.mixtures.draw import Plan
from allears.corpus.mixtures.turns import Part
from allears.corpus.sound import RATE

SPEECH_DB = -26.0
"""The level of active speech at 0 dB, relative to full scale: as ITU-T P.56 levels are usually set."""

PEAK = 0.99
"""No sample is louder: a conversation that would be is made quieter as a whole."""

MARGIN = RATE // 20
"""Samples of a recording before and after its speech that are kept, faded: 50 ms."""

_RING = 3 * RATE // 10
"""Samples for a room to ring on."""


class Clip(NamedTuple):
    """Samples of a recording; its speech is from `first` up to `last`."""

    samples: Float32[np.ndarray, " n"]
    first: int
    last: int


class Seeds(NamedTuple):
    """What generators are made of; each is of one thing, so that no two wait for each other."""

    seed: int
    number: int

    def of(self, *what: int) -> np.random.Generator:
        """The generator of one thing."""
        return np.random.default_rng((self.seed, self.number, *what))


class Rendered(NamedTuple):
    """A conversation, and what each of its turns adds to it, in the order of the plan's places, before noise."""

    samples: Float32[np.ndarray, " samples"]
    parts: tuple[Part, ...]


def render(plan: Plan, clips: Sequence[Clip], conversation: Conversation, seeds: Seeds) -> Rendered:
    """The conversation of `plan`, whose places are of `clips`.

    Raises ValueError where a room or noise changes lengths.
    """
    mixed = np.zeros(plan.length, np.float32)
    parts: dict[int, Part] = {}
    pairs = sorted(
        zip(plan.places, clips, range(len(clips)), strict=True), key=lambda pair: pair[0].speaker
    )
    for number, (_, group) in enumerate(groupby(pairs, lambda pair: pair[0].speaker)):
        own = list(group)
        gain = _gain([clip for _, clip, _ in own], seeds.of(1, number), conversation)
        for place, clip, index in own:
            dice = seeds.of(2, number)  # anew, so that all turns of a speaker fall alike
            piece = _piece(clip)
            if conversation.room:
                piece = _same_length(conversation.room, np.pad(piece, (0, _RING)), dice)
            parts[index] = _inside(gain * piece, place.start - min(clip.first, MARGIN), plan.length)
            parts[index].add_to(mixed)
    if conversation.noise:
        mixed = _same_length(conversation.noise, mixed, seeds.of(3))
    peak = float(np.abs(mixed).max(initial=0))
    scale = np.float32(PEAK / peak if peak > PEAK else 1)
    ordered = (parts[index] for index in range(len(clips)))
    return Rendered(
        mixed * scale, tuple(Part(each.first, each.samples * scale) for each in ordered)
    )


def _gain(
    clips: Iterable[Clip], random: np.random.Generator, conversation: Conversation
) -> np.float32:
    """What brings a speaker's turns together to their level, so that some stay louder than others."""
    powers = [active_power(clip.samples[clip.first : clip.last]) for clip in clips]
    level = SPEECH_DB + random.uniform(*conversation.levels_db)
    return np.float32((10 ** (level / 10) / float(np.mean(powers))) ** 0.5)


def _piece(clip: Clip) -> Float32[np.ndarray, " n"]:
    """Its speech as it is, with margins that are faded in and out."""
    before = min(clip.first, MARGIN)
    after = min(len(clip.samples) - clip.last, MARGIN)
    piece = np.array(clip.samples[clip.first - before : clip.last + after], np.float32)
    piece[:before] *= _rise(before)
    piece[len(piece) - after :] *= _rise(after)[::-1]
    return piece


def _rise(length: int) -> Float32[np.ndarray, " length"]:
    """From 0 to 1 by a raised cosine."""
    rise: np.ndarray = 0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(1, length))
    return rise.astype(np.float32)


def _same_length(
    step: Augmentation, samples: Float32[np.ndarray, " n"], random: np.random.Generator
) -> Float32[np.ndarray, " n"]:
    made = step(samples, random)
    if len(made) != len(samples):
        raise ValueError(
            f"{type(step).__name__} changes lengths, which the times of turns do not allow"
        )
    return made


def _inside(piece: Float32[np.ndarray, " n"], start: int, length: int) -> Part:
    """A piece from `start` on, what lies outside the conversation cut off."""
    begin, end = max(0, start), min(length, start + len(piece))
    return Part(begin, piece[begin - start : end - start])
