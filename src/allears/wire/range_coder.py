"""The range coder of Opus (RFC 6716 §4.1 and §5.1), and the Laplace code of DRED through it.

Functions from state to state over plain integers: Python runs them as they stand, for the few
symbols of a header, and `compiled` makes machine code of the same lines, for vectors of many. All that
is compiled stands in this one file, since numba's cache takes notice of changes in one file only.

Only what whole-symbol coding needs: no raw bits at the end of the buffer.
"""

import math
from collections.abc import Callable, MutableSequence, Sequence
from functools import cache
from typing import Any, NamedTuple

_TOP = 1 << 31
_BOTTOM = 1 << 23
_MASK = _TOP - 1
_BITS = 15
_CERTAIN = 1 << _BITS
"""Laplace odds are of this."""

_ESCAPE = 7
"""The step of a magnitude that says "and more": another step follows."""

_PAST = 5
"""Bytes that a decoder takes in ahead of what it has used: further, it is past the data."""


class Decoder(NamedTuple):
    """Between two symbols, of which the next takes part of an interval of `width`.

    `offset` is how far below the top of the interval the data point, `at` the next byte to take in.
    """

    offset: int
    width: int
    at: int


def begin(data: Sequence[int]) -> Decoder:
    """Before the first symbol. Past the end of `data` stand zeros, as for every Opus decoder.

    Callers stop, or refuse, once `decoder_tell` passes the data.
    """
    return _filled(data, 127 - (_byte(data, 0) >> 1), 128, 1)


def decoder_tell(state: Decoder) -> int:
    """Bits used so far, rounded up (RFC 6716 §4.1.6.1)."""
    return 8 * state.at + 1 - _bit_length(state.width)


