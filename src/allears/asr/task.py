"""What training a transducer is: utterances, made harder, and the loss of what was said in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from allears.asr.model import Transducer
from allears.asr.tokens import Tokens
from allears.asr.transducer import transducer_loss
from allears.audio import mel
from allears.corpus.augment import spec_augment
from allears.corpus.batches import Batches
from allears.corpus.sound import Sound
from allears.corpus.text import normalise
from allears.train.task import Batch

Distortion = Callable[[Float32[np.ndarray, " n"], np.random.Generator], Float32[np.ndarray, " m"]]

TAIL_S = 0.32
"""Quiet after each utterance, in which the last symbols may come; as much stands in for what never comes live."""
_QUIET = 1e-4


@dataclass(frozen=True, slots=True)
class Lesson:
    """How training goes on: FastEmit's λ, `masked` steps before which spectra are whole, seconds in a batch."""

    fastemit: float = 0.005
    masks_from: int = 500
    seconds: float = 80.0
    longest_s: float = 17.0


class TransducerTask:
    """A task for `train.loop.run`; `distort` makes waveforms harder, `shares` draws some more often.

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
    ) -> None:
        self.model: nn.Module = model
        self._transducer, self._sound, self._lesson = model, sound, lesson
        self._distort = distort
        self._targets = [tokens.encode(normalise(each.text)) for each in sound.utterances]
        usable = [
            bool(targets) and seconds <= lesson.longest_s
            for targets, seconds in zip(self._targets, sound.durations, strict=True)
        ]
        weights = np.asarray(shares if shares is not None else np.ones(len(usable))) * usable
        self.batches = Batches(
            sound.durations, lesson.seconds, seed, shares=weights, longest=lesson.longest_s
        )

    def groups(self) -> list[dict[str, Any]]:
        """Weight decay for matrices only."""
        matrices = [each for each in self.model.parameters() if each.dim() > 1]
        others = [each for each in self.model.parameters() if each.dim() <= 1]
        return [{"params": matrices}, {"params": others, "weight_decay": 0.0}]

    def loss(self, random: np.random.Generator, number: int) -> Batch:
        """Nats per symbol of each utterance of batch `number`."""
        members = self.batches.at(number)
        mels = [self._heard(each, random, number) for each in members]
        targets = [self._targets[each] for each in members]
        stack = self._transducer.config.stack
        frames = torch.tensor([len(each) // stack for each in mels])
        symbols = torch.tensor([len(each) for each in targets])
        device = self._transducer.mean.device
        logits = self._transducer(
            _padded(mels, stack).to(device),
            nn.utils.rnn.pad_sequence([torch.tensor(t) for t in targets], batch_first=True).to(device),
        )
        losses = transducer_loss(
            logits.float(), _rows(targets).to(device), frames, symbols, fastemit=self._lesson.fastemit
        )
        losses = losses / symbols.float().mean().to(device)
        seconds = sum(len(each) for each in mels) * mel.HOP / mel.RATE
        return Batch(losses, {"seconds": seconds}, members)

    def _heard(
        self, number: int, random: np.random.Generator, step: int
    ) -> Float32[np.ndarray, "frames bands"]:
        samples = self._sound.samples(number)
        if self._distort is not None:
            samples = self._distort(samples, random)
        quiet = _QUIET * random.standard_normal(int((TAIL_S + 0.2 * random.random()) * mel.RATE))
        mels = mel.whole(
            np.concatenate((samples, quiet.astype(np.float32))), self._transducer.config.bands
        )
        if step >= self._lesson.masks_from and self._distort is not None:
            mels = spec_augment(mels, random)
        stack = self._transducer.config.stack
        return mels[: len(mels) // stack * stack]


def statistics(
    sound: Sound, bands: int, most: int = 500
) -> tuple[Float32[np.ndarray, " bands"], Float32[np.ndarray, " bands"]]:
    """Mean and deviation of each log-mel band over up to `most` utterances, evenly chosen."""
    chosen = np.linspace(0, len(sound.utterances) - 1, min(most, len(sound.utterances))).astype(int)
    frames = np.concatenate([mel.whole(sound.samples(int(each)), bands) for each in chosen])
    return frames.mean(0), frames.std(0)


def _rows(targets: Sequence[Sequence[int]]) -> Tensor:
    rows = [torch.tensor(each) for each in targets]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True)


def _padded(mels: Sequence[np.ndarray], stack: int) -> Tensor:
    """End to end in one batch, as long as the longest."""
    assert all(len(each) % stack == 0 for each in mels)
    return nn.utils.rnn.pad_sequence([torch.from_numpy(each) for each in mels], batch_first=True)
