"""One stream's samples: libopus and, beside it, a voice that speaks where libopus has no packet.

The voice works at 16 kHz, so at other rates a second decoder lets it hear at 16 kHz what is played, and
what it speaks is brought to the rate. libopus continues from what it decoded, the voice from what was
heard: wherever one follows the other, 5 ms of how the first would have gone on fade into the second.
While the voice speaks libopus conceals along unheard: packets after a short hole lean on what was before
them, and sound worse from a decoder that stood still.
"""

from collections.abc import Callable
from copy import copy

import numpy as np
from jaxtyping import Float32

from allears.audio.libopus import Decoder
from allears.audio.polyphase import DELAY, Polyphase
from allears.link import stretch
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

_FADE = int(stretch.FADE_SECONDS * VOICE_RATE)
_AROUND = round(DELAY * VOICE_RATE)
"""Samples at 16 kHz on either side that resampling looks at."""

Samples = Float32[np.ndarray, " _"]


class SpeechDecoder:
    """Decodes at `rate` Hz, and speaks with the voice of `neural` where there is one."""

    def __init__(self, rate: int, neural: Neural | None) -> None:
        self.rate = rate
        self._ticks_per_sample = CLOCK_RATE // rate
        self._decoder = Decoder(rate)
        self._neural = neural
        # What the voice hears; it is the decoder itself where the rates are one.
        self._narrow = Decoder(VOICE_RATE) if neural and rate != VOICE_RATE else self._decoder
        self._resample = Polyphase(VOICE_RATE, rate)
        self._begin()

    def _begin(self) -> None:
        self._voice = self._neural.voice() if self._neural else None
        self._past = np.zeros(2 * _AROUND, np.float32)
        self._speaking = False  # whether what was heard last is the voice's

    def reset(self) -> None:
        """Forget all that was heard."""
        self._decoder.reset()
        self._narrow.reset()
        self._begin()

    def decode(self, packet: bytes) -> Samples:
        """The audio of a packet that arrived. Raises OpusError where it is corrupt."""
        return self._by_libopus(lambda decoder: decoder.decode(packet))

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
        along = self._along(ticks)
        if not self._speaking:
            samples = stretch.splice(along, samples, self.rate)
        self._remember(spoken)
        self._speaking = True
        return samples

    def _along(self, ticks: int) -> Samples:
        """libopus' own guess meanwhile, so that it does not fall behind; its first 5 ms or less."""
        samples = self._decoder.conceal(ticks // self._ticks_per_sample)
        if self._narrow is not self._decoder:
            self._narrow.conceal(ticks * VOICE_RATE // CLOCK_RATE)
        return samples[: int(stretch.FADE_SECONDS * self.rate)]

    def linger(self) -> Samples:
        """5 ms of how it would go on, to fade into what does not follow on."""
        if self._speaking:
            return self._lingering()
        return self.conceal(int(stretch.FADE_SECONDS * CLOCK_RATE))

    def _by_libopus(self, decode: Callable[[Decoder], Samples]) -> Samples:
        """What libopus makes, faded into from what the voice spoke before; the voice hears of it."""
        samples = decode(self._decoder)
        if self._voice is None:
            return samples
        heard = samples if self._narrow is self._decoder else decode(self._narrow)
        if self._speaking:
            samples = stretch.splice(self._lingering(), samples, self.rate)
            tail = self._voice.linger(_FADE, _frames(nothing, 0))
            heard = stretch.splice(tail, heard, VOICE_RATE)
            self._speaking = False
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
        whole = np.concatenate((self._past, spoken, ahead))
        resampled = copy(self._resample)(whole)
        begin = (len(self._past) + _AROUND) * self.rate // VOICE_RATE
        return resampled[begin : begin + len(spoken) * self.rate // VOICE_RATE]

    def _remember(self, heard: Samples) -> None:
        self._past = np.concatenate((self._past, heard))[-len(self._past) :]


def _frames(told: Told, from_ms: float) -> Callable[[int], Features | None]:
    """As voices ask: by the number of 10 ms steps from `from_ms` on."""
    return lambda number: told(from_ms + HOP_MS * number)
