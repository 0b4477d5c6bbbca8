"""The harmonic vocoder live: continues speech from real samples, 10 ms at a time, many streams in a batch.

`harmonic` describes the networks and the filters, and trains them. Where it begins, of 24 phases that the
pulses could have the one is kept whose past resembles most what was heard; the filters' answers to that past ring
on into the new, and the de-emphasis goes on from the last real sample.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex64, Float32, Float64, Int64

from allears.audio.bark import HOP, PRE_EMPHASIS
from allears.nn.network import Network, State
from allears.voice import excitation, filters, phases, seam
from allears.weights.store import Weights, graph

_SETTLING = 0.7
"""How much of a level that is not ours is kept from one frame to the next."""

_CLEAN = np.float32(1e-9)

_NOISE = np.random.default_rng(0).standard_normal(1 << 16).astype(np.float32)
"""Four seconds of noise, over and over."""
_ENDLESS = np.concatenate((_NOISE, _NOISE[:HOP]))
"""What is begun at any place of it goes on for a hop."""

_DECAY = np.float32(PRE_EMPHASIS) ** np.arange(1, HOP + 1, dtype=np.float32)
_RAMP = (np.arange(1, HOP + 1) / HOP).astype(np.float32)
_RINGING = np.triu(PRE_EMPHASIS ** (np.arange(HOP) - np.arange(HOP)[:, None]).clip(0)).astype(
    np.float32
)
"""De-emphasis of a hop from silence, as a product."""


class VoiceState(NamedTuple):
    """What a voice remembers of a batch of streams at the end of what it has spoken."""

    first: Float32[np.ndarray, "batch first"]
    second: Float32[np.ndarray, "batch second"]
    memory: Float32[np.ndarray, "batch memory"]
    pulses: Complex64[np.ndarray, "batch bins"]
    """This filter and the next are centred on the end."""
    noise: Complex64[np.ndarray, "batch bins"]
    turns: Float32[np.ndarray, "batch 2"]
    ringing: Float32[np.ndarray, "batch tail"]
    """What all that was excited so far will still answer."""
    pitch: Float32[np.ndarray, "batch 2"]
    """Of the frames centred on the end and 10 ms later."""
    frequency: Float64[np.ndarray, "batch 1"]
    phase: Float64[np.ndarray, " batch"]
    place: Int64[np.ndarray, " batch"]
    """In the noise."""
    gain: Float32[np.ndarray, " batch"]
    last: Float32[np.ndarray, " batch"]
    """The last sample spoken."""


class HarmonicVoice:
    """`weights` of kind "harmonic"."""

    def __init__(self, weights: Weights) -> None:
        self._network = Network(graph("harmonic"), weights.arrays)
        self._begin = Network(graph("harmonic_begin"), weights.arrays)
        # What is compiled is compiled now, and not in the middle of a call.
        self.begin(np.zeros((1, 2 * HOP), np.float32), np.zeros((1, 5, 20), np.float32))

    def begin(
        self,
        past: Float32[np.ndarray, "batch 320"],
        features: Float32[np.ndarray, "batch 5 20"],
        previous: State | None = None,
    ) -> VoiceState:
        """Continue from the last 20 ms heard; features of the last three frames and of two to come.

        Those to come are centred on the end of the past and 10 ms later. Nothing of `previous` is needed.
        """
        del previous
        halves, network = self._warmed(features)
        pitch = np.ascontiguousarray(features[..., 18], np.float32)
        frequencies = excitation.frequency(pitch)
        before = np.concatenate((past[:, :1], past[:, :-1]), 1)
        heard = (past - np.float32(PRE_EMPHASIS) * before)[:, -phases.COMPARED :]
        phase = phases.best(heard, frequencies, halves)
        source = excitation.pulses(frequencies, phase)
        whole = _past(source, halves)
        ours, ringing = whole[:, 2 * HOP - phases.COMPARED : 2 * HOP], whole[:, 2 * HOP :]
        gain = phases.gain(heard, ours)
        # What was heard otherwise than we would have spoken it rings on as well.
        missed = (heard - ours * gain[:, None])[:, -seam.ORDER :]
        ringing[:, : seam.RINGING] += seam.rung(heard, missed) / gain[:, None]
        first, second, memory = network
        pulses, noise, turns = filters.newest(halves)
        return VoiceState(
            first,
            second,
            memory,
            pulses,
            noise,
            turns,
            ringing=ringing,
            pitch=pitch[:, -2:],
            frequency=frequencies[:, -1:],
            phase=source.phase,
            place=np.full(len(past), 2 * HOP),
            gain=gain,
            last=np.asarray(past[:, -1], np.float32),
        )

    def step(
        self, features: Float32[np.ndarray, "batch 20"], state: State
    ) -> tuple[Float32[np.ndarray, "batch 160"], VoiceState]:
        """10 ms in ±1, told the features centred 20 ms after what has been spoken."""
        now = VoiceState(*state)
        told = np.ascontiguousarray(features, np.float32)
        found, network = self._network([told], now[:3])
        halves = filters.read(found, filters.Filters(now.pulses, now.noise, now.turns))
        pitch = np.concatenate((now.pitch, features[:, 18:19]), 1)
        frequencies = np.concatenate((now.frequency, excitation.frequency(pitch)), 1)
        source = excitation.pulses(frequencies, now.phase)
        noise = _ENDLESS[now.place[:, None] + np.arange(HOP)]
        answers = filters.answers(source, noise, halves)
        whole = filters.overlapped(answers, now.ringing)
        gain = (1 + (now.gain - 1) * np.float32(_SETTLING)).astype(np.float32)
        ramp = now.gain[:, None] + (gain - now.gain)[:, None] * _RAMP
        spoken = (whole[:, :HOP] * ramp) @ _RINGING + now.last[:, None] * _DECAY
        spoken[np.abs(spoken) < _CLEAN] = 0
        first, second, memory = network
        pulses, noise, turns = filters.newest(halves)
        return spoken, VoiceState(
            first,
            second,
            memory,
            pulses,
            noise,
            turns,
            ringing=whole[:, HOP:],
            pitch=pitch[:, 1:],
            frequency=frequencies[:, 1:],
            phase=source.phase,
            place=(now.place + HOP) % len(_NOISE),
            gain=gain,
            last=spoken[:, -1].copy(),
        )

    def _warmed(self, features: Float32[np.ndarray, "batch 5 20"]) -> tuple[filters.Filters, State]:
        """The filters of the frames centred 10 ms before the end and on it, four in all, after silence."""
        batch = len(features)
        found, after = self._begin([np.asarray(features, np.float32).reshape(batch, -1)])
        silence = np.zeros((batch, filters.BINS), np.complex64)
        return filters.read(
            found, filters.Filters(silence, silence, np.zeros((batch, 2), np.float32))
        ), after


def _past(
    source: excitation.Pulses, halves: filters.Filters
) -> Float32[np.ndarray, "batch longer"]:
    """The last 20 ms as we would have spoken them, and what then rings on."""
    noise = np.broadcast_to(_NOISE[: 2 * HOP], source.samples.shape)
    answers = filters.answers(source, noise, halves)
    return filters.overlapped(answers, np.zeros((len(noise), filters.TAIL), np.float32))
