"""Brings libopus to where a voice has spoken in its stead: what was heard is encoded, and decoded.

What SILK decodes leans on what it decoded before: the pitch and the formants ring on. After a hole that a
voice has filled, libopus remembers its own guess, which nobody heard. libopus' neural concealment writes what
it spoke into SILK's memory; from outside, packets do the same.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float32

from allears.audio.libopus import Application, Bandwidth, Decoder, Encoder
from allears.wire import opus

RATE = 16_000
"""Samples a second of what is followed."""

AHEAD = 104
"""Samples at `RATE` by which an encoder looks ahead, and which must be known beyond what was heard."""

SIZE = RATE // 50
"""Samples in a packet."""

_WARMING, _MOST = 2, 3
"""Packets that only settle the encoder; packets, before the end of the hole, that SILK remembers."""

KEPT = (_WARMING + _MOST) * SIZE
"""Samples of the past that are looked at."""

_BITRATE, _COMPLEXITY = 64_000, 5
"""At which a packet keeps 29 dB of what it is made of."""

_BANDWIDTHS = {
    opus.Bandwidth.NARROWBAND: Bandwidth.NARROWBAND,
    opus.Bandwidth.MEDIUMBAND: Bandwidth.MEDIUMBAND,
}


def follows(packet: bytes) -> bool:
    """Whether a decoder of this packet has a memory that packets of SILK can replace."""
    mode, _, _ = opus.CONFIGURATIONS[packet[0] >> 3]
    return mode is not opus.Mode.CELT


def follow(
    decoders: Iterable[Decoder],
    last: bytes,
    past: Float32[np.ndarray, " kept"],
    ahead: Float32[np.ndarray, " ahead"],
    spoken: int,
) -> None:
    """Let `decoders` hear the end of `past`, of which the last samples, `spoken`, were not theirs.

    `past` is `KEPT` samples at `RATE` in ±1, `ahead` the `AHEAD` that would follow; `last` is the packet
    that came last, whose bandwidth SILK stays at.
    """
    count = min(_MOST, -(-spoken // SIZE))
    whole = np.concatenate((past, ahead))[-(_WARMING + count) * SIZE :]
    _, bandwidth, _ = opus.CONFIGURATIONS[last[0] >> 3]
    encoder = Encoder(
        RATE,
        application=Application.AUDIO,
        bitrate=_BITRATE,
        complexity=_COMPLEXITY,
        bandwidth=_BANDWIDTHS.get(bandwidth, Bandwidth.WIDEBAND),
        silk=True,
    )
    packets = [encoder.encode(frame) for frame in whole.reshape(-1, SIZE)]
    for decoder in decoders:
        for packet in packets[_WARMING:]:
            decoder.decode(packet)
