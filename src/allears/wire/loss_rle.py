"""Which packets arrived, run by run: the Loss RLE block of RTCP extended reports (RFC 3611 §4.1)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from allears.wire.errors import ParseError

BLOCK_TYPE = 1

_HEADER = struct.Struct(">BBHIHH")
_VECTOR = 15  # packets that one bit vector chunk tells of
_LONGEST = (1 << 14) - 1  # packets in one run length chunk


class Run(NamedTuple):
    """`length` packets in a row that all arrived, or were all lost."""

    received: bool
    length: int


@dataclass(frozen=True, slots=True)
class LossRle:
    """What became of the packets of `ssrc` from `begin` (16 bits) up to, without, `end`.

    `runs` are as long as they can be: no two in a row say the same. With `thinning` T only the
    multiples of 2^T are reported on.
    """

    ssrc: int
    begin: int
    end: int
    runs: tuple[Run, ...]
    thinning: int = 0

    @classmethod
    def parse(cls, block: bytes) -> "LossRle":
        """Read a block with its header; raises ParseError where it tells less than it claims."""
        if len(block) < _HEADER.size:
            raise ParseError(f"Loss RLE: a block of {len(block)} bytes, not {_HEADER.size}")
        _, flags, _, ssrc, begin, end = _HEADER.unpack_from(block)
        thinning = flags & 15
        reported = _reported(begin, end, thinning)
        count = (len(block) - _HEADER.size) // 2
        chunks = struct.unpack_from(f">{count}H", block, _HEADER.size)
        runs = tuple(_joined(_runs(chunks), reported))
        told = sum(run.length for run in runs)
        if told < reported:
            raise ParseError(f"Loss RLE: {told} packets of {reported} from {begin} to {end}")
        return cls(ssrc, begin, end, runs, thinning)

    def __bytes__(self) -> bytes:
        chunks = list(_chunks(self.runs))
        chunks += [0] * (len(chunks) % 2)  # the null chunk, to a whole word
        words = 2 + len(chunks) // 2
        header = _HEADER.pack(BLOCK_TYPE, self.thinning, words, self.ssrc, self.begin, self.end)
        return header + struct.pack(f">{len(chunks)}H", *chunks)


def runs_of(begin: int, end: int, received: list[int]) -> tuple[Run, ...]:
    """The runs from `begin` up to `end` where the numbers `received`, in order, arrived."""
    pieces = []
    for number in received:
        pieces += [Run(False, number - begin), Run(True, 1)]
        begin = number + 1
    return tuple(_joined(iter([*pieces, Run(False, end - begin)]), 1 << 62))


def newest(runs: tuple[Run, ...], count: int) -> tuple[Run, ...]:
    """The last `count` packets of `runs`."""
    kept = []
    for run in reversed(runs):
        length = min(run.length, count)
        count -= length
        if length:
            kept.append(Run(run.received, length))
    return tuple(reversed(kept))


def _reported(begin: int, end: int, thinning: int) -> int:
    """How many multiples of 2^thinning there are from `begin` up to `end`."""
    end = begin + ((end - begin) & 0xFFFF)
    return (-begin >> thinning) - (-end >> thinning)


def _runs(chunks: tuple[int, ...]) -> Iterator[Run]:
    for chunk in chunks:
        if not chunk:
            return
        if chunk & 0x8000:
            for bit in range(_VECTOR - 1, -1, -1):
                yield Run(bool(chunk >> bit & 1), 1)
        else:
            yield Run(bool(chunk & 0x4000), chunk & _LONGEST)


def _joined(runs: Iterator[Run], limit: int) -> Iterator[Run]:
    """Equal neighbours as one, empty ones left out, `limit` packets in all."""
    received, length = True, 0
    for run in runs:
        added = min(run.length, limit)
        limit -= added
        if added and run.received != received:
            if length:
                yield Run(received, length)
            received, length = run.received, 0
        length += added
    if length:
        yield Run(received, length)


def _chunks(runs: tuple[Run, ...]) -> Iterator[int]:
    waiting = list(reversed(runs))
    while waiting:
        received, length = waiting[-1]
        if length >= _VECTOR or len(waiting) == 1:
            taken = min(length, _LONGEST)
            _take(waiting, taken)
            yield received << 14 | taken
            continue
        vector, room = 0, _VECTOR
        while waiting and room:
            received, length = waiting[-1]
            taken = min(length, room)
            _take(waiting, taken)
            room -= taken
            vector |= ((1 << taken) - 1 if received else 0) << room
        yield 0x8000 | vector


def _take(waiting: list[Run], count: int) -> None:
    received, length = waiting.pop()
    if length > count:
        waiting.append(Run(received, length - count))
