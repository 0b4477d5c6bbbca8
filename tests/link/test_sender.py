import random

import numpy as np
import pytest

from allears.audio.libopus import Decoder
from allears.link.sender import (
    OPUS_PAYLOAD_TYPE,
    RED_PAYLOAD_TYPE,
    Redundancy,
    RedundancyError,
    Sender,
    SenderConfig,
)
from allears.wire.opus import OpusPacket
from allears.wire.red import RedPayload
from tests.real import speech


def sender(**settings: object) -> Sender:
    return Sender(SenderConfig(**settings), random.Random(0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["none", "lbrr", "red:1", "red:17", "lbrr+red:2", "dred:40", "lbrr+red:2+dred:500"]
)
def test_redundancy_is_read_and_written(text: str) -> None:
    assert str(Redundancy.parse(text)) == text


def test_red_alone_is_one_copy() -> None:
    assert Redundancy.parse("red") == Redundancy(red=1)


def test_dred_alone_is_as_long_as_can_be() -> None:
    assert Redundancy.parse("dred+lbrr") == Redundancy(lbrr=True, dred=1040)


def test_it_reaches_as_far_as_the_furthest() -> None:
    assert Redundancy(red=2, dred=80).reach(960) == 3840
    assert Redundancy(red=6, dred=80).reach(960) == 5760


@pytest.mark.parametrize(
    "text",
    [
        *("", "dred9", "red:0", "red:18", "red:x", "lbrr:2", "none,red", "red+red", "none+lbrr"),
        *("dred:39", "dred:1041", "dred:", "dred:x", "dred:-500", "dred+dred:80"),
    ],
)
def test_other_redundancy_is_refused(text: str) -> None:
    with pytest.raises(RedundancyError, match="use none, auto, lbrr"):
        Redundancy.parse(text)


def test_packets_are_numbered_and_timed() -> None:
    stream = sender()
    start, begin = stream.sequence, stream.timestamp
    sent = stream.push(speech(seconds=1)) + stream.flush()
    assert [packet.sequence for packet in sent] == [(start + n) & 0xFFFF for n in range(50)]
    assert [packet.timestamp for packet in sent] == [(begin + 960 * n) % 2**32 for n in range(50)]
    assert {packet.payload_type for packet in sent} == {OPUS_PAYLOAD_TYPE}
    assert [packet.marker for packet in sent] == [True] + [False] * 49


def test_chunks_of_any_size_make_the_same_packets() -> None:
    said = speech(seconds=1.01)
    whole = sender()
    wanted = whole.push(said) + whole.flush()
    chunked, found, at = sender(), [], 0
    rng = random.Random(1)
    while at < len(said):
        size = rng.randrange(1, 900)
        found += chunked.push(said[at : at + size])
        at += size
    assert found + chunked.flush() == wanted


def test_red_carries_the_packets_before() -> None:
    sent = sender(redundancy=Redundancy(red=2)).push(speech(seconds=1))
    payloads = [RedPayload.parse(packet.payload) for packet in sent]
    assert {packet.payload_type for packet in sent} == {RED_PAYLOAD_TYPE}
    for number, payload in enumerate(payloads):
        assert [block.offset for block in payload.redundant] == [1920, 960][2 - min(2, number) :]
        for block in payload.redundant:
            assert block.data == payloads[number - block.offset // 960].primary


def test_lbrr_costs_no_more_but_is_there() -> None:
    def made(redundancy: Redundancy) -> list[bytes]:
        return [p.payload for p in sender(redundancy=redundancy, bitrate=32_000).push(speech())]

    plain, protected = made(Redundancy()), made(Redundancy(lbrr=True))
    assert sum(map(len, protected)) == pytest.approx(sum(map(len, plain)), rel=0.05)
    assert sum(any(OpusPacket.parse(p).lbrr) for p in protected) > 0.5 * len(protected)
    assert not any(any(OpusPacket.parse(p).lbrr) for p in plain)


def test_red_that_reaches_too_far_is_refused() -> None:
    with pytest.raises(RedundancyError, match="red:5 at most"):
        sender(frame_ms=60, redundancy=Redundancy(red=6))


def test_silence_is_not_sent_twice() -> None:
    stream = sender(dtx=True)
    said = np.concatenate((speech(seconds=1), np.zeros(3 * 16_000, np.float32), speech(seconds=1)))
    sent = stream.push(said)
    assert len(sent) < 0.65 * len(said) / 320
    numbers = np.diff([packet.sequence for packet in sent]) % 65_536
    assert set(numbers) == {1}
    gaps = np.diff([packet.timestamp for packet in sent]) % 2**32
    assert max(gaps) >= 10 * 960
    resumed = [n + 1 for n, gap in enumerate(gaps) if gap > 960]
    assert all(sent[number].marker for number in resumed)
    decoder = Decoder(16_000)
    assert all(len(decoder.decode(packet.payload)) == 320 for packet in sent)
