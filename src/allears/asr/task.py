"""What training a transducer is: utterances, made harder, and the loss of what was said in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Float32, Int
from torch import Tensor, nn

from allears.asr import tail
from allears.asr.model import Transducer
from allears.asr.taught import Taught, rows
from allears.asr.tokens import Tokens
from allears.audio import mel
from allears.corpus.augment import spec_augment, warp
from allears.corpus.batches import Batches
from allears.corpus.sound import Sound
from allears.corpus.text import normalise
from allears.train.task import Batch

Distortion = Callable[[Float32[np.ndarray, " n"], np.random.Generator], Float32[np.ndarray, " m"]]

_TAIL = 0.8, 1.3
"""Quiet after each utterance, in which the last symbols may come: from so little to so much of `tail`'s."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """How training goes on: FastEmit's λ, seconds in a batch, and how it begins.

    The costly joiner looks at `window` positions of each frame (`pruned`), at all with 0; it counts little in the
    first `simply` batches, while the cheap one does not know yet where to look. `ctc` is the weight of a CTC loss
    on what the cheap one hears, without which the encoder may long learn nothing: what is expected explains
    enough. The first `shortly` batches are of utterances up to `short_s`, in which it is plain what was said when;
    in the first `plainly` nothing is made harder: begun on distorted speech, little is learned for long. Later
    voices are made higher and lower, too, by up to a share `warped` (`augment.warp`). Up to `before_s` of quiet
    comes before each utterance, as in a stream that is listened to before anybody speaks.
    """

    fastemit: float = 0.005
    plainly: int = 800
    window: int = 6
    simply: int = 200
    ctc: float = 0.3
    short_s: float = 2.5
    shortly: int = 400
    seconds: float = 80.0
    longest_s: float = 17.0
    warped: float = 0.0
    before_s: float = 0.0


class Extra(Protocol):
    """What is asked of a model beside the words."""

    def begin(self, number: int, /) -> None:
        """Before the model hears batch `number`."""

    def losses(self, frames: Int[Tensor, " batch"], /) -> tuple[Tensor, Mapping[str, float]]:
        """What is added to the losses of utterances of so many frames of the encoder; figures to show."""


class Opening(Protocol):
    """What the encoder is told of utterances before it hears them."""

    def __call__(self, state: Any, members: Sequence[int], random: np.random.Generator, /) -> Any:
        """The encoder's state in which utterances `members` of the corpus begin, of that of a new stream."""


