"""Speech as it comes out of a call over a network that loses packets: real Opus, and its concealment."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from allears.audio import framing
from allears.audio.libopus import Decoder, Encoder
from allears.wire.loss import LossModel, TraceLoss, parse_loss

RATE = 16_000
FRAME_MS = 20

LOSSES = ("none", "uniform:5%", "burst:10%:60ms", "burst:20%:120ms", "burst:30%:160ms")
BITRATES = (12_000, 16_000, 24_000, 32_000)


@dataclass(frozen=True, slots=True)
class LossyCall:
    """A call with one of `losses` and one of `bitrates` (bit/s), both drawn evenly, in packets of 20 ms.

    Samples at 16 kHz go through libopus, encoder and decoder; what is lost libopus conceals. As many
    come out, where they were: the codec's delay is taken out.

    Args:
        losses: what `allears.wire.loss.parse_loss` reads, or traces: for each packet whether it is
            lost; a call begins anywhere in one.
        bitrates: what the encoder aims at.
        complexity: the encoder's effort, 0 to 10; half of it takes half the time.
        copies: whether packets carry a coarse copy of the one before (LBRR), used where a single one is lost.

    Raises LossSpecError for a loss that cannot be read, ValueError for none, OpusError without libopus.
    """

    losses: Sequence[str | Sequence[bool]] = LOSSES
    bitrates: Sequence[int] = BITRATES
    complexity: int = 3
    copies: bool = False

    def __post_init__(self) -> None:
        if not self.losses or not self.bitrates:
            raise ValueError("a call needs a loss and a bitrate to draw from")
        for each in self.losses:
            _model(each, np.random.default_rng(0))

    def __call__(
        self, samples: Float32[np.ndarray, " n"], random: np.random.Generator
    ) -> Float32[np.ndarray, " n"]:
        """Have the samples called through."""
        lost = _model(self.losses[int(random.integers(len(self.losses)))], random)
        encoder = Encoder(
            RATE,
            frame_ms=FRAME_MS,
            bitrate=self.bitrates[int(random.integers(len(self.bitrates)))],
            complexity=self.complexity,
            inband_fec=self.copies,
            expected_loss=0.2 if self.copies else 0.0,
        )
        late = encoder.lookahead
        padded = np.pad(samples.astype(np.float32, copy=False), (0, late))
        frames = framing.frames(padded, encoder.frame_size)
        packets = [None if lost() else packet for packet in map(encoder.encode, frames)]
        heard = _played(packets, encoder.frame_size, self.copies)
        return heard[late : late + len(samples)]


def _played(
    packets: Sequence[bytes | None], size: int, copies: bool
) -> Float32[np.ndarray, " samples"]:
    """What a decoder makes of packets, None where one is lost."""
    decoder = Decoder(RATE)
    heard = np.empty((len(packets), size), np.float32)
    for number, packet in enumerate(packets):
        later = packets[number + 1] if copies and number + 1 < len(packets) else None
        if packet is not None:
            heard[number] = decoder.decode(packet)
        elif later is not None:
            heard[number] = decoder.decode_fec(later, size)
        else:
            heard[number] = decoder.conceal(size)
    return heard.reshape(-1)


def _model(loss: str | Sequence[bool], random: np.random.Generator) -> LossModel:
    if isinstance(loss, str):
        return parse_loss(loss, int(random.integers(2**62)), FRAME_MS)
    start = int(random.integers(max(1, len(loss))))
    return TraceLoss((*loss[start:], *loss[:start]))
