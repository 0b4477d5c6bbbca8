"""One packet laid open: what it is, what it carries of others, and how far back it could reach."""

from collections.abc import Mapping
from dataclasses import dataclass

from allears.wire import dred, dred_format, extensions
from allears.wire.dred import DredHeader, EntropyTables
from allears.wire.dred_format import OPUS_DRED, DredFormat
from allears.wire.errors import ParseError
from allears.wire.extensions import Extension
from allears.wire.opus import CLOCK_RATE, OpusPacket
from allears.wire.red import RedBlock, RedPayload

COPY_MS = 20.0
"""How much audio counts as one copy of a frame."""


@dataclass(frozen=True, slots=True)
class DredReport:
    """A deep-redundancy extension: its header, bytes, and where tables were given its latents.

    `format` says whose it is, `position_ms` where in the packet the frame begins that it belongs to.
    """

    header: DredHeader
    size: int
    latents: int | None
    format: DredFormat = OPUS_DRED
    position_ms: float = 0.0

    @property
    def kind(self) -> str:
        """`opus` for the standard's weights, `own` for a model of ours."""
        return "opus" if self.format == OPUS_DRED else "own"

    @property
    def model_hash(self) -> str | None:
        """The model of ours that made it, as hexadecimal digits; None for the standard's."""
        named = self.format.model_hash
        return None if named is None else named.hex()

    @property
    def covered_ms(self) -> float | None:
        """How far back it reaches; unknown without the tables that its latents are coded with."""
        if self.latents is None:
            return None
        return self.header.covered_ms(self.latents) - self.position_ms


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

    @property
    def dred_copy_bitrate(self) -> float | None:
        """What a copy of 20 ms costs in its DRED, in bits per second, were all packets like this."""
        if not self.dred or not self.dred.covered_ms or self.dred.covered_ms < 0:
            return None
        rate = 8 * self.dred.size / (self.opus.ticks / CLOCK_RATE)
        return rate / (self.dred.covered_ms / COPY_MS)


def inspect(
    payload: bytes,
    *,
    is_red: bool = False,
    tables: EntropyTables | None = None,
    own_tables: Mapping[DredFormat, EntropyTables] | None = None,
) -> PacketReport:
    """Lay open an RTP payload. Raises ParseError where it is neither Opus nor RED around Opus.

    `tables` are those of the standard's DRED, `own_tables` those of models of ours.
    """
    blocks: tuple[RedBlock, ...] = ()
    size = len(payload)
    if is_red:
        red = RedPayload.parse(payload)
        payload, blocks = red.primary, red.redundant
    packet = OpusPacket.parse(payload)
    found: tuple[Extension, ...] = ()
    report, trouble = None, None
    known = dict(own_tables or {})
    if tables:
        known[OPUS_DRED] = tables
    try:
        found = extensions.parse(packet.padding or b"", len(packet.frames))
        report = _dred(found, packet.frame_ticks * 1000 / CLOCK_RATE, known)
    except ParseError as error:
        trouble = str(error)
    return PacketReport(size, packet, blocks, found, report, trouble)


def _dred(
    found: tuple[Extension, ...], frame_ms: float, tables: Mapping[DredFormat, EntropyTables]
) -> DredReport | None:
    """The first DRED of any model."""
    for extension in found:
        kind = dred_format.recognise(extension)
        if kind is None:
            continue
        body = extension.data[len(kind.prefix) :]
        header, latents = dred.parse_header(body), None
        if kind in tables:
            latents = len(dred.decode_body(body, tables[kind])[2])
        return DredReport(header, len(extension.data), latents, kind, frame_ms * extension.frame)
    return None
