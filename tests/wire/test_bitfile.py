from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allears.wire.bitfile import MAX_PACKET, BitPacket, parse, serialise
from allears.wire.errors import ParseError

quick = settings(deadline=None)

WIRE = bytes.fromhex("00000002 12345678 aabb 00000000 00000000 00000001 ffffffff cc")
PACKETS = [BitPacket(b"\xaa\xbb", 0x12345678), BitPacket(b"", 0), BitPacket(b"\xcc", 0xFFFFFFFF)]
BOUNDARIES = (0, 10, 18, 27)

packets = st.builds(BitPacket, st.binary(max_size=40), st.integers(0, 0xFFFFFFFF))


@pytest.fixture
def speech() -> bytes:
    """Eleven seconds of speech as opus_demo wrote it."""
    shared = Path(__file__).parents[2].parent / "shared"
    path = shared / "interop" / "opus" / "jfk" / "packets.bit"
    if not path.exists():
        pytest.skip("no interoperability data beside the checkout")
    return path.read_bytes()


def test_reads_packets_and_final_ranges():
    assert parse(WIRE) == PACKETS
    assert serialise(PACKETS) == WIRE
    assert parse(b"") == []


def test_reads_what_opus_demo_wrote(speech):
    packets = parse(speech)
    assert len(packets) == 550  # 11 s in 20 ms packets
    assert packets[0].final_range == 0x07BE664E
    assert serialise(packets) == speech


@quick
@given(st.lists(packets, max_size=10))
def test_round_trip(packets):
    assert parse(serialise(packets)) == packets


@quick
@given(st.binary(max_size=80) | st.binary(max_size=40).map(lambda tail: WIRE + tail))
def test_any_bytes_are_read_whole_or_refused(data):
    try:
        packets = parse(data)
    except ParseError:
        return
    assert serialise(packets) == data


def test_every_truncation_is_refused_but_between_packets():
    for end in range(len(WIRE)):
        if end in BOUNDARIES:
            assert parse(WIRE[:end]) == PACKETS[: BOUNDARIES.index(end)]
        else:
            with pytest.raises(ParseError):
                parse(WIRE[:end])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (WIRE[:12], "packet 1 at byte 10: record header needs 8 bytes, 2 left"),
        (WIRE[:-1], "packet 2 at byte 18: 1 bytes promised, 0 left"),
        (WIRE + b"\0\1\0\0\0\0\0\0", "packet 3 at byte 27: length 65536 is over 65535"),
    ],
)
def test_errors_name_packet_and_offset(data, message):
    with pytest.raises(ParseError, match=message):
        parse(data)


def test_the_longest_packet_passes():
    packets = [BitPacket(bytes(MAX_PACKET), 1)]
    assert parse(serialise(packets)) == packets


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        (BitPacket(bytes(MAX_PACKET + 1), 0), "packet 0: 65536 bytes"),
        (BitPacket(b"", -1), "packet 0: final range -1"),
        (BitPacket(b"", 1 << 32), "packet 0: final range 4294967296"),
    ],
)
def test_what_does_not_fit_is_refused(packet, message):
    with pytest.raises(ValueError, match=message):
        serialise([packet])
