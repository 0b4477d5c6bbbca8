"""Deep redundancy in the padding of an Opus packet, where whoever does not know it does not see it."""

from collections.abc import Callable
from dataclasses import replace

from allears.wire import extensions
from allears.wire.dred import MAX_BYTES, MIN_BYTES
from allears.wire.extensions import Extension
from allears.wire.opus import MAX_FRAME_BYTES, OpusPacket

HEADS = 10
"""Bytes at most that come with a payload: frame count, padding length, frame lengths, extension id."""


def with_redundancy(opus: bytes, payload: Callable[[int], Extension | None]) -> bytes:
    """The packet with what `payload` gives for at most so many bytes, on its first frame.

    It stays as it is where there is nothing to give, and is never longer than Opus' frames may be.
    """
    packet = OpusPacket.parse(opus)
    room = min(MAX_BYTES, MAX_FRAME_BYTES * len(packet.frames) - len(opus) - HEADS)
    extension = payload(room) if room >= MIN_BYTES else None
    if extension is None:
        return opus
    return bytes(packet.with_padding(extensions.serialise([extension])))


def redundancy_bytes(opus: bytes) -> int:
    """How much longer a packet is than Opus would have made it without its padding."""
    if opus[0] & 3 != 3:
        return 0
    packet = OpusPacket.parse(opus)
    if packet.padding is None:
        return 0
    return len(opus) - len(bytes(replace(packet, code=_code(packet), padding=None)))


def _code(packet: OpusPacket) -> int:
    """The shortest frame packing (RFC 6716 §3.2)."""
    if len(packet.frames) == 1:
        return 0
    if len(packet.frames) == 2:
        return 2 if packet.variable else 1
    return 3