class TransducerTask:
    """A task for `train.loop.run`; `distort` makes waveforms harder, `shares` draws some more often.

    `extra` adds to the losses, `opening` tells the encoder what is known beforehand.

    Raises TokenError where a text cannot be written with the symbols.
    """

    def __init__(
        self,
        model: Transducer,
        tokens: Tokens,
        sound: Sound,
        lesson: Lesson,
        *,
        seed: int,
        distort: Distortion | None = None,
        shares: Sequence[float] | None = None,
        extra: Extra | None = None,
        opening: Opening | None = None,
    ) -> None:
        self.model = Taught(model)
        self._transducer, self._sound, self._lesson = model, sound, lesson
        self._distort, self._extra, self._opening = distort, extra, opening
        self._targets = [tokens.encode(normalise(each.text)) for each in sound.utterances]
        usable = [
            bool(targets) and seconds <= lesson.longest_s
            for targets, seconds in zip(self._targets, sound.durations, strict=True)
        ]
        weights = np.asarray(shares if shares is not None else np.ones(len(usable))) * usable
        self._all = self._batches(weights, seed, lesson.longest_s)
        short = weights * (sound.durations <= lesson.short_s)
        self._short = self._batches(short, seed, lesson.short_s) if short.any() else self._all

    def _batches(self, weights: np.ndarray, seed: int, longest: float) -> Batches:
        return Batches(
            self._sound.durations, self._lesson.seconds, seed, shares=weights, longest=longest
        )

    def groups(self) -> list[dict[str, Any]]:
        """Weight decay for matrices only."""
        matrices = [each for each in self.model.parameters() if each.dim() > 1]
        others = [each for each in self.model.parameters() if each.dim() <= 1]
        return [{"params": matrices}, {"params": others, "weight_decay": 0.0}]

    def loss(self, random: np.random.Generator, number: int) -> Batch:
        """Nats per symbol of each utterance of batch `number`."""
        batches = self._short if number < self._lesson.shortly else self._all
        members = batches.at(number)
        mels = [self._heard(each, random, number) for each in members]
        targets = [self._targets[each] for each in members]
        stack = self._transducer.config.stack
        frames = torch.tensor([len(each) // stack for each in mels])
        symbols = torch.tensor([len(each) for each in targets])
        device = self._transducer.mean.device
        state = self._transducer.encoder.initial_state(len(members))
        if self._opening is not None:
            state = self._opening(state, members, random)
        if self._extra is not None:
            self._extra.begin(number)
        losses = self._losses(
            _padded(mels).to(device), state, rows(targets).to(device), frames, symbols, number
        )
        losses = losses / symbols.float().mean().to(device)
        seconds = sum(len(each) for each in mels) * mel.HOP / mel.RATE
        figures = {"seconds": seconds}
        if self._extra is not None:
            added, shown = self._extra.losses(frames)
            losses, figures = losses + added, {**figures, **shown}
        return Batch(losses, figures, members)

    def _losses(
        self,
        mels: Tensor,
        state: Any,
        targets: Tensor,
        frames: Tensor,
        symbols: Tensor,
        number: int,
    ) -> Tensor:
        """Nats of each utterance."""
        model, lesson = self._transducer, self._lesson
        heard, _ = model.encode(mels, state)
        share = 1.0 if number >= lesson.simply else 0.1
        return self.model.losses(
            heard, targets, frames, symbols,
            window=lesson.window, share=share, ctc=lesson.ctc, fastemit=lesson.fastemit,
        )  # fmt: skip

    def _heard(
        self, number: int, random: np.random.Generator, step: int
    ) -> Float32[np.ndarray, "frames bands"]:
        samples = self._sound.samples(number)
        if self._lesson.before_s:
            samples = np.concatenate(
                (_quiet(self._lesson.before_s * random.random(), random), samples)
            )
        distort = self._distort if step >= self._lesson.plainly else None
        if distort is not None:
            samples = distort(samples, random)
        long = tail.TAIL_S * (_TAIL[0] + (_TAIL[1] - _TAIL[0]) * random.random())
        samples = np.concatenate((samples, _quiet(long, random)))
        mels = mel.whole(samples, self._transducer.config.bands)
        if distort is not None:
            if self._lesson.warped:
                mels = warp(mels, 1 + self._lesson.warped * random.uniform(-1, 1))
            mels = spec_augment(mels, random, longest=25, widest=10)
        stack = self._transducer.config.stack
        return mels[: len(mels) // stack * stack]


def _quiet(seconds: float, random: np.random.Generator) -> Float32[np.ndarray, " n"]:
    noise: np.ndarray = tail.AMPLITUDE * random.standard_normal(int(seconds * mel.RATE))
    return noise.astype(np.float32)


def statistics(
    sound: Sound, bands: int, most: int = 500
) -> tuple[Float32[np.ndarray, " bands"], Float32[np.ndarray, " bands"]]:
    """Mean and deviation of each log-mel band over up to `most` utterances, evenly chosen."""
    chosen = np.linspace(0, len(sound.utterances) - 1, min(most, len(sound.utterances))).astype(int)
    frames = np.concatenate([mel.whole(sound.samples(int(each)), bands) for each in chosen])
    return frames.mean(0), frames.std(0)


def _padded(mels: Sequence[np.ndarray]) -> Tensor:
    """End to end in one batch, as long as the longest."""
    return nn.utils.rnn.pad_sequence([torch.from_numpy(each) for each in mels], batch_first=True)
