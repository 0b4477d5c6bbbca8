"""Deep redundancy as a sender sends it: how much, how fine, and what it says of the past."""

import numpy as np
from jaxtyping import Float32

from allears.link.allocation import Allocation, DredCost
from allears.link.neural import redundancy_model
from allears.redundancy.encoder import RedundancyEncoder
from allears.redundancy.quality import RedundancyQuality
from allears.wire.dred import LEVELS
from allears.wire.extensions import Extension

SLOPE = 5
"""How fast the quantiser coarsens into the past (0–7)."""


def spend(milliseconds: int, bits: float | None, cost: DredCost) -> RedundancyQuality:
    """The finest quality whose payloads take `bits` on average; None takes the usual one of libopus.

    That is level 6, with libopus' weights 20 kb/s for 1.04 s in packets of 20 ms.
    """
    if bits is None:
        return RedundancyQuality(milliseconds, dq=SLOPE)
    ways = (Allocation(0, dred=milliseconds, q0=q0, dq=SLOPE) for q0 in range(LEVELS))
    within = (way.q0 for way in ways if cost.bits(way) <= bits)
    return RedundancyQuality(milliseconds, next(within, LEVELS - 1), SLOPE)


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
        self.quality = spend(milliseconds, bits, DredCost.of(model.tables))

    def push(self, samples: Float32[np.ndarray, " samples"]) -> None:
        """What the Opus encoder is given for the next packet."""
        self._encoder.push(samples)

    def extension(self, max_bytes: int) -> Extension | None:
        """What the packet that ends here carries along; None while there is nothing to say."""
        data = self._encoder.payload(self.quality, self._seconds, max_bytes)
        return None if data is None else Extension(self._id, 0, data)
