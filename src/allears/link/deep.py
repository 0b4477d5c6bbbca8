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


class DeepEncoder:
    """One stream at `rate` Hz in packets of `seconds`, `lookahead` seconds being the Opus encoder's.

    `milliseconds` of the past go into each packet, at `bitrate` bit/s where that is given.
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
        bits = None if bitrate is None else bitrate * seconds
        self.quality = spend(milliseconds, bits, cost_of(model))

    def push(self, samples: Float32[np.ndarray, " samples"]) -> None:
        """What the Opus encoder is given for the next packet."""
        self._encoder.push(samples)

    def extension(self, max_bytes: int) -> Extension | None:
        """What the packet that ends here carries along; None while there is nothing to say."""
        data = self._encoder.payload(self.quality, self._seconds, max_bytes)
        return None if data is None else Extension(self._id, 0, data)
