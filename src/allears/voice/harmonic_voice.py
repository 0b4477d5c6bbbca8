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
from allears.voice import excitation, loops, seam
from allears.weights.store import Weights, graph

PHASES = 24
"""Phases that are tried."""

COMPARED = 240
"""Samples of the past in which they are: 15 ms."""

_HALF = HOP // 2
_TRANSFORM = 512
_TAIL = _TRANSFORM - _HALF
_BINS = _TRANSFORM // 2 + 1
_FALL = 0.5 + 0.5 * np.cos(np.pi * np.arange(_HALF) / _HALF)
"""The falling half of a Hann window; the rising one is what is missing to 1."""
_LOUDEST, _QUIETEST, _SETTLING = 2.0, 0.5, 0.7
"""Level of the past against ours: within which bounds it is matched, and how fast that is given up a frame."""
_INAUDIBLE = 1e-5
_CLEAN = np.float32(1e-9)

_NOISE = np.random.default_rng(0).standard_normal(1 << 16).astype(np.float32)
"""Four seconds of noise, over and over."""
_ENDLESS = np.concatenate((_NOISE, _NOISE[:HOP]))
"""What is begun at any place of it goes on for a hop."""

_DECAY = np.float32(PRE_EMPHASIS) ** np.arange(1, HOP + 1, dtype=np.float32)
_RINGING = np.triu(PRE_EMPHASIS ** (np.arange(HOP) - np.arange(HOP)[:, None]).clip(0)).astype(
    np.float32
)
"""De-emphasis of a hop from silence, as a product."""


def _transform(window: Float64[np.ndarray, " half"]) -> Float32[np.ndarray, "half bins"]:
    """The transform of a short windowed block as a product; real and imaginary parts alternate."""
    bins = np.fft.rfft(np.diag(window), _TRANSFORM).astype(np.complex64)
    return np.ascontiguousarray(bins).view(np.float32)


_FALLING, _RISING = _transform(_FALL), _transform(1 - _FALL)
_BOTH = np.concatenate((_FALLING, _RISING), 1)


class Filters(NamedTuple):
    """Frequency responses, and how the noise follows the period; for each 5 ms, or for one moment."""

    pulses: Complex64[np.ndarray, "batch *halves bins"]
    noise: Complex64[np.ndarray, "batch *halves bins"]
    turns: Float32[np.ndarray, "batch *halves 2"]


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
        heard = (past - np.float32(PRE_EMPHASIS) * before)[:, -COMPARED:]
        phase = _best_phase(heard, frequencies, halves)
        source = excitation.pulses(frequencies, phase)
        whole = _past(source, halves)
        ours, ringing = whole[:, 2 * HOP - COMPARED : 2 * HOP], whole[:, 2 * HOP :]
        gain = _clipped_gain(heard, ours)
        # What was heard otherwise than we would have spoken it rings on as well.
        missed = (heard - ours * gain[:, None])[:, -seam.ORDER :]
        ringing[:, : seam.RINGING] += seam.rung(heard, missed) / gain[:, None]
        first, second, memory = network
        pulses, noise, turns = _newest(halves)
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
        halves = _filters(found, Filters(now.pulses, now.noise, now.turns))
        pitch = np.concatenate((now.pitch, features[:, 18:19]), 1)
        frequencies = np.concatenate((now.frequency, excitation.frequency(pitch)), 1)
        source = excitation.pulses(frequencies, now.phase)
        noise = _ENDLESS[now.place[:, None] + np.arange(HOP)]
        answers = _answers(source, noise, halves)
        whole = _overlapped(answers, now.ringing)
        gain = (1 + (now.gain - 1) * np.float32(_SETTLING)).astype(np.float32)
        ramp = now.gain[:, None] + (gain - now.gain)[:, None] * _RAMP
        spoken = (whole[:, :HOP] * ramp) @ _RINGING + now.last[:, None] * _DECAY
        spoken[np.abs(spoken) < _CLEAN] = 0
        first, second, memory = network
        pulses, noise, turns = _newest(halves)
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

    def _warmed(self, features: Float32[np.ndarray, "batch 5 20"]) -> tuple[Filters, State]:
        """The filters of the frames centred 10 ms before the end and on it, four in all, after silence."""
        batch = len(features)
        found, after = self._begin([np.asarray(features, np.float32).reshape(batch, -1)])
        silence = np.zeros((batch, _BINS), np.complex64)
        return _filters(found, Filters(silence, silence, np.zeros((batch, 2), np.float32))), after


def _filters(found: tuple[np.ndarray, ...], before: Filters) -> Filters:
    """As the network's outputs tell them, behind the one before."""
    turns = found[4].reshape(len(before.turns), -1, 2)
    return Filters(
        _response(found[0], found[1], before.pulses),
        _response(found[2], found[3], before.noise),
        np.concatenate((before.turns[:, None], turns), 1),
    )


def _newest(filters: Filters) -> Filters:
    return Filters(*(np.ascontiguousarray(each[:, -1]) for each in filters))


def _response(
    magnitude: Float32[np.ndarray, "batch wide"],
    phase: Float32[np.ndarray, "batch wide"],
    before: Complex64[np.ndarray, "batch bins"],
) -> Complex64[np.ndarray, "batch halves bins"]:
    shape = (len(before), -1, _BINS)
    loud = magnitude.reshape(shape)
    response = np.empty((len(before), 1 + loud.shape[1], _BINS), np.complex64)
    response[:, 0] = before
    loops.respond(loud, phase.reshape(shape), response.view(np.float32))
    return response


