"""`allears inspect`: every packet of a file, laid open."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape

from allears.audio.files import opus_packets
from allears.cli.arguments import read_bytes
from allears.errors import AllearsError
from allears.link.sender import OPUS_PAYLOAD_TYPE, RED_PAYLOAD_TYPE
from allears.wire import bitfile, inspection, opus, pcap, rtcp
from allears.wire.dred import EntropyTables
from allears.wire.errors import ParseError
from allears.wire.inspection import PacketReport
from allears.wire.opus import CLOCK_RATE
from allears.wire.rtp import RtpPacket

PCAP_MAGICS = (b"\xa1\xb2", b"\xd4\xc3", b"\x4d\x3c", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a")
CONTAINER_MAGICS = (b"OggS", b"\x1aE\xdf\xa3")


class InspectError(AllearsError):
    """A file that cannot be inspected; the message names it and says what can."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A payload in a file: when, which RTP packet it came in, and the encoder's final range."""

    time: float
    payload: bytes
    is_red: bool = False
    rtp: RtpPacket | None = None
    final_range: int | None = None


def inspect(
    file: Annotated[Path, typer.Argument(help="A .bit, .pcap, .pcapng, .opus or .webm file.")],
    as_json: Annotated[bool, typer.Option("--json", help="One object a line per packet.")] = False,
    opus_type: Annotated[
        int, typer.Option(help="RTP payload type of Opus, for captures.")
    ] = OPUS_PAYLOAD_TYPE,
    red_type: Annotated[
        int, typer.Option(help="RTP payload type of RED, for captures.")
    ] = RED_PAYLOAD_TYPE,
    dred_tables: Annotated[
        Path | None,
        typer.Option(
            help="A .npz with the entropy tables of the model that made the DRED: with it, how far "
            "back each packet reaches is known."
        ),
    ] = None,
) -> None:
    """Show what is in every packet: mode, bandwidth, frames, LBRR, RED, extensions, DRED.

    Example: `allears inspect call.pcap --json | jq .lbrr`
    """
    tables = _tables(dred_tables) if dred_tables else None
    console = Console(highlight=False, soft_wrap=True)
    totals = _Totals()
    if not as_json:
        console.print(_HEADINGS, style="bold")
    for number, found in enumerate(_find(file, opus_type, red_type)):
        try:
            report: PacketReport | None = None
            if found.payload:
                report = inspection.inspect(found.payload, is_red=found.is_red, tables=tables)
            trouble = report.trouble if report else "not sent"
        except ParseError as error:
            report, trouble = None, str(error)
        if as_json:
            print(json.dumps(_object(number, found, report, trouble)))
        else:
            console.print(_line(number, found, report, trouble))
            totals.add(found, report)
    if not as_json:
        console.print(totals.line(), style="bold")


def _find(file: Path, opus_type: int, red_type: int) -> Iterator[_Found]:
    data = read_bytes(file)
    if not data:
        raise InspectError(f"{file}: the file is empty; give a .bit, .pcap or .opus file")
    if data.startswith(CONTAINER_MAGICS):
        yield from _in_container(file)
    elif data.startswith(PCAP_MAGICS):
        yield from _in_capture(file, data, opus_type, red_type)
    else:
        yield from _in_bits(file, data)


def _in_container(file: Path) -> Iterator[_Found]:
    ticks = 0
    for payload in opus_packets(file):
        yield _Found(ticks / CLOCK_RATE, payload)
        ticks += _ticks(payload)


def _in_bits(file: Path, data: bytes) -> Iterator[_Found]:
    try:
        packets = bitfile.parse(data)
    except ParseError as error:
        raise InspectError(f"{file}: not a .bit, capture or Opus file: {error}") from None
    ticks = 0
    for packet in packets:
        yield _Found(ticks / CLOCK_RATE, packet.payload, final_range=packet.final_range)
        ticks += _ticks(packet.payload)


def _in_capture(file: Path, data: bytes, opus_type: int, red_type: int) -> Iterator[_Found]:
    try:
        datagrams = pcap.parse(data)
    except ParseError as error:
        raise InspectError(f"{file}: {error}") from None
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
        yield _Found(datagram.time - begin, packet.payload, packet.payload_type == red_type, packet)
    if begin is None:
        types = ", ".join(map(str, sorted(seen))) or "no RTP at all"
        raise InspectError(
            f"{file}: no RTP of payload type {opus_type} or {red_type}, but {types}: say which with "
            "--opus-type and --red-type"
        )


def _ticks(payload: bytes) -> int:
    try:
        return opus.duration(payload)
    except ParseError:
        return CLOCK_RATE // 50


