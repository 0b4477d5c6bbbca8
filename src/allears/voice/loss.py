"""How far apart sound two voices that are made anew each time: the energy distance of their spectra.

A vocoder draws its noise and its phase at random. Were it told to hit one recording, it would learn to
speak the mean of all: muffled. Two draws of it are therefore compared with the recording, and what lies between
the two is taken off (Gritsenko et al. 2020); the least is then reached by the true distribution alone.
"""

from functools import cache
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor

WINDOWS = (128, 256, 512, 1024, 2048)
_QUIET = 1e-4
"""Amplitude (of ±1, per bin, of unit window) below which nothing is told apart."""


def energy_distance(
    true: Float[Tensor, "batch samples"],
    one: Float[Tensor, "batch samples"],
    other: Float[Tensor, "batch samples"],
) -> tuple[Tensor, Tensor]:
    """What to minimise over draws `one` and `other`, and the distance of one from the true, to show."""
    total = shown = true.new_zeros(())
    for size in WINDOWS:
        a, b, c = (spectrum(each, size) for each in (true, one, other))
        near = (_distance(a, b, size) + _distance(a, c, size)) / 2
        total = total + 2 * near - _distance(b, c, size)
        shown = shown + near.detach()
    return total / len(WINDOWS), shown / len(WINDOWS)


def spectrum(x: Float[Tensor, "batch samples"], size: int) -> Float[Tensor, "batch frames bins"]:
    """Log magnitudes of windows of `size`, a quarter of it apart."""
    window = _window(size)
    found = power(x.unfold(1, size, size // 4) * window)
    return 0.5 * torch.log(found / window.square().sum() + _QUIET**2)


def power(x: Float[Tensor, "*shape size"]) -> Float[Tensor, "*shape bins"]:
    """Power spectra."""
    return cast(Tensor, _Power.apply(x))  # type: ignore[no-untyped-call]


class _Power(torch.autograd.Function):
    """Power spectra; the gradient goes back through a real transform, where torch takes a complex one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        bins = torch.fft.rfft(x)
        ctx.save_for_backward(bins)
        found: Tensor = bins.real.square() + bins.imag.square()
        return found

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Tensor:
        (bins,) = ctx.saved_tensors
        size = 2 * (bins.shape[-1] - 1)
        back = bins * (upstream[0] * size)
        back[..., 0] *= 2
        back[..., -1] *= 2
        gradient: Tensor = torch.fft.irfft(back, size)
        return gradient


def _distance(a: Tensor, b: Tensor, size: int) -> Tensor:
    """The Euclidean distance of frames, low bins counting more, averaged over them."""
    away = ((a - b).square() * _weights(size)).sum(2)
    return (away + 1e-6).sqrt().mean()


@cache
def _window(size: int) -> Tensor:
    return torch.hann_window(size)


@cache
def _weights(size: int) -> Tensor:
    kilohertz = torch.arange(size // 2 + 1) * (16 / size)
    weights = 1 / (1 + kilohertz / 2)
    return weights / weights.sum()
