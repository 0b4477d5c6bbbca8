import struct

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from allears.wire.errors import ParseError
from allears.wire.pcap import Datagram, parse, serialise

quick = settings(deadline=None)

# From 192.0.2.1:5004 to 198.51.100.2:5006, and from 2001:db8::1:5004 to 2001:db8::2:5006.
UDP = struct.pack(">HHHH", 5004, 5006, 12, 0) + b"opus"
HOSTS4 = bytes([192, 0, 2, 1]) + bytes([198, 51, 100, 2])
HOSTS6 = bytes.fromhex("20010db8000000000000000000000001 20010db8000000000000000000000002")
ENDS4 = (("192.0.2.1", 5004), ("198.51.100.2", 5006))
ENDS6 = (("2001:db8::1", 5004), ("2001:db8::2", 5006))
MACS = bytes(12)


def ipv4(body=UDP, *, options=b"", fragment=0, protocol=17, total=None):
    header = 20 + len(options)
    total = header + len(body) if total is None else total
    first = 0x40 | header // 4
    fields = struct.pack(">BBHHHBBH", first, 0, total, 1, fragment, 64, protocol, 0)
    return fields + HOSTS4 + options + body


def ipv6(body=UDP, *, following=17, length=None):
    length = len(body) if length is None else length
    return struct.pack(">IHBB", 6 << 28, length, following, 64) + HOSTS6 + body


IPV4, IPV6 = ipv4(), ipv6()


def classic(*frames, link=101, magic=0xA1B2C3D4, order="<", fraction=250_000):
    records = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)]
    for frame in frames:
        records.append(struct.pack(order + "IIII", 1, fraction, len(frame), len(frame)) + frame)
    return b"".join(records)


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def section(order="<"):
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(link=101, *options, snap=0, order="<"):
    return block(1, struct.pack(order + "HHI", link, 0, snap) + b"".join(options), order)


def enhanced(frame, ticks=1_250_000, number=0, order="<", length=None):
    length = len(frame) if length is None else length
    halves = ticks >> 32, ticks & 0xFFFFFFFF
    return block(
        6, struct.pack(order + "IIIII", number, *halves, length, len(frame)) + frame, order
    )


def simple(frame, length=None, order="<"):
    return block(
        3, struct.pack(order + "I", len(frame) if length is None else length) + frame, order
    )


def times(data):
    return [datagram.time for datagram in parse(data)]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("magic", "fraction"), [(0xA1B2C3D4, 250_000), (0xA1B23C4D, 250_000_000)])
def test_classic_files_in_either_order_and_resolution(order, magic, fraction):
    data = classic(IPV4, IPV6, magic=magic, order=order, fraction=fraction)
    assert parse(data) == [Datagram(1.25, *ENDS4, b"opus"), Datagram(1.25, *ENDS6, b"opus")]


def test_a_capture_without_frames_has_no_datagrams():
    assert parse(classic()) == []
    assert parse(section()) == []
    assert parse(classic(link=105)) == []


@pytest.mark.parametrize(
    ("link", "before"),
    [
        (1, MACS + b"\x08\x00"),
        (1, MACS + b"\x81\x00\x00\x07" + b"\x08\x00"),
        (1, MACS + b"\x88\xa8\x00\x07" + b"\x81\x00\x00\x08" + b"\x08\x00"),
        (1 | 1 << 28, MACS + b"\x08\x00"),  # with the length of a frame check sequence
        (113, bytes(14) + b"\x08\x00"),
        (113, bytes(14) + b"\x81\x00\x00\x07\x08\x00"),
        (276, b"\x08\x00" + bytes(18)),
        (276, b"\x81\x00" + bytes(18) + b"\x00\x07\x08\x00"),
        (0, b"\x02\0\0\0"),
        (0, b"\0\0\0\x02"),
        (108, b"\0\0\0\x02"),
        (101, b""),
        (228, b""),
    ],
)
def test_link_types(link, before):
    # Bytes after the IP packet pad a short frame, or check it.
    assert parse(classic(before + IPV4 + b"pad", link=link)) == [Datagram(1.25, *ENDS4, b"opus")]