def frequency(state: Decoder, total: int) -> int:
    """Where in 0…`total` − 1 the next symbol lies; `consume` then takes it (§4.1.2)."""
    return max(0, total - 1 - state.offset // (state.width // total))


def consume(data: Sequence[int], state: Decoder, low: int, high: int, total: int) -> Decoder:
    """Take the symbol that holds [low, high) of `total` (§4.1.2)."""
    step = state.width // total
    above = step * (total - low) if low else state.width
    return _consume(data, state, above, step * (total - high))


def decode_uint(data: Sequence[int], state: Decoder, size: int) -> tuple[int, Decoder]:
    """A number below `size` (2…256), all equally likely (§4.1.5)."""
    step = state.width // size
    symbol = max(0, size - 1 - state.offset // step)
    above = step * (size - symbol) if symbol else state.width
    return symbol, _consume(data, state, above, step * (size - 1 - symbol))


def _consume(data: Sequence[int], state: Decoder, high: int, low: int) -> Decoder:
    """Narrow the interval to what lies from `high` down to `low` below its top."""
    return _filled(data, state.offset - low, high - low, state.at)


def _filled(data: Sequence[int], offset: int, width: int, at: int) -> Decoder:
    while width <= _BOTTOM:
        symbol = (_byte(data, at - 1) << 8 | _byte(data, at)) >> 1 & 255
        offset = ((offset << 8) + (255 - symbol)) & _MASK
        width <<= 8
        at += 1
    return Decoder(offset, width, at)


def _byte(data: Sequence[int], at: int) -> int:
    return data[at] if at < len(data) else 0


def _bit_length(number: int) -> int:
    """`int.bit_length`, which numba has not."""
    return math.frexp(number)[1]


class Encoder(NamedTuple):
    """Between two symbols: the interval, and bytes that a carry may still raise.

    A state that was kept can be gone back to: what was written since lies behind it. `held` is the
    newest byte, `run` how many 255s wait behind it, `at` the place of `held` in the buffer: 0 at first,
    where no byte of the data stands but a zero that nothing raises.
    """

    low: int
    width: int
    held: int
    run: int
    at: int


ENCODER = Encoder(0, _TOP, 0, 0, 0)
"""Before the first symbol."""


def encoder_tell(state: Encoder) -> int:
    """Bits used so far, rounded up; equal to the decoder's at the same symbol."""
    return 33 + 8 * (state.at + state.run) - _bit_length(state.width)


def encode(out: MutableSequence[int], state: Encoder, low: int, high: int, total: int) -> Encoder:
    """The symbol that holds [low, high) of `total` (§5.1.1)."""
    step = state.width // total
    above = step * (total - low) if low else state.width
    return _encode(out, state, above, step * (total - high))


def encode_uint(out: MutableSequence[int], state: Encoder, value: int, size: int) -> Encoder:
    """`value` below `size` (2…256), all equally likely."""
    if not 0 <= value < size:
        raise ValueError(f"{value} is not in 0…{size - 1}")
    return encode(out, state, value, value + 1, size)


def finish(out: MutableSequence[int], state: Encoder, position: int) -> int:
    """Bring out all that was coded: ⌈tell / 8⌉ bytes from `out[1]` on; returns how many (§5.1.5).

    Any number in the last interval will do: the one with the fewest bits where `position` is
    negative, else the one `position` above the bottom.
    """
    size = (encoder_tell(state) + 7) // 8
    end = _shortest(state) if position < 0 else state.low + position
    held, run, at = state.held, state.run, state.at
    for _ in range(4):
        held, run, at = _carry(out, end >> 23, held, run, at)
        end = (end << 8) & _MASK
    _carry(out, 0, held, run, at)
    return size


def _shortest(state: Encoder) -> int:
    """The number with the most trailing zeros such that whatever follows, it stays inside."""
    mask = _MASK >> (32 - _bit_length(state.width))
    end = (state.low + mask) & ~mask
    if (end | mask) >= state.low + state.width:
        mask >>= 1
        end = (state.low + mask) & ~mask
    return end


def _encode(out: MutableSequence[int], state: Encoder, high: int, low: int) -> Encoder:
    """Narrow the interval to what lies from `high` down to `low` below its top."""
    bottom, width = state.low + state.width - high, high - low
    held, run, at = state.held, state.run, state.at
    while width <= _BOTTOM:
        held, run, at = _carry(out, bottom >> 23, held, run, at)
        bottom = (bottom << 8) & _MASK
        width <<= 8
    return Encoder(bottom, width, held, run, at)


def _carry(
    out: MutableSequence[int], symbol: int, held: int, run: int, at: int
) -> tuple[int, int, int]:
    """Bring out the top nine bits of `low`, once no later carry can change them (§5.1.2)."""
    if symbol == 255:
        return held, run + 1, at
    carry = symbol >> 8
    for index in range(min(1 + run, len(out) - at)):  # what is past the buffer is past the budget
        out[at + index] = (held if index == 0 else 255) + carry & 255
    return symbol & 255, 0, at + 1 + run


def _decode_value(
    data: Sequence[int], state: Decoder, zero: int, decay: int
) -> tuple[int, Decoder]:
    """A value whose odds of 0 are `zero`, and of each further one `decay` times the one before."""
    step = state.width >> _BITS
    low = step * (_CERTAIN - zero)
    if state.offset >= low:
        return 0, _consume(data, state, state.width, low)
    half = step * ((_CERTAIN - zero) // 2)
    negative = state.offset < half
    state = _consume(data, state, half if negative else low, 0 if negative else half)
    magnitude, symbol = 1, _ESCAPE
    while symbol == _ESCAPE and state.at < len(data) + _PAST:
        step, symbol = state.width >> _BITS, 0
        odds = _beyond(_CERTAIN, decay, 0)
        high, low = state.width, step * odds
        while state.offset < low:
            symbol += 1
            odds = _beyond(odds, decay, symbol)
            high, low = low, step * odds
        state = _consume(data, state, high, low)
        magnitude += symbol
    return -magnitude if negative else magnitude, state


def _encode_value(
    out: MutableSequence[int], state: Encoder, zero: int, decay: int, value: int
) -> Encoder:
    """What `_decode_value` reads; left unfinished where the buffer is full."""
    step = state.width >> _BITS
    low = step * (_CERTAIN - zero)
    if value == 0:
        if zero == 0:
            raise ValueError("a value is 0 where the tables say that it cannot be")
        return _encode(out, state, state.width, low)
    half = step * ((_CERTAIN - zero) // 2)
    state = _encode(out, state, half if value < 0 else low, 0 if value < 0 else half)
    left, symbol = abs(value) - 1, _ESCAPE
    while symbol == _ESCAPE and state.at + state.run < len(out):
        step, symbol = state.width >> _BITS, min(left, _ESCAPE)
        odds = _beyond(_CERTAIN, decay, 0)
        high, low = state.width, step * odds
        for further in range(symbol):
            odds = _beyond(odds, decay, further + 1)
            high, low = low, step * odds
        state = _encode(out, state, high, low)
        left -= symbol
    return state


def _beyond(odds: int, decay: int, symbol: int) -> int:
    """The odds of more than `symbol`, given those of more than the symbol before it."""
    return 0 if symbol == _ESCAPE else max(_ESCAPE - symbol, odds * decay >> _BITS)


def _decode_vector(
    data: Sequence[int], state: Decoder, odds: Any, level: int, found: Any
) -> Decoder:
    """One vector at a quantiser level; where only 0 can occur nothing is coded."""
    for index in range(len(found)):
        zero, decay = int(odds[0, level, index]), int(odds[1, level, index])
        found[index] = 0
        if zero < _CERTAIN:
            found[index], state = _decode_value(data, state, zero, decay)
    return state


def _encode_vector(
    out: MutableSequence[int], state: Encoder, odds: Any, level: int, values: Any
) -> Encoder:
    for index in range(len(values)):
        zero, decay = int(odds[0, level, index]), int(odds[1, level, index])
        if zero < _CERTAIN and state.at + state.run < len(out):
            state = _encode_value(out, state, zero, decay, int(values[index]))
    return state


def decode_vectors(
    data: Any,
    offset: int,
    width: int,
    at: int,
    levels: Any,
    state_odds: Any,
    latent_odds: Any,
    states: Any,
    latents: Any,
) -> tuple[int, int]:
    """Read one vector of states, and latents while 8 bits are left, into `states` and `latents`.

    `levels` are the quantiser levels of the states and of each latent; odds stand by [zero or decay,
    level, index]. Returns how many latents there are, −1 where the data end inside a vector, and how far
    above its bottom the data point into the last interval: bits nobody reads stand there.
    """
    state, bits = Decoder(offset, width, at), 8 * len(data)
    state = _decode_vector(data, state, state_odds, levels[0], states)
    count = 0
    while count < len(latents) and bits - decoder_tell(state) >= 8:
        state = _decode_vector(data, state, latent_odds, levels[1 + count], latents[count])
        count += 1
    return -1 if decoder_tell(state) > bits else count, state.width - 1 - state.offset


def encode_vectors(
    out: Any,
    low: int,
    width: int,
    held: int,
    run: int,
    at: int,
    levels: Any,
    state_odds: Any,
    latent_odds: Any,
    states: Any,
    latents: Any,
    whole: bool,
    position: int,
) -> tuple[int, int]:
    """Write what `decode_vectors` reads, from `out[1]` on, as far as there is room.

    Returns the bytes written, 0 if not even the states fit, and how many of the latents, which are
    those that will be read: bytes end where the last of them does, but a latent of less than 8 bits
    may lie in a byte begun before it, and is left out unless the `whole` is wanted. For
    `position` see `finish`.
    """
    bits = 8 * (len(out) - 1)
    state = Encoder(low, width, held, run, at)
    state = _encode_vector(out, state, state_odds, levels[0], states)
    if encoder_tell(state) > bits:
        return 0, 0
    kept, count = state, 0
    for index in range(len(latents)):
        before = encoder_tell(state)
        state = _encode_vector(out, state, latent_odds, levels[1 + index], latents[index])
        after = encoder_tell(state)
        if after > bits:
            break
        if whole or (after + 7) // 8 * 8 - before >= 8:
            kept, count = state, index + 1
    return finish(out, kept, position), count


class Compiled(NamedTuple):
    """The two loops over vectors as machine code."""

    decode_vectors: Callable[..., tuple[int, int]]
    encode_vectors: Callable[..., tuple[int, int]]


@cache
def compiled() -> Compiled:
    """Compile both, or fetch them from numba's cache beside this file or in the user's folder.

    numba takes longer to import than `allears inspect` to start, so it is imported here, when the first
    vector is coded. Threads may all come here at first: they then compile the same.
    """
    from numba import njit
    from numba.extending import register_jitable

    for function in _CALLED:
        register_jitable(function)
    for function in _CALLED_MOST:
        register_jitable(forceinline=True)(function)

    def compile_one(function: Callable[..., Any], signature: str) -> Any:
        try:
            return njit(signature, cache=True)(function)
        except Exception:  # whatever is wrong with the cache: no folder, a full disk, half a file
            return njit(signature)(function)

    return Compiled(
        compile_one(decode_vectors, _DECODE_SIGNATURE),
        compile_one(encode_vectors, _ENCODE_SIGNATURE),
    )


_CALLED: tuple[Callable[..., Any], ...] = (
    _byte,
    _bit_length,
    _filled,
    decoder_tell,
    _beyond,
    _decode_value,
    _decode_vector,
    _carry,
    encoder_tell,
    _shortest,
    finish,
    _encode_value,
    _encode_vector,
)
_CALLED_MOST: tuple[Callable[..., Any], ...] = (_consume, _encode)
_DECODE_SIGNATURE = (
    "UniTuple(int64, 2)(Bytes(uint8, 1, 'C', readonly=True), int64, int64, int64, "
    "Array(int64, 1, 'C', readonly=True), int64[:, :, ::1], int64[:, :, ::1], "
    "int64[::1], int64[:, ::1])"
)
_ENCODE_SIGNATURE = (
    "UniTuple(int64, 2)(uint8[::1], int64, int64, int64, int64, int64, "
    "Array(int64, 1, 'C', readonly=True), int64[:, :, ::1], int64[:, :, ::1], "
    "Array(int64, 1, 'C', readonly=True), Array(int64, 2, 'C', readonly=True), "
    "boolean, int64)"
)
