import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from allears.wire.errors import ParseError
from allears.wire.rtp import (
    ExtensionElement,
    HeaderExtension,
    RtpPacket,
    Unwrapper,
    difference,
)

quick = settings(deadline=None)

PLAIN = bytes.fromhex("80ef1234 000003c0 deadbeef") + b"opus"
# Version 2, padding, extension, two sources; one word of extension; three bytes of padding.
FULL = (
    bytes.fromhex("b26f0001 00000002 00000003 0000000a 0000000b")
    + bytes.fromhex("bede0001 10ff0000")
    + b"payload"
    + bytes([0, 0, 3])
)

words = st.integers(0, 0xFFFFFFFF)
# Plain values: type checks sample tuples at random, which strategies may not do.
fields = st.fixed_dictionaries(
    {
        "payload_type": st.integers(0, 127),
        "sequence": st.integers(0, 0xFFFF),
        "timestamp": words,
        "ssrc": words,
        "payload": st.binary(max_size=60),
        "marker": st.booleans(),
        "csrcs": st.lists(words, max_size=15).map(tuple),
        "padding": st.integers(0, 255),
    }
)
extensions = st.builds(
    HeaderExtension,
    st.integers(0, 0xFFFF),
    st.binary(max_size=40).map(lambda data: data[: len(data) // 4 * 4]),
)
elements = st.lists(
    st.builds(ExtensionElement, st.integers(1, 255), st.binary(max_size=255)), max_size=5
)


def test_reads_the_fixed_header():
    packet = RtpPacket.parse(PLAIN)
    assert packet == RtpPacket(111, 0x1234, 960, 0xDEADBEEF, b"opus", marker=True)
    assert bytes(packet) == PLAIN


def test_reads_sources_extension_and_padding():
    packet = RtpPacket.parse(FULL)
    assert packet.csrcs == (10, 11)
    assert packet.extension == HeaderExtension(0xBEDE, b"\x10\xff\0\0")
    assert packet.extension.elements() == (ExtensionElement(1, b"\xff"),)
    assert (packet.payload, packet.padding, packet.marker) == (b"payload", 3, False)
    assert bytes(packet) == FULL


def test_padding_content_is_not_kept():
    dirty = FULL[:-3] + b"ab\x03"
    assert RtpPacket.parse(dirty) == RtpPacket.parse(FULL)


@quick
@given(fields, st.none() | extensions)
def test_round_trip(fields, extension):
    packet = RtpPacket(**fields, extension=extension)
    assert RtpPacket.parse(bytes(packet)) == packet


@quick
@given(st.binary(max_size=100) | st.binary(max_size=60).map(lambda tail: b"\xb1" + tail))
@example(FULL)
def test_any_bytes_are_read_or_refused(data):
    try:
        packet = RtpPacket.parse(data)
    except ParseError:
        return
    end = len(data) - packet.padding
    tail = data[-1:] if packet.padding else b""
    assert bytes(packet) == data[:end] + bytes(max(0, packet.padding - 1)) + tail
    if packet.extension is not None:
        try:
            packet.extension.elements()
        except ParseError:
            return


def test_every_truncation_of_the_header_is_refused():
    payload_at = FULL.index(b"payload")
    for end in range(payload_at):
        with pytest.raises(ParseError):
            RtpPacket.parse(FULL[:end])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "needs 12 bytes, here are 0"),
        (PLAIN[:11], "needs 12 bytes, here are 11"),
        (b"\x40" + PLAIN[1:], "version is 2, here 1"),
        (b"\x8f" + PLAIN[1:], "15 CSRCs end at byte 72"),
        (b"\x90" + PLAIN[1:14], "lacks its 4-byte header"),
        (b"\x90" + PLAIN[1:12] + b"\xbe\xde\0\x01", "ends at byte 20, the packet at 16"),
        (b"\xa0" + PLAIN[1:12], "no bytes claimed of 0"),
        (b"\xa0" + PLAIN[1:12] + b"\0", "0 bytes claimed of 1"),
        (b"\xa0" + PLAIN[1:12] + b"\0\x03", "3 bytes claimed of 2"),
    ],
)
def test_errors_say_which_rule_is_broken(data, message):
    with pytest.raises(ParseError, match=message):
        RtpPacket.parse(data)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("payload_type", 128),
        ("payload_type", -1),
        ("sequence", 1 << 16),
        ("timestamp", 1 << 32),
        ("ssrc", -1),
        ("padding", 256),
        ("csrcs", (0,) * 16),
        ("csrcs", (1 << 32,)),
    ],
)
def test_fields_out_of_range_are_named(field, value):
    fields = {"payload_type": 0, "sequence": 0, "timestamp": 0, "ssrc": 0, "payload": b""}
    with pytest.raises(ValueError, match=field):
        bytes(RtpPacket(**(fields | {field: value})))


