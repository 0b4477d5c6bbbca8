"""Packets for a person to read: a line each, and what they come to."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console

from allears.cli.packets import Found, Packet
from allears.wire.inspection import COPY_MS, PacketReport
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
        copy = report.dred_copy_bitrate
        latents += f" {copy:.0f} b/s a copy" if copy else ""
        model = f" of model {dred.model_hash}" if dred.model_hash else ""
        words.append(
            f"DRED{model} {dred.size} bytes: q0 {header.q0} dQ {header.dq} qmax {header.qmax} "
            f"offset {header.dred_offset}{latents}"
        )
        rest.remove(next(each for each in rest if each.id == dred.format.extension_id))
    return words + [f"{each.id}: {len(each.data)} bytes" for each in rest]


@dataclass(slots=True)
class _Totals:
    packets: int = 0
    size: int = 0
    ticks: int = 0
    lbrr: int = 0
    red: int = 0
    dred: int = 0
    dred_size: int = 0
    dred_copies: float = 0.0
    """20 ms of past told, over all packets."""
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
            if dred := report.dred:
                self.dred += 1
                self.dred_size += dred.size
                self.dred_copies += max(0.0, dred.covered_ms or 0.0) / COPY_MS

    def line(self) -> str:
        seconds = self.ticks / CLOCK_RATE
        rate = self.size * 8 / seconds / 1000 if seconds else 0.0
        parts = [
            f"{self.packets} packets, {seconds:.2f} s of audio, {rate:.1f} kb/s",
            f"with LBRR {self.lbrr}, RED {self.red}, DRED {self.dred}",
        ]
        if self.dred and seconds:
            told = (
                f", {self._copy_rate():.0f} b/s for each copy of 20 ms" if self.dred_copies else ""
            )
            parts.append(f"DRED {self.dred_size * 8 / seconds / 1000:.1f} kb/s{told}")
        parts += [f"not sent {self.unsent}"] if self.unsent else []
        parts += [f"not readable {self.unreadable}"] if self.unreadable else []
        return "; ".join(parts)

    def _copy_rate(self) -> float:
        """What one copy of every 20 ms costs, in bit/s, over all that carry any."""
        return self.dred_size * 8 / (self.dred_copies * COPY_MS / 1000)
