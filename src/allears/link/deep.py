"""Deep redundancy as a sender sends it: how much, how fine, and what it says of the past."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from allears.link.allocation import Allocation, DredCost
from allears.link.neural import redundancy_model
from allears.redundancy.encoder import RedundancyEncoder
from allears.redundancy.model import RedundancyModel
from allears.redundancy.quality import RedundancyQuality
from allears.wire.dred import LATENT_MS, LEVELS
from allears.wire.extensions import Extension

SLOPE = 6
"""How fast the quantiser coarsens into the past (0–7)."""

AROUND_BITS = 44
"""What stands around a payload in the packet, and in front of its vectors."""

_OUTSIDE_BITS = 24
"""So much of it is not in the payload: the packet's frame count, the length of its padding, what names it."""

_PATIENCE_S = 0.05
"""What payloads may cost in so long is what may be overspent before they become a level coarser."""

_SAVED_S = 1.0
"""What is not spent is kept for later, up to what payloads may cost in so long."""

_MOST_LEVELS = 10
"""Coarser by so much at most: a debt beyond it is forgiven, so that a loud minute has no long shadow."""


def spend(milliseconds: int, bits: float | None, cost: DredCost) -> RedundancyQuality:
    """The finest quality whose payloads take `bits` on average; None takes the usual one.

    That is level 5, some 20 kb/s for 1.04 s in packets of 20 ms. Where even the coarsest takes more, less of
    the past is told.
    """
    if bits is None:
        return RedundancyQuality(milliseconds)
    lengths, levels = range(milliseconds, 0, -int(LATENT_MS)), range(LEVELS)
    ways = (RedundancyQuality(length, q0, SLOPE) for length in lengths for q0 in levels)
    coarsest = RedundancyQuality(min(milliseconds, int(LATENT_MS)), LEVELS - 1, SLOPE)
    return next((way for way in ways if _bits(way, cost) <= bits), coarsest)


def _bits(quality: RedundancyQuality, cost: DredCost) -> float:
    return cost.bits(Allocation(0, dred=quality.milliseconds, q0=quality.q0, dq=quality.dq))


def cost_of(model: RedundancyModel) -> DredCost:
    """What the payloads of a model take: as its odds expect, and what names it."""
    prefix = 8 * len(model.format.prefix)
    return replace(DredCost.of(model.tables), overhead=AROUND_BITS + prefix)


class Budget:
    """Keeps payloads to `bits` on average, whoever speaks: one voice takes twice what another does."""

    def __init__(self, bits: float, seconds: float) -> None:
        bits = max(1.0, bits)
        self._bits, self._step = bits, bits * _PATIENCE_S / seconds
        self._least, self._most = -bits * _SAVED_S / seconds, self._step * (_MOST_LEVELS + 0.5)
        self._debt = 0.0

    @property
    def coarser(self) -> int:
        """By how many levels the next payload is to be coarser."""
        return max(0, int(self._debt / self._step))

    def spend(self, bits: float) -> None:
        """So many were taken."""
        self._debt = min(self._most, max(self._least, self._debt + bits - self._bits))


class DeepEncoder:
    """One stream at `rate` Hz in packets of `seconds`, `lookahead` seconds being the Opus encoder's.

    `milliseconds` of the past go into each packet, at `bitrate` bit/s on average where that is given, else at
    what the model's odds expect. Voices that take more are told more coarsely.
    """

    def __init__(
        self,
        weights: str,
        rate: int,
        *,
        seconds: float,
        lookahead: float,
        milliseconds: int,
        bitrate: float | None = None,
    ) -> None:
        model = redundancy_model(weights)
        self._encoder = RedundancyEncoder(model, rate, lookahead)
        self._id, self._seconds = model.format.extension_id, seconds
        self._cost = cost_of(model)
        bits = None if bitrate is None else bitrate * seconds
        self._quality = spend(milliseconds, bits, self._cost)
        self._budget = Budget(bits or _bits(self._quality, self._cost), seconds)

    @property
    def quality(self) -> RedundancyQuality:
        """How much of the past, and how finely where the voice takes no more than others."""
        return self._quality

    @quality.setter
    def quality(self, quality: RedundancyQuality) -> None:
        if quality == self._quality:
            return  # what was overspent remains to be paid back
        self._quality = quality
        self._budget = Budget(_bits(quality, self._cost), self._seconds)

    def push(self, samples: Float32[np.ndarray, " samples"]) -> None:
        """What the Opus encoder is given for the next packet."""
        self._encoder.push(samples)

    def extension(self, max_bytes: int) -> Extension | None:
        """What the packet that ends here carries along; None while there is nothing to say."""
        quality = self._quality
        level = min(LEVELS - 1, quality.q0 + self._budget.coarser)
        quality = replace(quality, q0=level, qmax=max(level, quality.qmax))
        data = self._encoder.payload(quality, self._seconds, max_bytes)
        self._budget.spend(8 * len(data) + _OUTSIDE_BITS if data else 0)
        return None if data is None else Extension(self._id, 0, data)
