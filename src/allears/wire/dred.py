"""The payload of deep redundancy (DRED) as libopus 1.6 writes it (extension 126, 'D', version 12).

A range-coded header, the decoder's initial state, then latent vectors of 40 ms each, newest first,
quantised ever more coarsely the further back they lie. The probabilities belong to the trained model
and are not here: they come in as `EntropyTables`. The header can be read without them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, UInt8

from allears.wire.errors import ParseError
from allears.wire.range_coder import RangeDecoder, RangeEncoder

EXTENSION_ID = 126
"""The experimental extension that libopus 1.5 and 1.6 send DRED under."""

VERSION_TAG = b"D\x0c"
"""What opens the extension: 'D' and the version of the bitstream, 12."""

STATE_SIZE, LATENT_SIZE, LEVELS = 50, 25, 16
MAX_LATENTS = 26
"""1.04 s at 40 ms each."""

MIN_BYTES, MAX_BYTES = 8, 1000
"""Sizes that libopus sends, version tag included; longer ones are refused unread."""

LATENT_MS, OFFSET_MS = 40.0, 2.5

_SLOPES = (0, 2, 3, 4, 6, 8, 12, 16)
_BITS = 15


@dataclass(frozen=True, slots=True)
class DredHeader:
    """How the rest of a payload is quantised, and where in time it ends.

    `q0` (0–15) is the quantiser level of the newest latent, `dq` (0–7) how fast the level rises,
    `qmax` (0–15) where it stops. `offset` (0–31) and `extra` (a multiple of 32, 0–8160) place the
    newest latent, in 2.5 ms.
    """

    q0: int
    dq: int
    qmax: int
    offset: int
    extra: int

    @property
    def dred_offset(self) -> int:
        """How far before the packet's first sample the newest latent ends, in 2.5 ms.

        Negative where the newest latents were left out because nobody spoke.
        """
        return 16 - self.offset - self.extra

    def level(self, index: int) -> int:
        """The quantiser level of the latent `index`, 0 being the newest."""
        return min(self.qmax, self.q0 + (_SLOPES[self.dq] * index + 8) // 16)

    def covered_ms(self, latents: int) -> float:
        """How far back from the packet's own audio `latents` latents reach."""
        return LATENT_MS * latents - OFFSET_MS * self.dred_offset


class LaplaceTable:
    """Probabilities of one kind of vector: four uint8 arrays of shape (16 levels, size)."""

    def __init__(
        self,
        scale: UInt8[np.ndarray, "levels size"],
        dead_zone: UInt8[np.ndarray, "levels size"],
        r: UInt8[np.ndarray, "levels size"],
        p0: UInt8[np.ndarray, "levels size"],
    ) -> None:
        self.scale, self.dead_zone = scale, dead_zone
        # None where only zero can occur: then nothing is coded.
        self.models: list[list[tuple[tuple[int, ...], tuple[int, ...]] | None]] = [
            [
                None if decay == 0 or zero == 255 else (_sign(zero << 7), _magnitude(decay << 7))
                for zero, decay in zip(zeros, decays, strict=True)
            ]
            for zeros, decays in zip(p0.tolist(), r.tolist(), strict=True)
        ]

    def dequantise(self, values: Sequence[int], level: int) -> Float32[np.ndarray, " size"]:
        """What the neural decoder is given: value · 256 / scale (a scale of 0 counts as 1)."""
        scale = np.maximum(self.scale[level], 1).astype(np.float32)
        dequantised: Float32[np.ndarray, " size"] = np.asarray(values, np.float32) * 256 / scale
        return dequantised


@dataclass(frozen=True, slots=True)
class EntropyTables:
    """The probabilities of a model's states and latents."""

    states: LaplaceTable
    latents: LaplaceTable

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, UInt8[np.ndarray, "levels size"]]) -> "EntropyTables":
        """From eight arrays `{state,latent}_{quant_scales,dead_zone,r,p0}` of shape (16, 50 or 25).

        Raises ParseError naming the array that is missing or of the wrong shape.
        """

        def table(kind: str, size: int) -> LaplaceTable:
            found = []
            for name in ("quant_scales", "dead_zone", "r", "p0"):
                array = arrays.get(f"{kind}_{name}")
                if array is None or array.shape != (LEVELS, size) or array.dtype != np.uint8:
                    raise ParseError(
                        f"DRED tables: {kind}_{name} is not a uint8 array of {LEVELS} × {size}"
                    )
                found.append(array)
            return LaplaceTable(*found)

        return cls(table("state", STATE_SIZE), table("latent", LATENT_SIZE))