@pytest.mark.parametrize(
    ("link", "before"),
    [
        (1, MACS + b"\x86\xdd"),
        (113, bytes(14) + b"\x86\xdd"),
        (276, b"\x86\xdd" + bytes(18)),
        (0, b"\x1e\0\0\0"),
        (0, b"\x18\0\0\0"),
        (0, b"\x17\0\0\0"),
        (0, b"\0\0\0\x0a"),
        (108, b"\0\0\0\x1c"),
        (229, b""),
    ],
)
def test_link_types_of_ipv6(link, before):
    assert parse(classic(before + IPV6, link=link)) == [Datagram(1.25, *ENDS6, b"opus")]


def test_unknown_link_types_are_refused_if_there_is_nothing_else():
    with pytest.raises(ParseError, match="link type 105"):
        parse(classic(b"radio", link=105))
    mixed = section() + interface(105) + interface(101) + enhanced(b"radio") + enhanced(IPV4, 0, 1)
    assert parse(mixed) == [Datagram(0.0, *ENDS4, b"opus")]


OPTIONS_HEADER = bytes([17, 0]) + bytes(6)
LONG_OPTIONS_HEADER = bytes([17, 1]) + bytes(14)
AUTHENTICATION_HEADER = bytes([17, 1]) + bytes(10)
WHOLE_FRAGMENT = bytes([17, 0, 0, 0]) + bytes(4)


@pytest.mark.parametrize(
    "packet",
    [
        ipv4(options=bytes(4)),
        ipv4(options=bytes(40)),
        ipv4(fragment=0x4000),  # "don't fragment"
        ipv4(UDP + b"trailer"),
    ],
)
def test_ipv4_headers(packet):
    assert parse(classic(packet)) == [Datagram(1.25, *ENDS4, b"opus")]


@pytest.mark.parametrize(
    "packet",
    [
        ipv6(OPTIONS_HEADER + UDP, following=0),
        ipv6(LONG_OPTIONS_HEADER + UDP, following=60),
        ipv6(OPTIONS_HEADER + UDP, following=43),
        ipv6(AUTHENTICATION_HEADER + UDP, following=51),
        ipv6(WHOLE_FRAGMENT + UDP, following=44),
        ipv6(bytes([60, 0]) + bytes(6) + LONG_OPTIONS_HEADER + UDP, following=0),
    ],
)
def test_ipv6_extension_headers(packet):
    assert parse(classic(packet)) == [Datagram(1.25, *ENDS6, b"opus")]


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x50" + IPV4[1:],  # IP version 5
        ipv4(protocol=6),
        ipv4(fragment=0x2000),  # the first of several
        ipv4(fragment=0x0001),
        ipv4(total=19),
        ipv4(total=33),
        b"\x44" + IPV4[1:],  # a header of 16 bytes
        ipv4(UDP[:7]),
        ipv4(UDP[:4] + b"\0\x07" + UDP[6:]),  # shorter than its own header
        ipv4(UDP[:4] + b"\0\x0d" + UDP[6:]),
        ipv6(following=6),
        ipv6(following=59),
        ipv6(length=13),
        ipv6(b"", following=0),
        ipv6(OPTIONS_HEADER, following=0),
        ipv6(LONG_OPTIONS_HEADER[:8], following=0),
        ipv6(bytes([17, 0, 0, 1]) + bytes(4) + UDP, following=44),
        ipv6(bytes([17, 0, 0, 8]) + bytes(4) + UDP, following=44),
    ],
)
def test_other_traffic_is_left_out(packet):
    assert parse(classic(packet, IPV4)) == [Datagram(1.25, *ENDS4, b"opus")]


@pytest.mark.parametrize("link", [0, 1, 101, 108, 113, 228, 229, 276])
def test_frames_cut_short_are_left_out(link):
    starts = {0: b"\x02\0\0\0", 1: MACS + b"\x81\0\0\x07\x08\0", 108: b"\0\0\0\x02"}
    starts |= {113: bytes(14) + b"\x08\0", 276: b"\x08\0" + bytes(18)}
    frame = starts.get(link, b"") + IPV4
    assert parse(classic(*(frame[:end] for end in range(len(frame))), link=link)) == []


def test_other_ethernet_frames_are_left_out():
    arp, llc = MACS + b"\x08\x06" + IPV4, MACS + b"\x00\x20" + IPV4
    assert parse(classic(arp, llc, link=1)) == []
    assert parse(classic(b"\x07\0\0\0" + IPV4, link=0)) == []


@pytest.mark.parametrize("order", "<>")
def test_pcapng_packets(order):
    data = section(order) + interface(order=order)
    data += enhanced(IPV4, order=order) + simple(IPV6, order=order)
    # The simple packet has no time of its own.
    assert parse(data) == [Datagram(1.25, *ENDS4, b"opus"), Datagram(1.25, *ENDS6, b"opus")]


