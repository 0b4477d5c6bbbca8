"""The Opus packets in a file, be it a `.bit` file, a capture or a container, each laid open."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from allears.audio.files import opus_packets
from allears.cli.arguments import read_bytes
from allears.errors import AllearsError
from allears.wire import bitfile, inspection, opus, pcap, rtcp
from allears.wire.dred import EntropyTables
from allears.wire.dred_format import DredFormat
from allears.wire.errors import ParseError
from allears.wire.inspection import PacketReport
from allears.wire.opus import CLOCK_RATE
from allears.wire.rtp import RtpPacket

CAPTURE_MAGICS = (b"\xa1\xb2", b"\xd4\xc3", b"\x4d\x3c", b"\x0a\x0d\x0d\x0a")
CONTAINER_MAGICS = (b"OggS", b"\x1aE\xdf\xa3")

GIVE_PACKETS = "give a .bit, .pcap, .pcapng, .opus or .webm file"


class InspectError(AllearsError):
    """A file that cannot be inspected; the message names it and says what can."""


@dataclass(frozen=True, slots=True)
class Found:
    """A payload in a file: when, which RTP packet it came in, and the encoder's final range.

    An empty one stands for a packet that was not sent.
    """

    time: float
    payload: bytes
    is_red: bool = False
    rtp: RtpPacket | None = None
    final_range: int | None = None


@dataclass(frozen=True, slots=True)
class Packet:
    """A payload by its number in the file, what stands in it, and what of it could not be read."""

    number: int
    found: Found
    report: PacketReport | None
    trouble: str | None


def lay_open(
    file: Path, opus_type: int, red_type: int, tables: Mapping[DredFormat, EntropyTables]
) -> Iterator[Packet]:
    """Every packet of a file; raises InspectError where there can be none.

    `tables` are those of the models whose DRED can be read.
    """
    for number, found in enumerate(_find(file, opus_type, red_type)):
        report, trouble = None, None
        if found.payload:
            try:
                report = inspection.inspect(found.payload, is_red=found.is_red, own_tables=tables)
                trouble = report.trouble
            except ParseError as error:
                trouble = str(error)
        yield Packet(number, found, report, trouble)


def _find(file: Path, opus_type: int, red_type: int) -> Iterator[Found]:
    data = read_bytes(file)
    if not data:
        raise InspectError(f"{file}: the file is empty; {GIVE_PACKETS}")
    if data.startswith(CONTAINER_MAGICS):
        return _in_container(file)
    if data.startswith(CAPTURE_MAGICS):
        return _in_capture(file, data, opus_type, red_type)
    return _in_bits(file, data)


def _in_container(file: Path) -> Iterator[Found]:
    ticks = 0
    for payload in opus_packets(file):
        yield Found(ticks / CLOCK_RATE, payload)
        ticks += _ticks(payload)


def _in_bits(file: Path, data: bytes) -> Iterator[Found]:
    try:
        packets = bitfile.parse(data)
    except ParseError as error:
        why = f"cut off, or no file of packets ({error})"
        raise InspectError(f"{file}: {why}; {GIVE_PACKETS}") from None
    now, ticks = 0, CLOCK_RATE // 50
    for packet in packets:
        yield Found(now / CLOCK_RATE, packet.payload, final_range=packet.final_range)
        ticks = _ticks(packet.payload) if packet.payload else ticks
        now += ticks


def _in_capture(file: Path, data: bytes, opus_type: int, red_type: int) -> Iterator[Found]:
    try:
        datagrams = pcap.parse(data)
    except ParseError as error:
        raise InspectError(f"{file}: {error}; capture it again") from None
    seen: set[int] = set()
    begin = None
    for datagram in datagrams:
        if rtcp.is_rtcp(datagram.payload):
            continue
        try:
            packet = RtpPacket.parse(datagram.payload)
        except ParseError:
            continue  # somebody else's datagram
        seen.add(packet.payload_type)
        if packet.payload_type not in (opus_type, red_type):
            continue
        begin = datagram.time if begin is None else begin
        yield Found(datagram.time - begin, packet.payload, packet.payload_type == red_type, packet)
    if not seen:
        raise InspectError(f"{file}: there is no RTP in it; capture the UDP packets of a call")
    if begin is None:
        types = ", ".join(map(str, sorted(seen)))
        raise InspectError(
            f"{file}: no RTP of payload type {opus_type} or {red_type}, but of {types}: say which "
            "with --opus-type and --red-type"
        )


def _ticks(payload: bytes) -> int:
    """How long a packet lasts; 20 ms where it does not say."""
    try:
        return opus.duration(payload)
    except ParseError:
        return CLOCK_RATE // 50
