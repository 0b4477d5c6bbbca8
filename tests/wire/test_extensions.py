import ctypes
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.audio import libopus
from allears.wire import bitfile, extensions
from allears.wire.errors import ParseError
from allears.wire.extensions import Extension
from allears.wire.opus import OpusPacket
from tests.real import REFERENCE, needs_reference, packets


def repacketised(*group: bytes) -> bytes:
    """Packets merged into one by libopus, which regenerates their extensions in its own way."""
    library = libopus._library()
    library.opus_repacketizer_create.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(library.opus_repacketizer_create())
    buffers = [ctypes.create_string_buffer(packet, len(packet)) for packet in group]
    for buffer in buffers:
        assert library.opus_repacketizer_cat(handle, buffer, ctypes.c_int32(len(buffer))) == 0
    out = ctypes.create_string_buffer(8000)
    size = library.opus_repacketizer_out(handle, out, ctypes.c_int32(len(out)))
    assert size > 0
    library.opus_repacketizer_destroy(handle)
    return out.raw[:size]


def carrying(packet: bytes, *found: Extension) -> bytes:
    return bytes(OpusPacket.parse(packet).with_padding(extensions.serialise(found)))


CASES = [
    [[Extension(126, 0, b"D\x0c" + bytes(30))]],
    [[Extension(126, 0, b"one")], [Extension(126, 0, b"two")]],
    [[Extension(33, 0, b"same")], [Extension(33, 0, b"kind")], [Extension(33, 0, b"thrice")]],
    [
        [Extension(5, 0, b"\x07"), Extension(40, 0, bytes(300)), Extension(9, 0, b"")],
        [Extension(5, 0, b"\x08"), Extension(40, 0, b"x"), Extension(9, 0, b"")],
        [Extension(5, 0, b"\x09"), Extension(40, 0, b"yz"), Extension(9, 0, b"")],
    ],
    [
        [Extension(40, 0, b"long"), Extension(5, 0, b"\x01")],
        [Extension(40, 0, b"longer"), Extension(5, 0, b"\x02")],
        [Extension(40, 0, b"longest"), Extension(5, 0, b"\x03")],
    ],
    [[], [Extension(3, 0, b"\xff")], [], [Extension(126, 0, bytes(255))]],
    [[], [], [], [], [Extension(127, 0, b"")]],
]


@pytest.mark.parametrize("groups", CASES)
def test_libopus_carries_over_what_we_wrote(groups: list[list[Extension]]) -> None:
    """What we serialise, libopus reads and writes anew, with separators and repeats of its own."""
    source = packets()[100 : 100 + len(groups)]
    merged = repacketised(*(carrying(p, *e) for p, e in zip(source, groups, strict=True)))
    packet = OpusPacket.parse(merged)
    assert [bytes(f) for f in packet.frames] == [OpusPacket.parse(p).frames[0] for p in source]
    found = extensions.parse(packet.padding or b"", len(packet.frames))
    wanted = {
        Extension(each.id, frame, each.data) for frame, group in enumerate(groups) for each in group
    }
    assert set(found) == wanted and len(found) == len(wanted)


def test_libopus_uses_the_repeat_form() -> None:
    """Else the test above would not have tried it."""
    source = packets()[100:103]
    merged = repacketised(*(carrying(p, Extension(33, 0, b"same")) for p in source))
    heads = (OpusPacket.parse(merged).padding or b"")[:8]
    assert any(head >> 1 == extensions.REPEAT for head in heads)


def test_our_padding_does_not_change_what_libopus_decodes() -> None:
    bare, padded = libopus.Decoder(16_000), libopus.Decoder(16_000)
    for packet in packets():
        carried = carrying(packet, Extension(126, 0, b"D\x0c" + packet[:40]), Extension(3, 0, b"x"))
        assert (bare.decode(packet) == padded.decode(carried)).all()
        assert bare.final_range == padded.final_range


extension = st.tuples(st.integers(3, 127), st.integers(0, 5), st.binary(max_size=600)).filter(
    lambda each: each[0] >= 32 or len(each[2]) < 2
)


@given(st.lists(extension, max_size=8), st.integers(0, 40))
def test_round_trip(parts: list[tuple[int, int, bytes]], spare: int) -> None:
    wanted = sorted((Extension(*part) for part in parts), key=lambda each: each.frame)
    body = extensions.serialise(wanted)
    assert list(extensions.parse(body, 6)) == wanted
    filled = extensions.serialise(wanted, len(body) + spare)
    assert len(filled) == len(body) + spare
    assert list(extensions.parse(filled, 6)) == wanted


@given(st.binary(max_size=300), st.integers(1, 48))
def test_any_bytes_parse_or_are_refused(data: bytes, frames: int) -> None:
    try:
        found = extensions.parse(data, frames)
    except ParseError:
        return
    assert all(each.frame < frames for each in found)
    assert sum(len(each.data) for each in found) <= len(data)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        extensions.serialise([Extension(126, 0, b"abc")], 2)
    with pytest.raises(ValueError, match="short"):
        extensions.serialise([Extension(5, 0, b"ab")])
    with pytest.raises(ValueError, match="id 2"):
        extensions.serialise([Extension(2, 0, b"")])
    with pytest.raises(ParseError, match="frame 1"):
        extensions.parse(b"\x02\x08", 1)


@needs_reference
def test_every_reference_extension_comes_back_as_it_was() -> None:
    stored = bitfile.parse((REFERENCE / "jfk/packets.bit").read_bytes())
    listed = (REFERENCE / "jfk/opus_ext_all.lp").read_bytes()
    at = 0
    seen = 0
    for number, record in enumerate(stored):
        packet = OpusPacket.parse(record.payload)
        found = extensions.parse(packet.padding or b"", len(packet.frames))
        assert extensions.serialise(found) == (packet.padding or b"")
        for each in found:
            index, _, ident, frame, size = struct.unpack_from(">IHBBI", listed, at)
            data = listed[at + 12 : at + 12 + size]
            assert (index, Extension(ident, frame, data)) == (number, each)
            at += 12 + size
            seen += 1
    assert at == len(listed) and seen == 547