@dataclass(frozen=True, slots=True)
class DredPayload:
    """A whole payload, quantised: `states` 50 integers, `latents` newest first, 25 integers each.

    libopus may close with one more latent that costs under 8 bits, which no decoder reads. `closing`
    keeps those bits, so that a parsed payload is written back as it was; None writes the shortest.
    """

    header: DredHeader
    states: tuple[int, ...]
    latents: tuple[tuple[int, ...], ...]
    closing: int | None = None

    @property
    def covered_ms(self) -> float:
        """How far back from the packet's own audio this payload reaches."""
        return self.header.covered_ms(len(self.latents))

    @classmethod
    def parse(cls, data: bytes, tables: EntropyTables) -> "DredPayload":
        """Decode the range-coded body (what follows the version tag).

        Raises ParseError where it is too long, or ends inside a vector.
        """
        decoder, header = _open(data)
        bits = 8 * len(data)
        states = _decode(decoder, tables.states, header.q0, bits)
        latents: list[tuple[int, ...]] = []
        while len(latents) < MAX_LATENTS and bits - decoder.tell >= 8:
            level = header.level(len(latents))
            latents.append(_decode(decoder, tables.latents, level, bits))
        return cls(header, states, tuple(latents), decoder.position)

    def serialise(self, tables: EntropyTables) -> bytes:
        """The range-coded body that `parse` reads."""
        encoder = RangeEncoder()
        _encode_header(encoder, self.header)
        _encode(encoder, tables.states, self.header.q0, self.states)
        for index, latent in enumerate(self.latents):
            _encode(encoder, tables.latents, self.header.level(index), latent)
        return encoder.finish(self.closing)


def parse_header(data: bytes) -> DredHeader:
    """The header alone, which needs no tables. Raises ParseError where the body is cut short."""
    return _open(data)[1]


def _open(data: bytes) -> tuple[RangeDecoder, DredHeader]:
    if len(data) > MAX_BYTES:
        raise ParseError(f"DRED: a body of {len(data)} bytes, more than {MAX_BYTES}")
    decoder = RangeDecoder(data)
    q0, dq = decoder.uint(16), decoder.uint(8)
    extra = 32 * decoder.uint(256) if decoder.uint(2) else 0
    offset = decoder.uint(32)
    qmax = 15
    if q0 < 14 and dq > 0:
        # Half of the odds are for level 15; the levels between share the other half.
        between = 14 - q0
        symbol = decoder.frequency(2 * between)
        if symbol < between:
            decoder.update(0, between, 2 * between)
        else:
            decoder.update(symbol, symbol + 1, 2 * between)
            qmax = q0 + symbol - between + 1
    if decoder.tell > 8 * len(data):
        raise ParseError(f"DRED: {len(data)} bytes end inside the header")
    return decoder, DredHeader(q0, dq, qmax, offset, extra)


def _encode_header(encoder: RangeEncoder, header: DredHeader) -> None:
    encoder.uint(header.q0, 16)
    encoder.uint(header.dq, 8)
    encoder.uint(int(header.extra > 0), 2)
    if header.extra:
        encoder.uint(header.extra // 32, 256)
    encoder.uint(header.offset, 32)
    if header.q0 < 14 and header.dq > 0:
        between = 14 - header.q0
        if header.qmax == 15:
            encoder.encode(0, between, 2 * between)
        else:
            symbol = header.qmax - header.q0 - 1 + between
            encoder.encode(symbol, symbol + 1, 2 * between)


@lru_cache(maxsize=1024)
def _sign(zero: int) -> tuple[int, ...]:
    """Inverse cumulative odds (of 32768) of zero, plus and minus, the last two alike."""
    return 32768 - zero, (32768 - zero) // 2, 0


@lru_cache(maxsize=1024)
def _magnitude(decay: int) -> tuple[int, ...]:
    """Inverse cumulative odds of magnitudes 1 to 7, then "at least 8"; none is impossible."""
    table = [max(7, decay)]
    for index in range(1, 7):
        table.append(max(7 - index, table[-1] * decay >> _BITS))
    return (*table, 0)


_ESCAPE = 7


def _decode(decoder: RangeDecoder, table: LaplaceTable, level: int, bits: int) -> tuple[int, ...]:
    """One vector at a quantiser level, out of a body of `bits` bits."""
    values = []
    for model in table.models[level]:
        value = 0
        if model is not None:
            sign, magnitude = model
            side = decoder.icdf(sign, _BITS)
            if side:
                value = 1
                while (step := decoder.icdf(magnitude, _BITS)) == _ESCAPE and decoder.tell <= bits:
                    value += _ESCAPE
                value = value + step if side == 1 else -value - step
        values.append(value)
    if decoder.tell > bits:
        raise ParseError(f"DRED: {bits // 8} bytes end inside a vector")
    return tuple(values)


def _encode(encoder: RangeEncoder, table: LaplaceTable, level: int, values: Sequence[int]) -> None:
    for model, value in zip(table.models[level], values, strict=True):
        if model is None:
            continue
        sign, magnitude = model
        encoder.icdf(0 if value == 0 else 1 if value > 0 else 2, sign, _BITS)
        if value:
            left = abs(value) - 1
            for _ in range(left // _ESCAPE):
                encoder.icdf(_ESCAPE, magnitude, _BITS)
            encoder.icdf(left % _ESCAPE, magnitude, _BITS)
