"""The receiving side of DRED: a payload in, features of the past out, the newest first.

Decoding runs backwards in time and only as far as somebody asks: a latent for what lies near, many in one call
for what lies further back.
"""

import numpy as np
from jaxtyping import Float32, Int64

from allears.audio.features import FEATURES
from allears.nn.network import State
from allears.redundancy.encoder import NEWEST_MS
from allears.redundancy.model import RedundancyModel
from allears.redundancy.quantise import dequantise
from allears.wire.dred import LATENT_MS, LATENT_SIZE, OFFSET_MS, DredHeader, decode_body
from allears.wire.errors import ParseError

FRAMES = 4
"""Frames of 10 ms in a latent."""


class Recovery:
    """What one payload can rebuild."""

    def __init__(
        self,
        model: RedundancyModel,
        header: DredHeader,
        states: Int64[np.ndarray, " 50"],
        latents: Int64[np.ndarray, "latents 25"],
    ) -> None:
        self._model, self._header = model, header
        self._states, self._latents = states, latents
        self._newest_ms = OFFSET_MS * header.dred_offset - NEWEST_MS
        self._state: State = ()
        self._frames: list[Float32[np.ndarray, " 20"]] = []

    @property
    def reach_ms(self) -> float:
        """How far back before the packet's first sample it can rebuild."""
        return self._header.covered_ms(len(self._latents))

    @property
    def newest_ms(self) -> float:
        """Centre of the newest frame, in ms after the packet's first sample."""
        return self._newest_ms

    def features(self, centre_ms: float) -> Float32[np.ndarray, " 20"] | None:
        """The features centred so long after (negative: before) the packet's first sample.

        None where the payload says nothing: before its reach, or in the silence it left out.
        """
        index = round((self._newest_ms - centre_ms) * FRAMES / LATENT_MS)
        if not 0 <= index < FRAMES * len(self._latents):
            return None
        while (missing := index // FRAMES + 1 - len(self._frames) // FRAMES) > 0:
            self._decode_next(missing)
        return self._frames[index]

    def _decode_next(self, missing: int) -> None:
        """Further back in time, by one latent, or by many where several are `missing`."""
        begin = len(self._frames) // FRAMES
        if begin == 0:
            level = np.array([self._header.q0])
            states = dequantise(self._states[None], level, self._model.tables.states)
            _, self._state = self._model.begin([states])
        size = 1 if missing == 1 else self._model.decoder.size
        told = np.zeros((1, size, LATENT_SIZE + 1), np.float32)
        latents = self._latents[begin : begin + size]
        # What is beyond the last latent is decoded in vain, and nothing follows it.
        known = told[0, : len(latents)]
        levels = self._header.levels[1 + begin : 1 + begin + len(latents)]
        known[:, :-1] = dequantise(latents, levels, self._model.tables.latents)
        known[:, -1] = levels / 8 - 1
        features, self._state = self._model.decoder([told], self._state)
        self._frames.extend(features.reshape(-1, FEATURES)[: FRAMES * len(latents)])


class RedundancyDecoder:
    """Reads the payloads of one model; what another wrote is not for it."""

    def __init__(self, model: RedundancyModel) -> None:
        self._model = model

    def parse(self, data: bytes) -> Recovery:
        """A whole extension, prefix and all; raises ParseError if of another model, or corrupt."""
        prefix = self._model.format.prefix
        if not data.startswith(prefix):
            raise ParseError("DRED: a payload of another model")
        return Recovery(self._model, *decode_body(data[len(prefix) :], self._model.tables))
