"""Deep redundancy as a sender sends it: how much, how fine, and what it says of the past."""

import numpy as np
from jaxtyping import Float32

from allears.link.neural import redundancy_model
from allears.redundancy.encoder import RedundancyEncoder, RedundancyQuality
from allears.wire.dred import DredHeader
from allears.wire.extensions import Extension

SLOPE = 5
"""How fast the quantiser coarsens into the past (0–7)."""

HEADER_BITS = 16

_LEVELS, _LATENT_BITS = (0, 6, 15), (70.8, 28.8, 4.0)
"""What 40 ms cost at three of the sixteen levels, as measured of libopus 1.6.1."""

_STATE = 4.5
"""The decoder's initial state costs as much as so many latents at its level."""


def spend(milliseconds: int, bits: float | None = None) -> RedundancyQuality:
    """The finest quality whose payload takes `bits` on average; None takes libopus' usual one.

    That is level 6, 20 kb/s for 1.04 s in packets of 20 ms. Costs are those of libopus' model; those of
    others are alike.
    """
    if bits is None:
        return RedundancyQuality(milliseconds, dq=SLOPE)
    within = (
        q0 for q0 in range(15) if estimate(RedundancyQuality(milliseconds, q0, SLOPE)) <= bits
    )
    return RedundancyQuality(milliseconds, next(within, 15), SLOPE)


def estimate(quality: RedundancyQuality) -> float:
    """Bits of a payload of this quality while somebody speaks."""
    header = DredHeader(quality.q0, quality.dq, quality.qmax, 0, 0)
    levels = [quality.q0] + [header.level(index) for index in range(quality.latents)]
    bits = np.exp(np.interp(levels, _LEVELS, np.log(_LATENT_BITS)))
    return float(HEADER_BITS + _STATE * bits[0] + bits[1:].sum())


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
        self._quality = spend(milliseconds, None if bitrate is None else bitrate * seconds)

    def push(self, samples: Float32[np.ndarray, " samples"]) -> None:
        """What the Opus encoder is given for the next packet."""
        self._encoder.push(samples)

    def extension(self, max_bytes: int) -> Extension | None:
        """What the packet that ends here carries along; None while there is nothing to say."""
        data = self._encoder.payload(self._quality, self._seconds, max_bytes)
        return None if data is None else Extension(self._id, 0, data)