_RAMP = (np.arange(1, HOP + 1) / HOP).astype(np.float32)


def _answers(
    source: excitation.Pulses, noise: Float32[np.ndarray, "batch samples"], filters: Filters
) -> Float32[np.ndarray, "batch blocks transform"]:
    """What filters h and h + 1 answer to the block of excitation between their centres, each faded."""
    batch, samples = noise.shape
    blocks = (batch, samples // _HALF, _HALF)
    hiss = noise.reshape(blocks)
    cosine, sine = hiss * source.cosine.reshape(blocks), hiss * source.sine.reshape(blocks)
    faded = [
        _product(hiss + turns[..., :1] * cosine + turns[..., 1:] * sine, transform)
        for turns, transform in (
            (filters.turns[:, :-1], _FALLING),
            (filters.turns[:, 1:], _RISING),
        )
    ]
    pulses = _product(source.samples.reshape(blocks), _BOTH)
    both = np.empty((*blocks[:2], _BINS), np.complex64)
    loops.answered(pulses, *faded, filters.pulses, filters.noise, both)
    return np.asarray(np.fft.irfft(both, _TRANSFORM), np.float32)


def _product(
    blocks: Float32[np.ndarray, "batch blocks half"], transform: Float32[np.ndarray, "half twice"]
) -> Complex64[np.ndarray, "batch blocks bins"]:
    """The spectra of faded blocks."""
    found = np.asarray(blocks.reshape(-1, _HALF) @ transform)
    return found.view(np.complex64).reshape(*blocks.shape[:2], -1)


def _pulsed(
    blocks: Float32[np.ndarray, "*batch blocks half"],
    response: Complex64[np.ndarray, "*batches halves bins"],
) -> Complex64[np.ndarray, "*batch blocks bins"]:
    """The pulses' part of the answers' spectra."""
    both = (blocks @ _FALLING).view(np.complex64) * response[..., :-1, :]
    both += (blocks @ _RISING).view(np.complex64) * response[..., 1:, :]
    return np.asarray(both)


def _overlapped(
    answers: Float32[np.ndarray, "batch blocks transform"],
    ringing: Float32[np.ndarray, "batch tail"],
) -> Float32[np.ndarray, "batch longer"]:
    """Answers laid over what still rings, 80 samples apart: the blocks' own time, then the tail."""
    batch, blocks, _ = answers.shape
    whole = np.zeros((batch, blocks * _HALF + _TAIL), np.float32)
    whole[:, :_TAIL] = ringing
    for block in range(blocks):
        whole[:, block * _HALF : block * _HALF + _TRANSFORM] += answers[:, block]
    return whole


def _past(source: excitation.Pulses, halves: Filters) -> Float32[np.ndarray, "batch longer"]:
    """The last 20 ms as we would have spoken them, and what then rings on."""
    noise = np.broadcast_to(_NOISE[: 2 * HOP], source.samples.shape)
    answers = _answers(source, noise, halves)
    return _overlapped(answers, np.zeros((len(noise), _TAIL), np.float32))


def _best_phase(
    heard: Float32[np.ndarray, "batch compared"],
    frequencies: Float64[np.ndarray, "batch 3"],
    halves: Filters,
) -> Float64[np.ndarray, " batch"]:
    """The phase, 20 ms before the end, with which our pulses correlate best with what was heard."""
    batch = len(heard)
    tried = np.tile(np.arange(PHASES) / PHASES, batch)
    source = excitation.pulses(np.repeat(frequencies, PHASES, 0), tried)
    blocks = source.samples.reshape(batch, PHASES, -1, _HALF)
    spectra = _pulsed(blocks, halves.pulses[:, None])
    answers = np.asarray(np.fft.irfft(spectra, _TRANSFORM), np.float32).reshape(
        batch * PHASES, -1, _TRANSFORM
    )
    whole = _overlapped(answers, np.zeros((len(answers), _TAIL), np.float32))
    ours = whole[:, 2 * HOP - COMPARED : 2 * HOP].reshape(batch, PHASES, -1)
    likeness = (ours @ heard[..., None])[..., 0] / (_level(ours) + _INAUDIBLE)
    best = likeness.argmax(1)
    rows = np.arange(batch)
    left, top, right = (likeness[rows, (best + shift) % PHASES] for shift in (-1, 0, 1))
    bend = left - 2 * top + right
    between = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, 1), 0)
    return np.asarray((best + between) / PHASES, np.float64)


def _clipped_gain(
    heard: Float32[np.ndarray, "batch compared"], ours: Float32[np.ndarray, "batch compared"]
) -> Float32[np.ndarray, " batch"]:
    louder = (_level(heard) + _INAUDIBLE) / (_level(ours) + _INAUDIBLE)
    return np.asarray(np.clip(louder, _QUIETEST, _LOUDEST), np.float32)


def _level(x: Float32[np.ndarray, "*shape samples"]) -> Float32[np.ndarray, "*shape"]:
    return np.asarray(np.sqrt((x**2).mean(-1)), np.float32)
