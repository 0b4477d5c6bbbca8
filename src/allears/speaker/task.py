"""What training a network of voices is: some speakers, several crops of each, and who is who among them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor, nn

from allears.audio import mel
from allears.corpus.augment import Speed, spec_augment
from allears.corpus.recordings import CorpusError
from allears.corpus.sound import Sound
from allears.speaker.activity import Level, active
from allears.speaker.ecapa import Ecapa
from allears.speaker.loss import AngularMargin, AngularPrototypical
from allears.train.task import Batch

Distortion = Callable[[Float32[np.ndarray, " n"], np.random.Generator], Float32[np.ndarray, " m"]]

_AROUND = 1.6
"""Seconds cut out for each second of voice that is wanted: the rest is silence, and room to choose."""
_LEAST = 10
"""Frames in which something sounds, of a crop in which hardly anything does."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A batch is `speakers`, `crops` of each, of so many seconds of voice; and what they are taught by.

    Each loss counts as its name says (0 leaves it out); the margin rises over the first `gently` batches. A voice
    at another of `speeds` is another speaker's. In `masked` of all crops features have gaps.
    """

    speakers: int = 40
    crops: int = 2
    seconds: tuple[float, float] = (1.2, 2.2)
    margin: float = 1.0
    prototypical: float = 1.0
    angle: float = 0.2
    gently: int = 600
    speeds: tuple[float, ...] = (1.0, 0.9, 1.1)
    masked: float = 0.6


class Pairing(Protocol):
    """Says how much crops count in pairs with others."""

    def __call__(
        self, embeddings: Float[Tensor, "speakers crops size"], members: Sequence[int], /
    ) -> Float[Tensor, "speakers crops"]:
        """Weights above 0; `members` are the utterances of the crops, speaker by speaker."""


class Taught(nn.Module):
    """The network, and what only its training needs."""

    def __init__(self, ecapa: Ecapa, classes: int, angle: float) -> None:
        super().__init__()
        self.ecapa = ecapa
        self.margin = AngularMargin(ecapa.config.size, classes, angle)
        self.prototypical = AngularPrototypical()


class SpeakerTask:
    """A task for `train.loop.run`; `distort` makes waveforms harder, `pairing` weighs pairs.

    Speakers are drawn in proportion to the square root of how long they are heard, each once in a batch.
    Raises CorpusError where there are too few of them.
    """

    def __init__(
        self,
        model: Ecapa,
        sound: Sound,
        lesson: Lesson,
        *,
        distort: Distortion | None = None,
        pairing: Pairing | None = None,
    ) -> None:
        self._sound, self._lesson = sound, lesson
        self._distort, self._pairing = distort, pairing
        self.speakers = tuple(sorted({each.speaker for each in sound.utterances}))
        self._utterances = _by_speaker(sound, self.speakers)
        if len(self.speakers) * len(lesson.speeds) < lesson.speakers or lesson.speakers < 2:
            raise CorpusError(
                f"{len(self.speakers)} speakers at {len(lesson.speeds)} speeds: a batch wants "
                f"{lesson.speakers}, and two at least"
            )
        shares = np.sqrt([sound.durations[each].sum() for each in self._utterances])
        repeated = np.tile(shares, len(lesson.speeds))
        self._shares = repeated / repeated.sum()
        self._ecapa = model
        self.model = Taught(model, len(repeated), lesson.angle)

    def groups(self) -> list[dict[str, Any]]:
        """Weight decay for matrices only."""
        matrices = [each for each in self.model.parameters() if each.dim() > 1]
        others = [each for each in self.model.parameters() if each.dim() <= 1]
        return [{"params": matrices}, {"params": others, "weight_decay": 0.0}]

    def loss(self, random: np.random.Generator, number: int) -> Batch:
        """Nats of each crop of batch `number`."""
        lesson = self._lesson
        classes = random.choice(len(self._shares), lesson.speakers, replace=False, p=self._shares)
        frames = self._frames(random)
        members = [each for one in classes for each in self._members(int(one), random)]
        speeds = [lesson.speeds[one // len(self.speakers)] for one in classes]
        crops = [
            self._heard(each, speeds[at // lesson.crops], frames, random)
            for at, each in enumerate(members)
        ]
        device = self._ecapa.mean.device
        embeddings, _ = self._ecapa(torch.from_numpy(np.stack(crops)).to(device))
        labels = torch.from_numpy(np.repeat(classes, lesson.crops)).to(device)
        with torch.autocast(device.type, enabled=False):
            losses, right = self._losses(embeddings.float(), labels, members, number)
        seconds = len(crops) * frames * mel.HOP / mel.RATE
        return Batch(losses, {"seconds": seconds, "right": right}, members)

    def _losses(
        self, embeddings: Tensor, labels: Tensor, members: Sequence[int], number: int
    ) -> tuple[Tensor, float]:
        """Of each crop, and the share of crops whose speaker is nearest."""
        lesson = self._lesson
        losses = embeddings.new_zeros(len(embeddings))
        if lesson.margin:
            share = min(1.0, number / max(1, lesson.gently))
            losses = losses + lesson.margin * self.model.margin(embeddings, labels, share)
        if lesson.prototypical:
            grouped = embeddings.unflatten(0, (lesson.speakers, lesson.crops))
            weights = self._pairing(grouped.detach(), members) if self._pairing else None
            pairs = self.model.prototypical(grouped, weights)
            losses = losses + lesson.prototypical * pairs.repeat_interleave(lesson.crops)
        return losses, self._right(embeddings.detach(), labels)

    def _right(self, embeddings: Tensor, labels: Tensor) -> float:
        """How often the nearest other crop of the batch is of the same speaker."""
        unit = nn.functional.normalize(embeddings, dim=1)
        cosines = (unit @ unit.t()).fill_diagonal_(-2)
        return float((labels[cosines.argmax(1)] == labels).float().mean())

    def _frames(self, random: np.random.Generator) -> int:
        """Of each crop of a batch."""
        stack = self._ecapa.config.stack
        return round(random.uniform(*self._lesson.seconds) * mel.RATE / mel.HOP / stack) * stack

    def _members(self, chosen: int, random: np.random.Generator) -> list[int]:
        """Utterances of a speaker, different ones as far as there are."""
        theirs = self._utterances[chosen % len(self.speakers)]
        crops = self._lesson.crops
        several = random.permutation(theirs)[:crops]
        return [int(each) for each in np.resize(several, crops)]

    def _heard(
        self, number: int, speed: float, frames: int, random: np.random.Generator
    ) -> Float32[np.ndarray, "frames bands"]:
        samples = self._sound.samples(number)
        wanted = int(_AROUND * speed * frames * mel.HOP)
        at = int(random.integers(max(1, len(samples) - wanted + 1)))
        samples = Speed((speed,))(samples[at : at + wanted], random)
        if self._distort is not None:
            samples = self._distort(samples, random)
        voiced = _voiced(mel.whole(samples, self._ecapa.config.bands))
        at = int(random.integers(max(1, len(voiced) - frames + 1)))
        # What is too short goes on from its beginning.
        crop = np.resize(voiced[at : at + frames], (frames, voiced.shape[1]))
        if self._distort is not None and random.random() < self._lesson.masked:
            crop = spec_augment(crop, random, times=1, longest=20, bands=2, widest=8)
        return crop


def statistics(
    sound: Sound, bands: int, most: int = 500
) -> tuple[Float32[np.ndarray, " bands"], Float32[np.ndarray, " bands"]]:
    """Mean and deviation of each log-mel band, where something sounds, over up to `most` utterances."""
    chosen = np.linspace(0, len(sound) - 1, min(most, len(sound))).astype(int)
    frames = np.concatenate(
        [_voiced(mel.whole(sound.samples(int(each)), bands)) for each in chosen]
    )
    return frames.mean(0), frames.std(0)


def _voiced(mels: Float32[np.ndarray, "frames bands"]) -> Float32[np.ndarray, "kept bands"]:
    """Frames in which something sounds; all of them where that is next to nothing."""
    counts, _ = active(mels, Level())
    return mels[counts] if counts.sum() >= _LEAST else mels


def _by_speaker(sound: Sound, speakers: Sequence[str]) -> list[Int64[np.ndarray, " theirs"]]:
    names = np.array([each.speaker for each in sound.utterances])
    return [np.flatnonzero(names == each) for each in speakers]
