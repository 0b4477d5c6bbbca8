"""Training the harmonic vocoder on recordings and their features: first alone, then against a discriminator."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from allears.audio.bark import BANDS, HOP, PRE_EMPHASIS
from allears.corpus.pack import Pack
from allears.train import parallel
from allears.train.checkpoint import load_optimiser, optimiser_tensors
from allears.train.task import Batch
from allears.voice import excitation
from allears.voice.discriminator import Discriminator, deceive, discern
from allears.voice.harmonic import HALF, Filters, HarmonicNet, shape
from allears.voice.loss import energy_distance

FRAMES = 56
"""Frames of features in one sequence."""

_WARM = 2
"""The first frame whose filters count, as where a live voice begins."""

_ROUGH = 0.12
"""Spread at most of what is added to features, which arrive quantised, in shares of their own spread."""
_ROUGH_PITCH = 0.05
"""The pitch's share of that."""

_QUIETER, _LOUDER = -0.7, 0.4
"""Speech comes at any level: powers of ten."""

_JUDGED = 4096
"""Samples of a sequence that the discriminator sees."""
_ALONE = 100
"""Steps in which only the discriminator learns from being deceived."""
_DECEIVE, _MATCH = 0.5, 0.5
"""What verdicts and what layers see weigh against the energy distance."""
_JUDGE_RATE = 4e-4


class VocoderTask:
    """Draws `batch` sequences out of `packs`, of the first not from its last `kept` recordings."""

    model: nn.Module

    def __init__(self, packs: Sequence[Pack], batch: int = 8, kept: int = 0) -> None:
        self._packs, self._batch = packs, batch
        ends = [pack.bounds[-1] for pack in packs]
        ends[0] = packs[0].bounds[len(packs[0].bounds) - 1 - kept]
        self._ends = np.array(ends)
        self.net = HarmonicNet()
        self.net.mixed = True
        self.model = self.net

    def groups(self) -> list[dict[str, Any]]:
        """The vocoder's weights."""
        return [{"params": list(self.net.parameters())}]

    def loss(self, random: np.random.Generator, _number: int) -> Batch:
        """The energy distance of two drawn voices from the recordings."""
        true, features = self.draw(random)
        total, away = energy_distance(true, *self.voices(features, random))
        return Batch(total, {"away": away.item()})

    def draw(
        self, random: np.random.Generator
    ) -> tuple[Float[Tensor, "batch samples"], Float32[np.ndarray, "batch frames 20"]]:
        """Emphasised samples, those that `voices` gives, and all features."""
        choice = random.choice(len(self._packs), self._batch, p=self._ends / self._ends.sum())
        samples = np.empty((self._batch, FRAMES * HOP + 1), np.float32)
        features = np.empty((self._batch, FRAMES, 20), np.float32)
        for row, index in enumerate(choice):
            at = int(random.integers(1, self._ends[index] - FRAMES))
            samples[row] = self._packs[index].samples[at * HOP - 1 : (at + FRAMES) * HOP]
            features[row] = self._packs[index].features[at : at + FRAMES]
        louder = random.uniform(_QUIETER, _LOUDER, (self._batch, 1)).astype(np.float32)
        samples *= 10**louder / 32_768
        features[..., 0] += 2 * louder * np.float32(BANDS**0.5)
        emphasised = samples[:, 1:] - np.float32(PRE_EMPHASIS) * samples[:, :-1]
        heard = emphasised[:, (_WARM + 1) * HOP : (FRAMES - 2) * HOP - HALF]
        return torch.from_numpy(np.ascontiguousarray(heard)), features

    def voices(
        self, features: Float32[np.ndarray, "batch frames 20"], random: np.random.Generator
    ) -> tuple[Float[Tensor, "batch samples"], Float[Tensor, "batch samples"]]:
        """Two draws of the same speech, other in noise and in the phase they begin with."""
        rough = random.standard_normal(features.shape, np.float32)
        rough *= random.uniform(0, _ROUGH, (len(features), 1, 1)).astype(np.float32)
        rough[..., 18] *= _ROUGH_PITCH
        given = torch.from_numpy(features) + torch.from_numpy(rough) * self.net.spread
        filters, _ = self.net(given, self.net.initial_state(len(features)))
        # Frame j's filters come out at frame j + 1.
        kept = Filters(*(each[:, 2 * (_WARM + 1) : -1] for each in filters))
        pitch = given[..., 18].numpy()
        return _voice(kept, pitch, random), _voice(kept, pitch, random)


class AdversarialTask(VocoderTask):
    """The same against a discriminator, which has an optimiser of its own."""

    def __init__(self, packs: Sequence[Pack], batch: int = 8, kept: int = 0) -> None:
        super().__init__(packs, batch, kept)
        self.judge = Discriminator()
        self.model = nn.ModuleDict({"generator": self.net, "discriminator": self.judge})
        self._optimiser = torch.optim.AdamW(
            self.judge.parameters(), _JUDGE_RATE, betas=(0.8, 0.99), weight_decay=1e-3
        )

    def loss(self, random: np.random.Generator, number: int) -> Batch:
        """The energy distance, the verdict and what the discriminator's layers see."""
        true, features = self.draw(random)
        one, other = self.voices(features, random)
        total, away = energy_distance(true, one, other)
        at = int(random.integers(0, true.shape[1] - _JUDGED))
        real, made = true[:, at : at + _JUDGED], one[:, at : at + _JUDGED]
        told = self._teach(real, made.detach())
        verdict, apart = deceive(self.judge(real), self.judge(made))
        if number >= _ALONE:
            total = total + _DECEIVE * verdict + _MATCH * apart
        shown = {"away": away, "told": told, "verdict": verdict, "apart": apart}
        return Batch(total, {name: value.item() for name, value in shown.items()})

    def state_dict(self) -> Mapping[str, Tensor]:
        """What the discriminator's optimiser knows."""
        return optimiser_tensors(self._optimiser)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """What `state_dict` gave."""
        load_optimiser(self._optimiser, state)

    def _teach(self, real: Tensor, made: Tensor) -> Tensor:
        """One step of the discriminator, whose weights the loop shall not see gradients of."""
        self.judge.requires_grad_(True)
        told = discern(self.judge(real), self.judge(made))
        told.backward()
        parallel.join(str(told.device)).average_gradients(self.judge.parameters())
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self.judge.requires_grad_(False)
        return told


def _voice(
    filters: Filters, pitch: Float32[np.ndarray, "batch frames"], random: np.random.Generator
) -> Float[Tensor, "batch samples"]:
    """One draw, from one frame after the first filters' on."""
    frequencies = excitation.frequency(pitch)[:, _WARM - 2 :]
    source = excitation.pulses(frequencies, random.random(len(pitch)))
    noise = random.standard_normal(source.samples.shape, np.float32)
    parts = (source.samples, noise, source.cosine, source.sine)
    whole = shape(filters, *map(torch.from_numpy, parts))
    return whole[:, 2 * HOP : -HALF]
