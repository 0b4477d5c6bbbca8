"""Tells real speech from made speech by spectrograms of several resolutions (Jang et al. 2021), small.

What it sees of each bin is the log magnitude, and the phase as the compressed real and imaginary part.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

WINDOWS = (256, 512, 1024)
_CHANNELS = (3, 16, 24, 32, 32)
_SLOPE = 0.1
_QUIET = 1e-3
_POWER = 0.35
"""Magnitudes are raised to it where they stand beside a phase."""


class Discriminator(nn.Module):
    """One judge for each of `WINDOWS`."""

    def __init__(self) -> None:
        super().__init__()
        self.judges = nn.ModuleList(_Judge(size) for size in WINDOWS)

    def forward(self, x: Float[Tensor, "batch samples"]) -> list[list[Tensor]]:
        """For each judge, what its layers see; the last is the verdict, high for real, at many places."""
        return [judge(x) for judge in self.judges]


class _Judge(nn.Module):
    window: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        # Bins are halved three times; the last layer sees further in time.
        self.layers = nn.ModuleList(
            nn.utils.parametrizations.weight_norm(
                nn.Conv2d(inputs, outputs, (3, 5), (1, 2 if stage < 3 else 1), (1, 2))
            )
            for stage, (inputs, outputs) in enumerate(pairwise(_CHANNELS))
        )
        self.verdict = nn.utils.parametrizations.weight_norm(
            nn.Conv2d(_CHANNELS[-1], 1, 3, padding=1)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        y = self._seen(x).contiguous(memory_format=torch.channels_last)
        layers = []
        with torch.autocast("cpu", torch.bfloat16):
            for layer in self.layers:
                y = leaky_relu(layer(y), _SLOPE)
                layers.append(y)
            layers.append(self.verdict(y))
        return layers

    def _seen(self, x: Tensor) -> Tensor:
        """(batch, 3, frames, bins)."""
        bins = torch.fft.rfft(x.unfold(1, self.size, self.size // 4) * self.window) / self.size**0.5
        power = bins.real.square() + bins.imag.square() + _QUIET**2
        compressed = power ** ((_POWER - 1) / 2)
        level = 0.3 * torch.log(power) + 2
        return torch.stack((level, 3 * compressed * bins.real, 3 * compressed * bins.imag), 1)


def discern(real: list[list[Tensor]], made: list[list[Tensor]]) -> Tensor:
    """What a discriminator minimises: real speech is 1, made speech 0 (least squares)."""
    losses = [
        (1 - true[-1].float()).square().mean() + false[-1].float().square().mean()
        for true, false in zip(real, made, strict=True)
    ]
    return torch.stack(losses).mean()


def deceive(real: list[list[Tensor]], made: list[list[Tensor]]) -> tuple[Tensor, Tensor]:
    """What a generator minimises: made speech is 1; and how far what layers see of both lies apart."""
    verdicts, apart = [], []
    for true, false in zip(real, made, strict=True):
        verdicts.append((1 - false[-1].float()).square().mean())
        for a, b in zip(true[:-1], false[:-1], strict=True):
            a, b = a.detach().float(), b.float()
            apart.append((a - b).abs().mean() / a.abs().mean())
    return torch.stack(verdicts).mean(), torch.stack(apart).mean()
