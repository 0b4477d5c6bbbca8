import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.audio import libopus
from allears.wire import bitfile, opus
from allears.wire.errors import ParseError
from allears.wire.opus import CONFIGURATIONS, Mode, OpusPacket
from tests.real import REFERENCE, needs_reference, packets


def test_configurations_are_the_rfc_table() -> None:
    """RFC 6716, table 2, spot by spot."""
    assert CONFIGURATIONS[0] == (Mode.SILK, "nb", 480)
    assert CONFIGURATIONS[7] == (Mode.SILK, "mb", 2880)
    assert CONFIGURATIONS[9] == (Mode.SILK, "wb", 960)
    assert CONFIGURATIONS[12] == (Mode.HYBRID, "swb", 480)
    assert CONFIGURATIONS[15] == (Mode.HYBRID, "fb", 960)
    assert CONFIGURATIONS[16] == (Mode.CELT, "nb", 120)
    assert CONFIGURATIONS[23] == (Mode.CELT, "wb", 960)
    assert CONFIGURATIONS[31] == (Mode.CELT, "fb", 960)


@pytest.mark.parametrize("frame_ms", libopus.FRAME_MS)
def test_real_packets_come_back_as_they_were(frame_ms: float) -> None:
    for data in packets(32_000, True, frame_ms):
        packet = OpusPacket.parse(data)
        assert bytes(packet) == data
        assert packet.ticks == opus.duration(data) == round(48 * frame_ms)


def library_says(packet: bytes) -> int:
    function = libopus._library().opus_packet_has_lbrr
    function.argtypes = (ctypes.c_char_p, ctypes.c_int32)
    return int(function(packet, len(packet)))


@pytest.mark.parametrize("frame_ms", [10, 20, 40, 60])
def test_lbrr_is_seen_where_libopus_sees_it(frame_ms: float) -> None:
    real = packets(32_000, True, frame_ms)
    seen = [opus.has_lbrr(packet) for packet in real]
    assert seen == [library_says(packet) == 1 for packet in real]
    assert any(seen) and not all(seen)
    padded = [bytes(OpusPacket.parse(packet).with_padding(bytes(9))) for packet in real]
    assert [opus.has_lbrr(packet) for packet in padded] == seen


@given(st.binary(max_size=400))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    try:
        packet = OpusPacket.parse(data)
    except ParseError:
        return
    again = OpusPacket.parse(bytes(packet))
    assert again == packet
    assert 120 <= packet.ticks <= 5760


@given(st.binary(min_size=2, max_size=60), st.integers(0, 1200))
def test_padding_of_any_length_comes_back(frame: bytes, size: int) -> None:
    packet = OpusPacket(9, False, 0, (frame,)).with_padding(bytes(size))
    data = bytes(packet)
    assert OpusPacket.parse(data) == packet
    assert bytes(OpusPacket.parse(data)) == data


def test_what_libopus_accepts_is_what_we_accept() -> None:
    """Every two-byte beginning with some body: libopus' own frame count is the judge."""
    judge = libopus._library().opus_packet_parse
    sizes = (ctypes.c_int16 * 48)()
    for toc in range(256):
        for second in range(0, 256, 3):
            data = bytes([toc, second]) + bytes(range(1, 80))
            frames = judge(data, ctypes.c_int32(len(data)), None, None, sizes, None)
            try:
                ours = [len(frame) for frame in OpusPacket.parse(data).frames]
            except ParseError:
                assert frames < 0, data[:2].hex()
            else:
                assert ours == list(sizes[:frames]), data[:2].hex()


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "empty"),
        (b"\x4b", "frame count"),
        (b"\x4b\x00", "0 frames"),
        (b"\x4b\x3f\x00", "63 frames"),
        (b"\x49\x00\x01", ""),
        (b"\x49\x00\x01\x02", "R3"),
        (b"\x4a\xfc", "R4"),
        (b"\x4a\x05\x00", "R4"),
        (b"\x4b\x41\xff\xff", "padding"),
        (b"\x4b\x41\x7f", "R6"),
        (b"\x4b\x02\x00", "R6"),
        (b"\x48" + bytes(1276), "R2"),
    ],
)
def test_broken_rules_are_named(data: bytes, rule: str) -> None:
    if not rule:
        OpusPacket.parse(data)
        return
    with pytest.raises(ParseError, match=rule):
        OpusPacket.parse(data)


@needs_reference
def test_every_reference_packet_comes_back_as_it_was() -> None:
    stored = bitfile.parse((REFERENCE / "jfk/packets.bit").read_bytes())
    assert len(stored) == 550
    for packet in stored:
        assert bytes(OpusPacket.parse(packet.payload)) == packet.payload
