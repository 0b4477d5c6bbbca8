"""Training the autoencoder of DRED: rate and distortion at all sixteen levels at once.

Two seconds of features go through the encoder; its latents are decoded in stretches of 1.04 s, once
rounded and once with the noise of rounding, at levels drawn as payloads draw them.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from allears.redundancy.loss import distortion
from allears.redundancy.rdovae import FEATURES, LATENTS, STATES, Decoder, Encoder
from allears.redundancy.tables import LEVELS, Quantiser
from allears.train.task import Batch

STRETCH = 26
"""Latents in one decode: 1.04 s."""

STEPS = 4 * STRETCH
"""Encoder steps in one sequence: two decodes end to end, for even and odd steps each."""

_LAMBDA_MIN, _LAMBDA_MAX = 2e-4, 0.04
_STATE_SHARE = 0.001
"""What a bit of the state counts beside one of each latent. In a payload of 26 it costs 0.04 of one; but
most holes are short and begin from the state, and what it says well makes the newest frames better."""

_NEWEST, _FADING = 2.0, 4.0
"""How much more an error in the newest latent counts than one far back, and after how many that fades by e:
nearly every hole asks for the newest, few for the oldest."""

_SLOPES = (0, 2, 3, 4, 6, 8, 12, 16)


class Codec(nn.Module):
    """Encoder, decoder and quantisers, around features brought to zero mean and unit spread."""

    mean: Tensor
    spread: Tensor

    def __init__(self, mean: Float[Tensor, " 20"], spread: Float[Tensor, " 20"]) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        self.encoder, self.decoder = Encoder(), Decoder()
        self.encoder.mixed = self.decoder.mixed = True
        self.latents = Quantiser(LATENTS, 0.9, 0.08)
        self.states = Quantiser(STATES, 0.5, 0.1)

    def encode(self, features: Float[Tensor, "batch frames 20"]) -> tuple[Tensor, Tensor]:
        """Latents and states of every 20 ms, unquantised."""
        x = ((features - self.mean) / self.spread).unflatten(1, (-1, 2)).flatten(2)
        z, s, _ = self.encoder(x, self.encoder.initial_state(len(x)))
        return GAIN * z, GAIN * s

    def decode(self, z: Tensor, s: Tensor, level: Tensor) -> Float[Tensor, "batch frames 20"]:
        """Features, newest first."""
        tail = (level / 8 - 1)[..., None]
        y, _ = self.decoder(torch.cat((z / GAIN, tail), 2), self.decoder.begin(s / GAIN))
        frames: Tensor = y.unflatten(2, (4, FEATURES)).flatten(1, 2)
        return frames * self.spread + self.mean


GAIN = 8.0
"""Latents and states spread about this much, so that scales below one span all levels."""


class RdoVaeTask:
    """Draws sequences out of `features` (frames, 20) and weighs bits against distortion."""

    def __init__(self, features: Float[np.ndarray, "frames 20"], batch: int = 16) -> None:
        self._features, self._batch = features, batch
        some = features[:: max(1, len(features) // 200_000)]
        spread = some.std(0)
        spread[18] /= 2  # pitch lags behind the others most
        self.model = Codec(torch.from_numpy(some.mean(0)).float(), torch.from_numpy(spread).float())

    def groups(self) -> list[dict[str, Any]]:
        """The quantisers learn five times as fast."""
        tables = [*self.model.latents.parameters(), *self.model.states.parameters()]
        nets = [*self.model.encoder.parameters(), *self.model.decoder.parameters()]
        return [{"params": nets}, {"params": tables, "lr": 5.0}]

    def loss(self, random: np.random.Generator, _number: int) -> Batch:
        """√λ · bits + distortion / √λ, over a batch."""
        model = self.model
        features = self._draw(random)
        z, s = model.encode(features)
        stretches, ends = (
            _stretches(z),
            s[:, [-1, -2, STEPS // 2 - 1, STEPS // 2 - 2]].flatten(0, 1),
        )
        true = _stretches_of_frames(features)
        level = torch.from_numpy(_levels(random, len(stretches)))
        u, v = model.latents.compress(stretches, level), model.states.compress(ends, level[:, 0])
        noisy = [each + torch.rand_like(each) - 0.5 for each in (u, v)]
        rounded = [each + (each.round() - each).detach() for each in (u, v)]
        both = torch.cat((level, level))
        latents = model.latents.expand(torch.cat((rounded[0], noisy[0])), both)
        states = model.states.expand(torch.cat((rounded[1], noisy[1])), both[:, 0])
        decoded = model.decode(latents, states, both)
        # One step of 40 ms is four frames.
        error = distortion(torch.cat((true, true)), decoded).unflatten(1, (-1, 4)).mean(2)
        soft, hard = model.latents.soft_bits(u, level), model.latents.hard_bits(u, level)
        states_soft = model.states.soft_bits(v, level[:, 0])
        states_hard = model.states.hard_bits(v, level[:, 0])
        weight = (_LAMBDA_MIN * (_LAMBDA_MAX / _LAMBDA_MIN) ** (level / 15)).sqrt()
        bits = soft + 0.1 * hard
        state_bits = _STATE_SHARE * (states_soft + 0.1 * states_hard)
        loss = (
            (weight * bits).mean()
            + (weight[:, 0] * state_bits).mean()
            + (error * _asked() / torch.cat((weight, weight))).mean()
        )
        return Batch(loss, _figures(level, hard, error[: len(level)], states_hard))

    def _draw(self, random: np.random.Generator) -> Float[Tensor, "batch frames 20"]:
        starts = random.integers(0, len(self._features) - 2 * STEPS, self._batch)
        drawn = np.stack([self._features[at : at + 2 * STEPS] for at in starts]).astype(np.float32)
        # Speech comes at any level: 10 dB more or less, the sum of 18 bands by the DCT.
        drawn[..., 0] += random.uniform(-1, 1, (self._batch, 1)).astype(np.float32) * np.sqrt(18)
        return torch.from_numpy(drawn)


def _stretches(z: Float[Tensor, "batch steps 25"]) -> Float[Tensor, "stretches latents 25"]:
    """Every second latent, newest first: (odd, even) of the second half, then of the first."""
    halves: Tensor = z.flip(1).unflatten(1, (2, STRETCH, 2))
    return halves.transpose(2, 3).flatten(1, 2).flatten(0, 1)


def _stretches_of_frames(
    x: Float[Tensor, "batch frames 20"],
) -> Float[Tensor, "stretches frames 20"]:
    """The frames that each stretch of latents describes: four a latent, newest first."""
    backwards = x.flip(1)
    half = 2 * STEPS // 2
    parts = []
    for begin in (0, 2, half, half + 2):
        part = backwards[:, begin : begin + half]
        missing = half - part.shape[1]
        # The even latents' last step looks two frames further back than the sequence begins.
        parts.append(
            torch.cat((part, part[:, -1:].expand(-1, missing, -1)), 1) if missing else part
        )
    return torch.stack(parts, 1).flatten(0, 1)


def _asked() -> Float[Tensor, " latents"]:
    """How much each latent's error counts."""
    return 1 + _NEWEST * torch.exp(-torch.arange(STRETCH) / _FADING)


def _levels(random: np.random.Generator, size: int) -> Int[np.ndarray, "size latents"]:
    """Levels as payloads have them: half of the stretches rise from q0 by a slope, half stay."""
    first = random.integers(0, LEVELS, size)
    slope = np.asarray(_SLOPES)[random.integers(0, len(_SLOPES), size)]
    slope[random.random(size) < 0.5] = 0
    place = np.arange(STRETCH)
    rising = first[:, None] + (slope[:, None] * place + 8) // 16
    return np.asarray(np.minimum(LEVELS - 1, rising), np.int64)


def _figures(level: Tensor, bits: Tensor, error: Tensor, state_bits: Tensor) -> dict[str, float]:
    shown: dict[str, float] = {}
    with torch.no_grad():
        for name, low, high in (("fine", 0, 3), ("mid", 5, 7), ("coarse", 13, 15)):
            chosen = (level >= low) & (level <= high)
            if chosen.any():
                shown[f"bits_{name}"] = float(bits[chosen].mean())
                shown[f"error_{name}"] = float(error[chosen].mean())
        shown["states"] = float(state_bits.mean())
    return shown
