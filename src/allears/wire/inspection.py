"""One packet laid open: what it is, what it carries of others, and how far back it could reach."""

from dataclasses import dataclass

from allears.wire import dred, extensions
from allears.wire.dred import DredHeader, DredPayload, EntropyTables
from allears.wire.errors import ParseError
from allears.wire.extensions import Extension
from allears.wire.opus import CLOCK_RATE, OpusPacket
from allears.wire.red import RedBlock, RedPayload


@dataclass(frozen=True, slots=True)
class DredReport:
    """A deep-redundancy extension: its header, bytes, and where tables were given its latents."""

    header: DredHeader
    size: int
    latents: int | None

    @property
    def covered_ms(self) -> float | None:
        """How far back it reaches; unknown without the tables that its latents are coded with."""
        return None if self.latents is None else self.header.covered_ms(self.latents)


@dataclass(frozen=True, slots=True)
class PacketReport:
    """What stands in one payload. `trouble` says what could not be read, the rest is still true."""

    size: int
    opus: OpusPacket
    red: tuple[RedBlock, ...]
    extensions: tuple[Extension, ...]
    dred: DredReport | None
    trouble: str | None

    @property
    def covered_ms(self) -> float | None:
        """How much audio before its own it could bring back; None where only DRED tables tell."""
        covered = [self.opus.frame_ticks * 1000 / CLOCK_RATE] if any(self.opus.lbrr) else [0.0]
        covered += [block.offset * 1000 / CLOCK_RATE for block in self.red]
        if self.dred:
            if self.dred.covered_ms is None:
                return None
            covered.append(self.dred.covered_ms)
        return max(covered)


def inspect(
    payload: bytes, *, is_red: bool = False, tables: EntropyTables | None = None
) -> PacketReport:
    """Lay open an RTP payload. Raises ParseError where it is neither Opus nor RED around Opus."""
    blocks: tuple[RedBlock, ...] = ()
    size = len(payload)
    if is_red:
        red = RedPayload.parse(payload)
        payload, blocks = red.primary, red.redundant
    packet = OpusPacket.parse(payload)
    found: tuple[Extension, ...] = ()
    report, trouble = None, None
    try:
        found = extensions.parse(packet.padding or b"", len(packet.frames))
        report = _dred(found, tables)
    except ParseError as error:
        trouble = str(error)
    return PacketReport(size, packet, blocks, found, report, trouble)


def _dred(found: tuple[Extension, ...], tables: EntropyTables | None) -> DredReport | None:
    for extension in found:
        if extension.id == dred.EXTENSION_ID and extension.data.startswith(dred.VERSION_TAG):
            body = extension.data[len(dred.VERSION_TAG) :]
            latents = len(DredPayload.parse(body, tables).latents) if tables else None
            return DredReport(dred.parse_header(body), len(extension.data), latents)
    return None