def test_pcapng_sections_have_their_own_order_and_interfaces():
    data = section("<") + interface(1) + enhanced(MACS + b"\x08\x00" + IPV4)
    data += section(">") + interface(101, order=">") + enhanced(IPV4, 500_000, order=">")
    assert times(data) == [1.25, 0.5]
    with pytest.raises(ParseError, match="interface 0 was never described"):
        parse(data + section() + simple(IPV4))


def test_pcapng_unknown_blocks_are_skipped():
    data = section() + block(5, bytes(20)) + interface() + block(0xBAD, b"") + enhanced(IPV4)
    assert times(data) == [1.25]


@pytest.mark.parametrize(
    ("options", "ticks", "time"),
    [
        ([], 1_250_000, 1.25),
        ([option(9, b"\x06")], 1_250_000, 1.25),
        ([option(9, b"\x09")], 1_700_000_000_250_000_000, 1_700_000_000.25),
        ([option(9, b"\x00")], 3, 3.0),
        ([option(9, b"\x8a")], 1280, 1.25),
        ([option(9, b"\x7f")], 1, 1e-127),
        ([option(9, b"\xff")], 1 << 63, 2.0**-64),
        ([option(14, struct.pack("<q", -1))], 1_250_000, 0.25),
        ([option(2, b"eth0"), option(9, b"\x03"), option(0, b""), option(9, b"\x09")], 1250, 1.25),
    ],
)
def test_pcapng_clocks(options, ticks, time):
    assert times(section() + interface(101, *options) + enhanced(IPV4, ticks)) == [time]


def test_pcapng_simple_packets_stop_at_the_snap_length():
    data = section() + interface(101, snap=len(IPV4)) + simple(IPV4, length=1000)
    assert times(data) == [0.0]


CLASSIC = classic(IPV4, IPV6)
PCAPNG = section() + interface(101, option(9, b"\x06")) + enhanced(IPV4) + simple(IPV6)


@pytest.mark.parametrize(
    ("data", "boundaries"),
    [
        (CLASSIC, {24: 0, 24 + 16 + len(IPV4): 1}),
        (PCAPNG, {28: 0, 28 + 28: 0, 28 + 28 + 32 + len(IPV4): 1}),
    ],
    ids=["pcap", "pcapng"],
)
def test_every_truncation_is_refused_but_between_records(data, boundaries):
    assert len(parse(data)) == 2
    for end in range(len(data)):
        if end in boundaries:
            assert len(parse(data[:end])) == boundaries[end]
        else:
            with pytest.raises(ParseError, match=r"^byte \d+: "):
                parse(data[:end])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "byte 0: nothing begins neither"),
        (b"RIFF1234", "byte 0: 52494646 begins neither"),
        (classic(IPV4)[:-1], "byte 24: pcap record of 32 bytes has 31 left"),
        (classic(IPV4) + bytes(15), "byte 72: pcap record header is cut off"),
        (section()[:8] + b"abcd", "byte 0: pcapng block has byte-order magic 61626364"),
        (section() + block(1, b""), "byte 28: pcapng block needs 8 bytes, 0 left"),
        (section() + b"\5\0\0\0\x0d\0\0\0" + bytes(5), "byte 28: .* length 13 is no multiple of 4"),
        (section() + b"\5\0\0\0\x08\0\0\0", "byte 28: .* length 8 is no multiple of 4 from 12"),
        (section() + block(5, b"")[:8] + b"\1\0\0\0", "length 12 at its start is 1 at its end"),
        (section() + interface(101, option(9, b"")), "byte 28: pcapng block needs 1 bytes"),
        (section() + interface(101, option(14, b"abcd")), "byte 28: pcapng block needs 8 bytes"),
        (section() + interface(101, b"\x02\0\xff\0"), "option 2 of 255 bytes has 0 left"),
        (section() + enhanced(IPV4), "byte 28: pcapng block interface 0 was never described"),
        (section() + interface() + enhanced(IPV4, length=33), "promises 33 captured bytes, has 32"),
        (section() + interface() + simple(IPV4, length=33), "promises 33 captured bytes, has 32"),
    ],
)
def test_broken_files_are_refused_with_the_place(data, message):
    with pytest.raises(ParseError, match=message):
        parse(data)


