"""One stream's samples: libopus and, beside it, a voice that speaks where libopus has no packet.

The voice works at 16 kHz, so at other rates a second decoder lets it hear at 16 kHz what is played, and
what it speaks is brought to the rate. libopus continues from what it decoded, the voice from what was
heard: wherever one follows the other, how the first would have gone on fades into the second. When packets
come again libopus is first told what the voice has spoken (`following`); where it cannot be, it has concealed
along unheard. Packets after a short hole lean on what was before them, and sound worse from a decoder that
stood still.
"""

from collections.abc import Callable
from copy import copy

import numpy as np
from jaxtyping import Float32

from allears.audio.libopus import Decoder
from allears.audio.polyphase import DELAY, Polyphase
from allears.link import following, stretch
from allears.link.frame import Label
from allears.link.recovery import (
    HOP_MS,
    TICKS_PER_MS,
    Features,
    Neural,
    Told,
    describes,
    nothing,
)
from allears.wire.opus import CLOCK_RATE

VOICE_RATE = 16_000
"""Samples a second of every voice."""

_ENTRY, _EXIT = 0.015, 0.010
"""Seconds of the fades into the voice and out of it."""

_FADE = int(_EXIT * VOICE_RATE)
_AROUND = round(DELAY * VOICE_RATE)
"""Samples at 16 kHz on either side that resampling looks at."""

Samples = Float32[np.ndarray, " _"]


class SpeechDecoder:
    """Decodes at `rate` Hz, and speaks with the voice of `neural` where there is one."""

    def __init__(self, rate: int, neural: Neural | None) -> None:
        self.rate = rate
        self._decoder = Decoder(rate)
        self._neural = neural
        # What the voice hears; it is the decoder itself where the rates are one.
        self._narrow = Decoder(VOICE_RATE) if neural and rate != VOICE_RATE else self._decoder
        self._resample = Polyphase(VOICE_RATE, rate)
        self._begin()

    def _begin(self) -> None:
        self._voice = self._neural.voice() if self._neural else None
        self._past = np.zeros(following.KEPT, np.float32)  # what was heard, at 16 kHz
        self._spoken = 0  # samples of it, at the end, that are the voice's
        self._packet: bytes | None = None  # the last one decoded

    def reset(self) -> None:
        """Forget all that was heard."""
        self._decoder.reset()
        self._narrow.reset()
        self._begin()

    def decode(self, packet: bytes) -> Samples:
        """The audio of a packet that arrived. Raises OpusError where it is corrupt."""
        samples = self._by_libopus(lambda decoder: decoder.decode(packet))
        self._packet = packet
        return samples

    def decode_fec(self, packet: bytes, ticks: int) -> Samples:
        """The `ticks` before `packet`, from its in-band copy."""
        return self._by_libopus(
            lambda decoder: decoder.decode_fec(packet, ticks * decoder.rate // CLOCK_RATE)
        )

    def conceal(self, ticks: int) -> Samples:
        """libopus' guess at the next `ticks`."""
        return self._by_libopus(lambda decoder: decoder.conceal(ticks * decoder.rate // CLOCK_RATE))

    def fill(self, ticks: int, told: Told) -> tuple[Samples, Label]:
        """The next `ticks`, of which `told` is known, and where they come from."""
        if self._neural and describes(told, ticks):
            return self._speak(ticks, told), Label.DRED
        if self._neural and self._neural.guesses:
            return self._speak(ticks, told), Label.NEURAL
        return self.conceal(ticks), Label.CONCEALED

    def _speak(self, ticks: int, told: Told) -> Samples:
        assert self._voice is not None
        samples = spoken = self._voice.speak(ticks * VOICE_RATE // CLOCK_RATE, _frames(told, 0))
        if self.rate != VOICE_RATE:
            ahead = self._voice.linger(_AROUND, _frames(told, ticks / TICKS_PER_MS))
            samples = self._raised(spoken, ahead)
        if not self._spoken or not self._follows:
            along, narrow = self._both(lambda each: each.conceal(ticks * each.rate // CLOCK_RATE))
            if not self._spoken:
                samples = stretch.splice(along[: int(_ENTRY * self.rate)], samples)
                spoken = stretch.splice(narrow[: int(_ENTRY * VOICE_RATE)], spoken)
        self._remember(spoken)
        self._spoken += len(spoken)
        return samples

    def _both(self, decode: Callable[[Decoder], Samples]) -> tuple[Samples, Samples]:
        """What libopus makes, at the rate and at that of the voice."""
        samples = decode(self._decoder)
        return samples, samples if self._narrow is self._decoder else decode(self._narrow)

    @property
    def _follows(self) -> bool:
        """Whether libopus can be told what the voice has spoken."""
        return self._packet is not None and following.follows(self._packet)

    def _follow(self) -> None:
        """Tell libopus what the voice has spoken."""
        if self._packet is None or not self._follows:
            return
        assert self._voice is not None
        ahead = self._voice.linger(following.AHEAD, _frames(nothing, 0))
        decoders = {self._decoder, self._narrow}
        following.follow(decoders, self._packet, self._past, ahead, self._spoken)

    def linger(self) -> Samples:
        """A little of how it would go on, to fade into what does not follow on."""
        if self._spoken:
            return self._lingering()
        return self.conceal(int(stretch.FADE_SECONDS * CLOCK_RATE))

    def _by_libopus(self, decode: Callable[[Decoder], Samples]) -> Samples:
        """What libopus makes, faded into from what the voice spoke before; the voice hears of it."""
        if self._spoken:
            self._follow()
        samples, heard = self._both(decode)
        if self._voice is None:
            return samples
        if self._spoken:
            samples = stretch.splice(self._lingering(), samples)
            tail = self._voice.linger(_FADE, _frames(nothing, 0))
            heard = stretch.splice(tail, heard)
            self._spoken = 0
        self._voice.hear(heard)
        self._remember(heard)
        return samples

    def _lingering(self) -> Samples:
        assert self._voice is not None
        tail = self._voice.linger(_FADE + _AROUND, _frames(nothing, 0))
        return self._raised(tail[:_FADE], tail[_FADE:])

    def _raised(self, spoken: Samples, ahead: Samples) -> Samples:
        """What follows on what was heard, at the rate; `ahead` follows on it."""
        if self.rate == VOICE_RATE:
            return spoken
        before = self._past[-2 * _AROUND :]
        resampled = copy(self._resample)(np.concatenate((before, spoken, ahead)))
        begin = (len(before) + _AROUND) * self.rate // VOICE_RATE
        return resampled[begin : begin + len(spoken) * self.rate // VOICE_RATE]

    def _remember(self, heard: Samples) -> None:
        self._past = np.concatenate((self._past, heard))[-len(self._past) :]


def _frames(told: Told, from_ms: float) -> Callable[[int], Features | None]:
    """As voices ask: by the number of 10 ms steps from `from_ms` on."""
    return lambda number: told(from_ms + HOP_MS * number)
