"""The range coder of Opus (RFC 6716 §4.1 and §5.1), as arithmetic on Python integers.

Only what whole-symbol coding needs: no raw bits at the end of the buffer.
"""

from collections.abc import Sequence

_TOP = 1 << 31
_BOTTOM = 1 << 23
_MASK = _TOP - 1


class RangeDecoder:
    """Reads symbols from `data`; past its end it reads zeros, as every Opus decoder does.

    `tell` says how many bits are spent: callers stop, or refuse, once it passes the data.
    """

    __slots__ = ("_at", "_data", "_last", "_offset", "_range", "_total")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._last = data[0] if data else 0
        self._at = 1
        self._total = 9
        self._range = 128
        self._offset = 127 - (self._last >> 1)
        self._normalise()

    @property
    def tell(self) -> int:
        """Bits used so far, rounded up (RFC 6716 §4.1.6.1)."""
        return self._total - self._range.bit_length()

    @property
    def position(self) -> int:
        """How far above its bottom the data points into the interval of all symbols so far.

        Bits nobody reads stand here; `RangeEncoder.finish` puts them back.
        """
        return self._range - 1 - self._offset

    def uint(self, size: int) -> int:
        """A number below `size` (2…256), all equally likely (§4.1.5)."""
        symbol = self.frequency(size)
        self.update(symbol, symbol + 1, size)
        return symbol

    def frequency(self, total: int) -> int:
        """Where in 0…`total` − 1 the next symbol lies; `update` then consumes it (§4.1.2)."""
        return total - min(self._offset // (self._range // total) + 1, total)

    def update(self, low: int, high: int, total: int) -> None:
        """Consume the symbol that holds [low, high) of `total` (§4.1.2)."""
        step = self._range // total
        above = step * (total - high)
        self._offset -= above
        self._range = step * (high - low) if low else self._range - above
        self._normalise()

    def icdf(self, table: Sequence[int], bits: int) -> int:
        """A symbol by its inverse cumulative `table` of `bits` bits, which ends in 0 (§4.1.3.3)."""
        step = self._range >> bits
        symbol, high, low = 0, self._range, step * table[0]
        while self._offset < low:
            symbol += 1
            high, low = low, step * table[symbol]
        self._offset -= low
        self._range = high - low
        if self._range <= _BOTTOM:
            self._normalise()
        return symbol

    def _normalise(self) -> None:
        while self._range <= _BOTTOM:
            self._total += 8
            self._range <<= 8
            byte = self._data[self._at] if self._at < len(self._data) else 0
            self._at += 1
            symbol = ((self._last << 8 | byte) >> 1) & 255
            self._last = byte
            self._offset = ((self._offset << 8) + (255 - symbol)) & _MASK


class RangeEncoder:
    """Writes what RangeDecoder reads."""

    __slots__ = ("_bytes", "_carried", "_low", "_range", "_run", "_total")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._carried = -1  # the newest byte, held back while a carry may still raise it
        self._run = 0  # how many 255s wait behind it
        self._low = 0
        self._range = _TOP
        self._total = 33

    @property
    def tell(self) -> int:
        """Bits used so far, rounded up; equal to the decoder's at the same symbol."""
        return self._total - self._range.bit_length()

    def uint(self, value: int, size: int) -> None:
        """`value` below `size` (2…256), all equally likely."""
        self.encode(value, value + 1, size)

    def encode(self, low: int, high: int, total: int) -> None:
        """The symbol that holds [low, high) of `total` (§5.1.1)."""
        step = self._range // total
        if low:
            self._low += self._range - step * (total - low)
            self._range = step * (high - low)
        else:
            self._range -= step * (total - high)
        self._normalise()

    def icdf(self, symbol: int, table: Sequence[int], bits: int) -> None:
        """The symbol of an inverse cumulative `table` of `bits` bits.

        Raises ValueError for a symbol whose probability is zero.
        """
        if (table[symbol - 1] if symbol else 1 << bits) <= table[symbol]:
            raise ValueError(f"symbol {symbol} cannot occur by this table")
        step = self._range >> bits
        if symbol:
            self._low += self._range - step * table[symbol - 1]
            self._range = step * (table[symbol - 1] - table[symbol])
        else:
            self._range -= step * table[0]
        self._normalise()

    def finish(self, position: int | None = None) -> bytes:
        """All that was coded in whole bytes: ⌈tell / 8⌉ of them, at best (§5.1.5).

        Any number in the last interval will do: the one with the fewest bits, or the one `position`
        above the bottom.
        """
        size = (self.tell + 7) // 8
        end = self._shortest() if position is None else self._low + position
        for _ in range(4):
            self._carry(end >> 23)
            end = (end << 8) & _MASK
        self._carry(0)
        return bytes(self._bytes[:size].ljust(size, b"\0"))

    def _shortest(self) -> int:
        """The number with the most trailing zeros such that whatever follows, it stays inside."""
        mask = _MASK >> (32 - self._range.bit_length())
        end = (self._low + mask) & ~mask
        if (end | mask) >= self._low + self._range:
            mask >>= 1
            end = (self._low + mask) & ~mask
        return end

    def _normalise(self) -> None:
        while self._range <= _BOTTOM:
            self._carry(self._low >> 23)
            self._low = (self._low << 8) & _MASK
            self._range <<= 8
            self._total += 8

    def _carry(self, symbol: int) -> None:
        """Bring out the top nine bits of `low`, once no later carry can change them (§5.1.2)."""
        if symbol == 255:
            self._run += 1
            return
        carry = symbol >> 8
        if self._carried >= 0:
            self._bytes.append(self._carried + carry)
        self._bytes.extend(bytes([(255 + carry) & 255]) * self._run)
        self._run = 0
        self._carried = symbol & 255