@pytest.mark.parametrize(
    "extension",
    [
        HeaderExtension(0x10000, b""),
        HeaderExtension(-1, b""),
        HeaderExtension(0, b"abc"),
        HeaderExtension(0, bytes(4 * 0x10000)),
    ],
)
def test_extensions_out_of_range_are_refused(extension):
    with pytest.raises(ValueError, match="profile is 16 bits"):
        bytes(extension)


def test_one_byte_elements_as_drawn_in_the_rfc():
    """RFC 8285 §4.2: lengths 1, 2 and 4, with two bytes of padding in between."""
    data = b"\x10a" + b"\x21bc" + b"\0\0" + b"\x33defg" + b"\0"[:0]
    assert len(data) == 12
    assert HeaderExtension(0xBEDE, data).elements() == ((1, b"a"), (2, b"bc"), (3, b"defg"))


def test_two_byte_elements_as_drawn_in_the_rfc():
    """RFC 8285 §4.3: lengths 0, 1 and 4, with one byte of padding in between."""
    data = b"\x01\0" + b"\x02\x01b" + b"\0" + b"\x03\x04defg"
    assert len(data) == 12
    for profile in (0x1000, 0x100F):
        assert HeaderExtension(profile, data).elements() == ((1, b""), (2, b"b"), (3, b"defg"))


@pytest.mark.parametrize("stop", [b"\xf0", b"\xff", b"\x01"])
def test_one_byte_elements_stop_at_reserved_ids(stop):
    extension = HeaderExtension(0xBEDE, b"\x10a" + stop + b"\x20b\0\0\0")
    assert extension.elements() == ((1, b"a"),)


@pytest.mark.parametrize(
    ("extension", "message"),
    [
        (HeaderExtension(0xBEDE, b"\x13abc"), "ends at byte 5 of 4"),
        (HeaderExtension(0x1000, b"\x01\x03ab"), "ends at byte 5 of 4"),
        (HeaderExtension(0x1000, b"\0\0\0\x01"), "ends at byte 5 of 4"),
        (HeaderExtension(0xABCD, b""), "0xabcd is not one of RFC 8285's"),
    ],
)
def test_broken_elements_are_refused(extension, message):
    with pytest.raises(ParseError, match=message):
        extension.elements()


@quick
@given(elements)
def test_elements_round_trip(wanted):
    extension = HeaderExtension.from_elements(wanted)
    assert extension.elements() == tuple(wanted)
    assert len(bytes(extension)) % 4 == 0


@pytest.mark.parametrize(
    ("element", "profile"),
    [
        ((14, bytes(16)), 0xBEDE),
        ((1, b"a"), 0xBEDE),
        ((15, b"a"), 0x1000),
        ((1, b""), 0x1000),
        ((1, bytes(17)), 0x1000),
    ],
)
def test_the_short_form_is_taken_where_it_fits(element, profile):
    extension = HeaderExtension.from_elements([ExtensionElement(*element)])
    assert extension.profile == profile


@pytest.mark.parametrize("element", [(0, b"a"), (256, b"a"), (1, bytes(256))])
def test_elements_out_of_range_are_refused(element):
    with pytest.raises(ValueError, match="id 1-255, at most 255"):
        HeaderExtension.from_elements([ExtensionElement(*element)])


def test_unwrapping_a_sequence():
    unwrapper = Unwrapper(16)
    seen = [65534, 65535, 1, 0, 65533, 2, 32768, 40000]
    unwrapped = [65534, 65535, 65537, 65536, 65533, 65538, 98304, 105536]
    assert [unwrapper.unwrap(value) for value in seen] == unwrapped


def test_late_values_do_not_move_the_reference_back():
    unwrapper = Unwrapper(16)
    assert unwrapper.unwrap(100) == 100
    assert unwrapper.unwrap(100 - 30000 + 65536) == 100 - 30000
    # Counted from the late value this would be a wrap too low.
    assert unwrapper.unwrap(100 + 30000) == 100 + 30000


@quick
@given(
    st.sampled_from([8, 16, 32]),
    st.integers(0, 255),
    st.lists(st.floats(-0.5, 0.499), max_size=60),
)
def test_unwrapping_recovers_any_walk(bits, first, steps):
    unwrapper = Unwrapper(bits)
    newest = first
    assert unwrapper.unwrap(first) == first
    for step in steps:
        value = newest + int(step * 2**bits)
        assert unwrapper.unwrap(value % 2**bits) == value
        newest = max(newest, value)


@pytest.mark.parametrize("value", [-1, 1 << 16])
def test_unwrapping_refuses_values_beyond_the_counter(value):
    with pytest.raises(ValueError, match="16 bits"):
        Unwrapper(16).unwrap(value)


def test_difference_is_signed_and_nearest():
    assert difference(5, 3, 16) == 2
    assert difference(3, 5, 16) == -2
    assert difference(1, 65535, 16) == 2
    assert difference(65535, 1, 16) == -2
    assert difference(32767, 0, 16) == 32767
    assert difference(32768, 0, 16) == -32768
    assert difference(0, 0xFFFFFFFF, 32) == 1


@given(words, words)
def test_difference_undoes_addition(a, b):
    assert (b + difference(a, b, 32)) % 2**32 == a
