"""The sending side of DRED: samples in, and at any moment the payload for the packet that ends there.

Every 20 ms one step of features and autoencoder, however long the redundancy: a payload only quantises
and codes what those steps have left behind.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32

from allears.audio import bark
from allears.audio.features import FeatureState
from allears.audio.polyphase import Polyphase
from allears.nn.batch import Share, gather, scatter
from allears.nn.network import State
from allears.redundancy.history import History
from allears.redundancy.model import RedundancyModel
from allears.redundancy.quality import RedundancyQuality
from allears.redundancy.quantise import quantise
from allears.wire import dred
from allears.wire.dred import LATENT_MS, OFFSET_MS, DredHeader

STEP = 2 * bark.HOP
"""Samples at 16 kHz from one latent to the next: 20 ms, half of what it describes."""

STEP_MS = LATENT_MS / 2

_LATEST_MS = 16 * OFFSET_MS
"""The newest latent may end so long after the packet begins, by how its header says it."""

NEWEST_MS = 7.5
"""How much later than the centre of the newest frame a payload's `dred_offset` says that it ends."""

_FLOOR = 10.0**-3.25
"""Root mean square (full scale 1) under which nobody speaks: −65 dB."""

_MAX_EXTRA = 8160


class Step(NamedTuple):
    """What one step of 20 ms leaves behind for payloads, per stream."""

    latents: Float32[np.ndarray, "batch 25"]
    states: Float32[np.ndarray, "batch 50"]
    active: Bool[np.ndarray, " batch"]


class EncoderState(NamedTuple):
    """What the features and the autoencoder remember, batch first."""

    features: FeatureState
    network: State


class Steps:
    """The networks of the sending side, for a batch of streams."""

    def __init__(self, model: RedundancyModel) -> None:
        self._extract, self._network = model.extractor, model.encoder

    def initial_state(self, streams: int) -> EncoderState:
        """Before the first sample."""
        return EncoderState(
            self._extract.initial_state(streams), self._network.initial_state(streams)
        )

    def __call__(
        self, samples: Float32[np.ndarray, "batch 320"], state: EncoderState
    ) -> tuple[Step, EncoderState]:
        """One step of 20 ms at 16 kHz for every stream."""
        features, extracted = self._extract(samples, state.features)
        pair = features.reshape(len(samples), -1)
        (latents, states), network = self._network([pair], state.network)
        active = np.einsum("ij,ij->i", samples, samples) > _FLOOR**2 * STEP
        return Step(latents, states, active), EncoderState(extracted, network)


class RedundancyEncoder:
    """One stream at `rate` Hz; `lookahead` is that of the Opus encoder in seconds, so that what is
    rebuilt stands in time where what is decoded would."""

    def __init__(self, model: RedundancyModel, rate: int, lookahead: float = 0.0065) -> None:
        self._model, self._steps = model, Steps(model)
        self._state = Share(self._steps.initial_state(1))
        self._resample = Polyphase(rate, bark.RATE)
        # Together with the resampler's, a delay as long as the codec's.
        delay = round((lookahead - self._resample.delay) * bark.RATE)
        self._waiting = np.zeros(delay, np.float32)
        self._history = History()
        self._pushed = 0.0
        self._rate = rate
        self._ended = 0  # media time in samples at which the newest step ends

    def push(self, samples: Float32[np.ndarray, " samples"]) -> None:
        """What the Opus encoder is given, in ±1, any number of samples at the stream's rate."""
        self.keep(samples)
        advance([self])

    def keep(self, samples: Float32[np.ndarray, " samples"]) -> None:
        """`push`, but leave the work to `advance`, which does it for many streams at once."""
        self._pushed += len(samples) / self._rate
        self._waiting = np.concatenate((self._waiting, self._resample(samples)))

    def payload(
        self, quality: RedundancyQuality, seconds: float, max_bytes: int = dred.MAX_BYTES
    ) -> bytes | None:
        """The extension for the packet of the last `seconds` pushed; None while there is nothing to say.

        Silence right before the packet is left out, and so is what no longer fits into `max_bytes`.
        """
        begin = self._pushed - seconds
        newest_ms = 1000 * (self._ended / bark.RATE - begin) - LATENT_MS / 4 + NEWEST_MS
        quiet = self._history.quiet
        # What describes the end of a long packet is no use for what came before it, and cannot be sent.
        beyond = int(np.ceil((newest_ms - _LATEST_MS) / STEP_MS))
        skipped = max(quiet, beyond)
        offset = 16 - round((newest_ms - skipped * STEP_MS) / OFFSET_MS)
        # Silence counts as told of.
        latents, states = self._history.told(skipped, quality.latents - quiet // 2)
        if not len(latents) or not 0 <= offset <= _MAX_EXTRA:
            return None
        header = DredHeader(quality.q0, quality.dq, _qmax(quality), offset % 32, offset // 32 * 32)
        return self._code(header, latents, states, max_bytes)

    def _code(
        self,
        header: DredHeader,
        latents: Float32[np.ndarray, "latents 25"],
        states: Float32[np.ndarray, "1 50"],
        max_bytes: int,
    ) -> bytes | None:
        tables = self._model.tables
        levels = header.levels
        rounded = quantise(latents, levels[1:], tables.latents)
        start = quantise(states, levels, tables.states)
        prefix = self._model.format.prefix
        body, _ = dred.encode_body(header, start[0], rounded, tables, max_bytes - len(prefix))
        return prefix + body if body else None


def advance(encoders: Sequence[RedundancyEncoder]) -> None:
    """Do what the samples of all `encoders` (of one model) allow, in as few batches as can be."""
    while ready := [each for each in encoders if len(each._waiting) >= STEP]:
        samples = np.stack([each._waiting[:STEP] for each in ready])
        steps = ready[0]._steps
        step, state = steps(samples, gather([each._state for each in ready]))
        shares = scatter(state, len(ready))
        for index, each in enumerate(ready):
            each._history.add(step.latents[index], step.states[index], bool(step.active[index]))
            each._state = shares[index]
            each._waiting = each._waiting[STEP:]
            each._ended += STEP


def _qmax(quality: RedundancyQuality) -> int:
    """The header can only say a limit where levels rise, and above the first."""
    rises = quality.q0 < 14 and quality.dq > 0
    return max(quality.qmax, quality.q0 + 1) if rises else 15
