"""What a receiver gives every 20 ms: samples, and the truth about where they came from."""

import enum
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

FRAME_SECONDS = 0.02
"""How much audio one call of `Receiver.pull` gives, in seconds."""


class Label(enum.StrEnum):
    """Where the samples of a frame came from."""

    RECEIVED = "received"
    """Decoded from the packet made for it."""
    LBRR = "lbrr"
    """Recovered from the in-band copy in the packet after it (RFC 6716 §2.1.7)."""
    RED = "red"
    """Recovered from a copy of its packet in a later one (RFC 2198)."""
    DRED = "dred"
    """Rebuilt from features sent along in a later packet: the words as said, in a voice much like."""
    NEURAL = "neural"
    """Nothing arrived in time: guessed by a network from what was heard."""
    CONCEALED = "concealed"
    """Nothing arrived in time: libopus' guess from what was heard before."""
    SILENCE = "silence"
    """Nothing to hear: before the first packet, while the sender says that nobody speaks (DTX), or
    where concealment has faded out."""

    @property
    def recovered(self) -> bool:
        """Whether redundancy brought it back."""
        return self in (Label.LBRR, Label.RED, Label.DRED)

    @property
    def guessed(self) -> bool:
        """Whether nothing but what was heard before stands behind it."""
        return self in (Label.NEURAL, Label.CONCEALED)


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms of audio.

    `label` is that of most of the samples. `timestamp` counts ticks of 1/48000 s of the sender's clock
    (unwrapped) to the first sample; None before the call has begun.
    """

    samples: Float32[np.ndarray, " samples"]
    label: Label
    timestamp: int | None
