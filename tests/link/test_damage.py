"""Deep redundancy that is damaged in every packet: what came is heard as it would be without it."""

import random
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from allears.link.frame import Frame, Label
from allears.link.neural import load
from allears.link.receiver import Receiver
from allears.link.recovery import MOST_PAYLOADS
from allears.link.sender import Redundancy, Sender, SenderConfig
from allears.link.statistics import Statistics
from allears.wire import extensions
from allears.wire.extensions import Extension
from allears.wire.opus import OpusPacket
from allears.wire.rtp import RtpPacket
from tests.link.test_receiver import labels, run
from tests.real import speech

SETTLED = 3
"""Packets after a burst by which what Opus remembers of it has faded."""

SECONDS = 4
PREFIX = 6
"""Bytes before a body: tag, version, and the four that name the model."""


def lost(number: int) -> bool:
    """Bursts of 200 ms, which take a quarter."""
    return number % 40 >= 30


def absent(_: bytes, __: random.Random) -> bytes:
    return b""


def flipped(data: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(4):
        damaged[rng.randrange(PREFIX, len(data))] ^= 1 << rng.randrange(8)
    return wrapped(bytes(damaged))


def arbitrary(data: bytes, rng: random.Random) -> bytes:
    return wrapped(data[:PREFIX] + rng.randbytes(len(data) - PREFIX))


def shorter(data: bytes, rng: random.Random) -> bytes:
    return wrapped(data[: rng.randrange(PREFIX, len(data))])


def cut(data: bytes, rng: random.Random) -> bytes:
    """Before the end of the first vector."""
    return wrapped(data[: PREFIX + rng.randrange(6)])


def noise(data: bytes, rng: random.Random) -> bytes:
    """Bytes that are no extensions: a long one that says it is longer than the padding."""
    return b"\xfb\xff\xff" + rng.randbytes(len(data))


def other(data: bytes, _: random.Random) -> bytes:
    """Of a model whose name differs by a bit."""
    return wrapped(data[: PREFIX - 1] + bytes([data[PREFIX - 1] ^ 1]) + data[PREFIX:])


def wrapped(data: bytes) -> bytes:
    return extensions.serialise([Extension(125, 0, data)])


@cache
def packets() -> tuple[RtpPacket, ...]:
    config = SenderConfig(redundancy=Redundancy(dred=1040))
    return tuple(Sender(config, random.Random(0)).push(speech(seconds=SECONDS)))


def damaged(
    packet: RtpPacket, damage: Callable[[bytes, random.Random], bytes], rng: random.Random
) -> bytes:
    opus = OpusPacket.parse(packet.payload)
    if opus.padding is None:
        return bytes(packet)
    (extension,) = extensions.parse(opus.padding, 1)
    padded = bytes(opus.with_padding(damage(extension.data, rng)))
    return bytes(RtpPacket(111, packet.sequence, packet.timestamp, packet.ssrc, padded))


@cache
def heard(damage: Callable[[bytes, random.Random], bytes]) -> tuple[list[Frame], Statistics]:
    """A call over bursts. The listener's delay is the same with and without redundancy."""
    rng = random.Random(1)
    receiver = Receiver(16_000, neural=load("allears"), min_delay=0.6, wait=0.5)
    timed = [(0.02 * n, damaged(each, damage, rng)) for n, each in enumerate(packets())]
    kept = [each for number, each in enumerate(timed) if not lost(number)]
    return run(receiver, kept, SECONDS + 0.1), receiver.statistics()


def test_it_would_have_been_of_use() -> None:
    """Undamaged, so that the others say something."""
    frames, told = heard(lambda data, _: wrapped(data))
    assert labels(frames).count(Label.DRED) == 40  # nothing comes after the last burst
    assert told.dred_malformed == told.dred_unknown == 0


@pytest.mark.parametrize("damage", [cut, noise, other], ids=lambda damage: damage.__name__)
def test_what_cannot_be_read_is_as_if_it_were_not_there(
    damage: Callable[[bytes, random.Random], bytes],
) -> None:
    """Sample for sample, also in what is guessed."""
    (frames, told), (wanted, _) = heard(damage), heard(absent)
    assert labels(frames) == labels(wanted) and Label.DRED not in labels(frames)
    assert all(
        np.array_equal(ours.samples, theirs.samples)
        for ours, theirs in zip(frames, wanted, strict=True)
    )
    # Extensions are looked at when a packet comes, bodies when they are needed: after four bursts.
    assert told.dred_unknown == (told.packets if damage is other else 0)
    if damage is cut:
        assert 4 <= told.dred_malformed <= 4 * MOST_PAYLOADS
    else:
        assert told.dred_malformed == (told.packets if damage is noise else 0)
    assert told.malformed == told.late == 0


@pytest.mark.parametrize(
    "damage", [flipped, arbitrary, shorter], ids=lambda damage: damage.__name__
)
def test_what_can_be_read_though_it_is_wrong_costs_only_itself(
    damage: Callable[[bytes, random.Random], bytes],
) -> None:
    """All that came is heard: as it was before the first burst, and after each as soon as Opus is itself again.

    Its decoder remembers what was heard, and what was made of the redundancy is not what is guessed without.
    """
    (frames, told), (wanted, _) = heard(damage), heard(absent)
    found = labels(frames)
    assert [label is Label.RECEIVED for label in found] == [
        not lost(number) for number in range(len(found))
    ]
    since = 0
    alike = []
    for number, (ours, theirs) in enumerate(zip(frames, wanted, strict=True)):
        assert np.isfinite(ours.samples).all() and np.abs(ours.samples).max(initial=0) <= 1
        since = since + 1 if ours.label is Label.RECEIVED else 0
        if since == number + 1:
            assert np.array_equal(ours.samples, theirs.samples)
        elif since > SETTLED and theirs.samples.std() > 0.01:
            alike.append(float(np.corrcoef(ours.samples, theirs.samples)[0, 1]))
    assert len(alike) > 40 and np.median(alike) > 0.99 and min(alike) > 0.9
    assert told.malformed == told.dred_unknown == told.late == 0