def _tables(file: Path) -> EntropyTables:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return EntropyTables.from_arrays(dict(arrays))
    except (OSError, ValueError, AttributeError) as error:
        raise InspectError(f"{file}: no DRED entropy tables: {error}") from None


def _object(
    number: int, found: _Found, report: PacketReport | None, trouble: str | None
) -> dict[str, Any]:
    """One packet for a program to read; what is not known is null."""
    return {
        "packet": number,
        "time": round(found.time, 6),
        "bytes": len(found.payload),
        "bits": 8 * len(found.payload),
        "final_range": found.final_range,
        "rtp": _rtp(found.rtp) if found.rtp else None,
        **(_opus(report) if report else {}),
        "error": trouble,
    }


def _rtp(packet: RtpPacket) -> dict[str, Any]:
    names = ("payload_type", "sequence", "timestamp", "ssrc", "marker")
    return {name: getattr(packet, name) for name in names}


def _opus(report: PacketReport) -> dict[str, Any]:
    packet = report.opus
    return {
        "mode": packet.mode.value,
        "bandwidth": packet.bandwidth.value,
        "stereo": packet.stereo,
        "frames": len(packet.frames),
        "frame_ms": packet.frame_ticks * 1000 / CLOCK_RATE,
        "dtx": packet.is_dtx,
        "lbrr": any(packet.lbrr),
        "red": [
            {"offset_ms": block.offset * 1000 / CLOCK_RATE, "bytes": len(block.data)}
            for block in report.red
        ],
        "extensions": [
            {"id": each.id, "frame": each.frame, "bytes": len(each.data)}
            for each in report.extensions
        ],
        "dred": _dred(report),
        "covered_ms": report.covered_ms,
    }


def _dred(report: PacketReport) -> dict[str, Any] | None:
    if report.dred is None:
        return None
    header = report.dred.header
    return {
        "q0": header.q0,
        "dQ": header.dq,
        "qmax": header.qmax,
        "offset": header.offset,
        "extra": header.extra,
        "dred_offset": header.dred_offset,
        "bytes": report.dred.size,
        "bits": 8 * report.dred.size,
        "latents": report.dred.latents,
        "covered_ms": report.dred.covered_ms,
    }


_HEADINGS = (
    f"{'packet':>6} {'time':>8} {'bytes':>5} {'mode':<6} {'band':<4} {'frames':<9} {'LBRR':<4} "
    f"{'RED':<6} {'covers':>7}  extensions"
)


def _line(number: int, found: _Found, report: PacketReport | None, trouble: str | None) -> str:
    start = f"{number:>6} {found.time:>8.3f} {len(found.payload):>5}"
    if report is None:
        return f"{start} [yellow]{escape(trouble or '')}[/]"
    packet = report.opus
    frames = f"{len(packet.frames)} × {packet.frame_ticks * 1000 / CLOCK_RATE:g} ms"
    covered = "?" if report.covered_ms is None else f"{report.covered_ms:.0f} ms"
    mode = "dtx" if packet.is_dtx else packet.mode.value
    return (
        f"{start} {mode:<6} {packet.bandwidth.value:<4} {frames:<9} "
        f"{'yes' if any(packet.lbrr) else '–':<4} {len(report.red) or '–':<6} {covered:>7}  "
        f"{_extensions(report)}" + (f" [yellow]{escape(trouble)}[/]" if trouble else "")
    )


def _extensions(report: PacketReport) -> str:
    words = []
    for extension in report.extensions:
        words.append(f"{extension.id}: {len(extension.data)} bytes")
    if report.dred:
        header = report.dred.header
        words.append(
            f"DRED q0 {header.q0} dQ {header.dq} qmax {header.qmax} offset {header.dred_offset}"
            + (f" latents {report.dred.latents}" if report.dred.latents is not None else "")
        )
    return ", ".join(words)


@dataclass(slots=True)
class _Totals:
    packets: int = 0
    size: int = 0
    ticks: int = 0
    lbrr: int = 0
    red: int = 0
    dred: int = 0

    def add(self, found: _Found, report: PacketReport | None) -> None:
        self.packets += 1
        self.size += len(found.payload)
        if report:
            self.ticks += report.opus.ticks
            self.lbrr += any(report.opus.lbrr)
            self.red += bool(report.red)
            self.dred += report.dred is not None

    def line(self) -> str:
        seconds = self.ticks / CLOCK_RATE
        rate = self.size * 8 / seconds / 1000 if seconds else 0.0
        return (
            f"{self.packets} packets, {seconds:.2f} s of audio, {rate:.1f} kb/s; "
            f"with LBRR {self.lbrr}, RED {self.red}, DRED {self.dred}"
        )
