"""Packets for a person to read: a line each, and what they come to."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console

from allears.cli.packets import Found, Packet
from allears.wire.dred import EXTENSION_ID
from allears.wire.inspection import PacketReport
from allears.wire.opus import CLOCK_RATE


def show(packets: Iterator[Packet]) -> None:
    """Print every packet as it comes, and the totals."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    totals = _Totals()
    for packet in packets:
        if not totals.packets:
            console.print(_headings(packet.found), style="bold")
        totals.add(packet)
        line = f"{packet.number:>6} {_where(packet.found, totals.streams)} {_line(packet)}"
        if packet.trouble:
            console.print(line.rstrip(), style="yellow")
        else:
            print(line.rstrip())  # many times as fast as the console
    console.print(totals.line(), style="bold")


def _headings(found: Found) -> str:
    stream = f" {'stream':>6} {'seq':>5}" if found.rtp else ""
    return (
        f"{'packet':>6} {'time':>8}{stream} {'bytes':>5} {'mode':<6} {'band':<4} {'frames':<10} "
        f"{'LBRR':<4} {'RED':<3} {'covers':>7}  extensions"
    )


def _where(found: Found, streams: dict[int, int]) -> str:
    """When, in which of the `streams` and how many bytes."""
    stream = ""
    if found.rtp:
        stream = f" {streams[found.rtp.ssrc]:>6} {found.rtp.sequence:>5}"
    return f"{found.time:>8.3f}{stream} {len(found.payload):>5}"


def _line(packet: Packet) -> str:
    report = packet.report
    if report is None:
        return packet.trouble or "not sent"
    opus = report.opus
    frames = f"{len(opus.frames)} × {opus.frame_ticks * 1000 / CLOCK_RATE:g} ms"
    mode = "dtx" if opus.is_dtx else opus.mode.value
    extensions = ", ".join(_extensions(report) + ([packet.trouble] if packet.trouble else []))
    return (
        f"{mode:<6} {opus.bandwidth.value:<4} {frames:<10} "
        f"{'yes' if any(opus.lbrr) else '–':<4} {len(report.red) or '–':<3} "
        f"{_covered(report):>7}  {extensions}"
    )


def _covered(report: PacketReport) -> str:
    """How far back the packet reaches, if anyone can tell."""
    if report.covered_ms is None:
        return "?"
    return f"{report.covered_ms:.0f} ms" if report.covered_ms else "–"


def _extensions(report: PacketReport) -> list[str]:
    dred, words = report.dred, []
    rest = list(report.extensions)
    if dred:
        header = dred.header
        latents = "" if dred.latents is None else f" latents {dred.latents}"
        words.append(
            f"DRED {dred.size} bytes: q0 {header.q0} dQ {header.dq} qmax {header.qmax} "
            f"offset {header.dred_offset}{latents}"
        )
        rest.remove(next(each for each in rest if each.id == EXTENSION_ID))
    return words + [f"{each.id}: {len(each.data)} bytes" for each in rest]


@dataclass(slots=True)
class _Totals:
    packets: int = 0
    size: int = 0
    ticks: int = 0
    lbrr: int = 0
    red: int = 0
    dred: int = 0
    unsent: int = 0
    unreadable: int = 0
    streams: dict[int, int] = field(default_factory=dict)
    """A number for each RTP stream, as they appear."""

    def add(self, packet: Packet) -> None:
        self.packets += 1
        self.size += len(packet.found.payload)
        self.unsent += not packet.found.payload
        self.unreadable += packet.trouble is not None
        if packet.found.rtp:
            self.streams.setdefault(packet.found.rtp.ssrc, len(self.streams) + 1)
        if report := packet.report:
            self.ticks += report.opus.ticks
            self.lbrr += any(report.opus.lbrr)
            self.red += bool(report.red)
            self.dred += report.dred is not None

    def line(self) -> str:
        seconds = self.ticks / CLOCK_RATE
        rate = self.size * 8 / seconds / 1000 if seconds else 0.0
        parts = [
            f"{self.packets} packets, {seconds:.2f} s of audio, {rate:.1f} kb/s",
            f"with LBRR {self.lbrr}, RED {self.red}, DRED {self.dred}",
        ]
        parts += [f"not sent {self.unsent}"] if self.unsent else []
        parts += [f"not readable {self.unreadable}"] if self.unreadable else []
        return "; ".join(parts)
