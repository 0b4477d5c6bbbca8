"""The payload of deep redundancy (DRED) as libopus 1.6 writes it (extension 126, 'D', version 12).

A range-coded header, the decoder's initial state, then latent vectors of 40 ms each, newest first,
quantised ever more coarsely the further back they lie. The probabilities belong to the trained model
and are not here: they come in as `EntropyTables`. The header can be read without them.

This is the body alone; what stands before it in the extension is `dred_format`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Int, Int64, UInt8

from allears.wire import range_coder
from allears.wire.errors import ParseError
from allears.wire.range_coder import ENCODER, Decoder, Encoder

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

    @property
    def levels(self) -> Int64[np.ndarray, " vectors"]:
        """The quantiser levels of the states, then of every latent, newest first."""
        return _levels(self.q0, self.dq, self.qmax)

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
        self.coded = (r > 0) & (p0 < 255)
        """Where anything but 0 can occur: elsewhere nothing is written, and 0 is read."""
        zero = np.where(self.coded, p0.astype(np.int64) << 7, 1 << 15)
        self.odds = np.stack([zero, r.astype(np.int64) << 7])
        """Of 32768: that a value is 0, and what each further one keeps of those before it."""

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

    def __post_init__(self) -> None:
        # Compiled code trusts these sizes.
        for table, size in ((self.states, STATE_SIZE), (self.latents, LATENT_SIZE)):
            if table.odds.shape != (2, LEVELS, size):
                raise ValueError(f"odds of shape {table.odds.shape}, not (2, {LEVELS}, {size})")

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
        header, states, latents, closing = _decode(data, tables)
        rows = tuple(map(tuple, latents.tolist()))
        return cls(header, tuple(states.tolist()), rows, closing)

    def serialise(self, tables: EntropyTables) -> bytes:
        """The range-coded body that `parse` reads.

        Raises ValueError where it would be longer than anyone reads, or hold what the header or the
        tables rule out.
        """
        states = np.array(self.states, np.int64)
        latents = np.array(self.latents or np.empty((0, LATENT_SIZE)), np.int64)
        closing = -1 if self.closing is None else self.closing
        body, written = _encode(self.header, states, latents, tables, MAX_BYTES, True, closing)
        if not body or written < len(latents):
            raise ValueError(f"{len(latents)} latents do not fit into {MAX_BYTES} bytes")
        return body


def parse_header(data: bytes) -> DredHeader:
    """The header alone, which needs no tables. Raises ParseError where the body is cut short."""
    return _open(data)[1]


def decode_body(
    data: bytes, tables: EntropyTables
) -> tuple[DredHeader, Int64[np.ndarray, "50"], Int64[np.ndarray, "latents 25"]]:
    """Header, states and latents, newest first, of a range-coded body: what a live receiver reads.

    Raises ParseError where it is too long, or ends inside a vector.
    """
    return _decode(data, tables)[:3]


def encode_body(
    header: DredHeader,
    states: Int[np.ndarray, "50"],
    latents: Int[np.ndarray, "latents 25"],
    tables: EntropyTables,
    max_bytes: int = MAX_BYTES,
) -> tuple[bytes, int]:
    """The body of as many of the newest latents as fit into `max_bytes`, and how many those are.

    They are just those that will be read: a body ends where its last latent does. Without room for
    the states and one latent it is empty. Values where only 0 can occur are written as 0. Raises
    ValueError for a header, a shape, or a 0 that cannot be.
    """
    body, written = _encode(header, states, latents, tables, max_bytes, False, -1)
    return (body, written) if written else (b"", 0)


def _decode(
    data: bytes, tables: EntropyTables
) -> tuple[DredHeader, Int64[np.ndarray, "50"], Int64[np.ndarray, "latents 25"], int]:
    """All that a body holds, and its closing bits."""
    start, header = _open(data)
    states = np.empty(STATE_SIZE, np.int64)
    latents = np.empty((MAX_LATENTS, LATENT_SIZE), np.int64)
    count, closing = range_coder.compiled().decode_vectors(
        data,
        *start,
        _levels(header.q0, header.dq, header.qmax),
        tables.states.odds,
        tables.latents.odds,
        states,
        latents,
    )
    if count < 0:
        raise ParseError(f"DRED: {len(data)} bytes end inside a vector")
    return header, states, latents[:count], closing


def _encode(
    header: DredHeader,
    states: Int[np.ndarray, "50"],
    latents: Int[np.ndarray, "latents 25"],
    tables: EntropyTables,
    max_bytes: int,
    whole: bool,
    closing: int,
) -> tuple[bytes, int]:
    states = np.ascontiguousarray(states, np.int64)
    latents = np.ascontiguousarray(latents[:MAX_LATENTS], np.int64)
    if states.shape != (STATE_SIZE,) or latents.shape[1:] != (LATENT_SIZE,):
        raise ValueError(f"states {states.shape} and latents {latents.shape}: not vectors of DRED")
    head, start = _begun(header)
    max_bytes = min(max_bytes, MAX_BYTES)
    if max_bytes < len(head):
        return b"", 0
    out = np.zeros(1 + max_bytes, np.uint8)
    out[: len(head)] = head
    size, written = range_coder.compiled().encode_vectors(
        out,
        *start,
        _levels(header.q0, header.dq, header.qmax),
        tables.states.odds,
        tables.latents.odds,
        states,
        latents,
        whole,
        closing,
    )
    return out[1 : 1 + size].tobytes(), written


@lru_cache(maxsize=1024)
def _levels(q0: int, dq: int, qmax: int) -> Int64[np.ndarray, " vectors"]:
    """The quantiser levels of the states, then of every latent."""
    header = DredHeader(q0, dq, qmax, 0, 0)
    return np.array([q0, *(header.level(index) for index in range(MAX_LATENTS))])


def _open(data: bytes) -> tuple[Decoder, DredHeader]:
    if len(data) > MAX_BYTES:
        raise ParseError(f"DRED: a body of {len(data)} bytes, more than {MAX_BYTES}")
    state = range_coder.begin(data)
    q0, state = range_coder.decode_uint(data, state, 16)
    dq, state = range_coder.decode_uint(data, state, 8)
    more, state = range_coder.decode_uint(data, state, 2)
    extra = 0
    if more:
        extra, state = range_coder.decode_uint(data, state, 256)
    offset, state = range_coder.decode_uint(data, state, 32)
    qmax = 15
    if q0 < 14 and dq > 0:
        # Half of the odds are for level 15; the levels between share the other half.
        between = 14 - q0
        symbol = range_coder.frequency(state, 2 * between)
        low, high = (0, between) if symbol < between else (symbol, symbol + 1)
        state = range_coder.consume(data, state, low, high, 2 * between)
        qmax = 15 if symbol < between else q0 + symbol - between + 1
    if range_coder.decoder_tell(state) > 8 * len(data):
        raise ParseError(f"DRED: {len(data)} bytes end inside the header")
    return state, DredHeader(q0, dq, qmax, offset, 32 * extra)


@lru_cache(maxsize=1024)
def _begun(header: DredHeader) -> tuple[UInt8[np.ndarray, " bytes"], Encoder]:
    """A buffer's first bytes with the header in them, and the encoder after it."""
    out = bytearray(16)
    state = range_coder.encode_uint(out, ENCODER, header.q0, 16)
    state = range_coder.encode_uint(out, state, header.dq, 8)
    state = range_coder.encode_uint(out, state, int(header.extra > 0), 2)
    if header.extra:
        state = range_coder.encode_uint(out, state, header.extra // 32, 256)
    state = range_coder.encode_uint(out, state, header.offset, 32)
    if header.q0 < 14 and header.dq > 0:
        between = 14 - header.q0
        symbol = header.qmax - header.q0 - 1 + between
        low, high = (0, between) if header.qmax == 15 else (symbol, symbol + 1)
        state = range_coder.encode(out, state, low, high, 2 * between)
    head = np.frombuffer(bytes(out[: state.at]), np.uint8)
    size = range_coder.finish(out, state, -1)
    if parse_header(bytes(out[1 : 1 + size])) != header:
        raise ValueError(f"{header} cannot be written")
    return head, state