starts = st.sampled_from(
    [
        b"",
        classic(),
        classic(link=1),
        classic(link=113, order=">"),
        classic(link=276),
        section(),
        section(">"),
        section() + interface(1),
        PCAPNG,
    ]
)
bodies = st.binary(max_size=80)
frames = st.lists(
    st.one_of(
        bodies,
        bodies.map(ipv4),
        st.tuples(bodies, st.integers(0, 60)).map(lambda p: ipv6(p[0], following=p[1])),
    )
)


@quick
@given(starts, st.binary(max_size=120))
def test_any_bytes_are_read_or_refused(start, tail):
    try:
        parse(start + tail)
    except ParseError:
        return


@quick
@given(frames, st.sampled_from([0, 101, 108]))
def test_any_frames_are_read_or_left_out(frames, link):
    before = b"" if link == 101 else b"\0\0\0\x02"
    assert len(parse(classic(*(before + frame for frame in frames), link=link))) <= len(frames)


@quick
@given(st.sampled_from([CLASSIC, PCAPNG]), st.integers(0), st.integers(0, 255))
def test_any_damaged_byte_is_read_or_refused(data, place, value):
    damaged = bytearray(data)
    damaged[place % len(data)] = value
    try:
        parse(bytes(damaged))
    except ParseError:
        return


ports = st.integers(0, 0xFFFF)
ends = st.one_of(
    *(
        st.tuples(st.tuples(hosts, ports), st.tuples(hosts, ports))
        for hosts in (st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str))
    )
)


@quick
@given(st.lists(st.tuples(st.floats(0, 2**32, exclude_max=True), ends, st.binary(max_size=60))))
def test_round_trip(records):
    datagrams = [Datagram(time, *ends, payload) for time, ends, payload in records]
    back = parse(serialise(datagrams))
    assert [(d.source, d.destination, d.payload) for d in back] == [
        (d.source, d.destination, d.payload) for d in datagrams
    ]
    for before, after in zip(datagrams, back, strict=True):
        assert abs(after.time - before.time) <= 0.51e-9


@quick
@given(st.floats(2**24, 2**32, exclude_max=True))
def test_times_of_today_come_back_exactly(time):
    assert times(serialise([Datagram(time, *ENDS4, b"")])) == [time]


def test_a_time_may_round_up_to_the_next_second():
    assert times(serialise([Datagram(1.9999999999, *ENDS4, b"")])) == [2.0]


def words_sum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@quick
@given(ends, st.binary(max_size=60))
def test_checksums_are_right(ends, payload):
    """RFC 1071: the words of checked data, checksum included, add up to all ones."""
    packet = serialise([Datagram(0.0, *ends, payload)])[24 + 16 :]
    if packet[0] >> 4 == 4:
        assert words_sum(packet[:20]) == 0xFFFF
        hosts, segment = packet[12:20], packet[20:]
    else:
        hosts, segment = packet[8:40], packet[40:]
    assume(len(segment) % 2 == 0)
    assert segment[6:8] != b"\0\0"
    assert words_sum(hosts + struct.pack(">HH", 17, len(segment)) + segment) == 0xFFFF


@pytest.mark.parametrize("ends", [ENDS4, ENDS6])
def test_the_longest_payload_passes(ends):
    longest = 65507 if ends is ENDS4 else 65527
    datagram = Datagram(0.0, *ends, bytes(longest))
    assert parse(serialise([datagram])) == [datagram]
    with pytest.raises(ValueError, match="too many for one UDP datagram"):
        serialise([Datagram(0.0, *ends, bytes(longest + 1))])


@pytest.mark.parametrize(
    ("datagram", "message"),
    [
        (Datagram(-1.0, *ENDS4, b""), "0 to 2\\^32 seconds"),
        (Datagram(float("nan"), *ENDS4, b""), "0 to 2\\^32 seconds"),
        (Datagram(2.0**32, *ENDS4, b""), "0 to 2\\^32 seconds"),
        (Datagram(0.0, ENDS4[0], ENDS6[1], b""), "not of one IP version"),
        (Datagram(0.0, ("example.org", 1), ENDS4[1], b""), "example.org"),
        (Datagram(0.0, ("192.0.2.1", 65536), ENDS4[1], b""), "ports are 0 to 65535"),
    ],
)
def test_what_cannot_be_written_is_refused(datagram, message):
    with pytest.raises(ValueError, match=message):
        serialise([datagram])
