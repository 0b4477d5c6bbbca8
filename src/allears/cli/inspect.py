"""`allears inspect`: every packet of a file, laid open."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from allears.cli import listing
from allears.cli.packets import InspectError, Packet, lay_open
from allears.link.sender import OPUS_PAYLOAD_TYPE, RED_PAYLOAD_TYPE
from allears.redundancy.model import format_of, tables_of
from allears.weights import store
from allears.wire.dred import EntropyTables
from allears.wire.dred_format import OPUS_DRED, DredFormat
from allears.wire.errors import ParseError
from allears.wire.inspection import DredReport, PacketReport
from allears.wire.opus import CLOCK_RATE
from allears.wire.rtp import RtpPacket


def inspect(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .bit, .pcap, .pcapng, .opus or .webm file.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One object a line per packet.")] = False,
    opus_type: Annotated[
        int, typer.Option(min=0, max=127, help="RTP payload type of Opus, for captures.")
    ] = OPUS_PAYLOAD_TYPE,
    red_type: Annotated[
        int, typer.Option(min=0, max=127, help="RTP payload type of RED, for captures.")
    ] = RED_PAYLOAD_TYPE,
    weights: Annotated[
        str | None,
        typer.Option(
            help="A folder of the weights that made the DRED, by which one sees how far back each "
            "packet reaches. Those that ship and those of Opus, once imported, are known by themselves."
        ),
    ] = None,
    dred_tables: Annotated[
        Path | None,
        typer.Option(
            help="A .npz with the entropy tables of the standard's DRED, without the rest."
        ),
    ] = None,
) -> None:
    """Show what is in every packet: mode, bandwidth, frames, LBRR, RED, extensions, DRED.

    Example: `allears inspect call.pcap --json | jq .lbrr`
    """
    tables = _known(weights)
    if dred_tables:
        tables[OPUS_DRED] = _tables(dred_tables)
    packets = lay_open(file, opus_type, red_type, tables)
    if not as_json:
        listing.show(packets)
        return
    for packet in packets:
        print(json.dumps(_object(packet)))


def _known(weights: str | None) -> dict[DredFormat, EntropyTables]:
    """Tables of all models at hand, and of `weights`; raises as the store does where those are not."""
    known = {}
    for name in ("allears", "opus"):
        if store.folder_of(name).is_dir():
            models = store.models(name)
            known[format_of(models)] = tables_of(models)
    if weights:
        models = store.models(weights)
        known[format_of(models)] = tables_of(models)
    return known


def _tables(file: Path) -> EntropyTables:
    remedy = "give the .npz that belongs to the model"
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            return EntropyTables.from_arrays(dict(arrays))
    except ParseError as error:
        raise InspectError(f"{file}: {error}; {remedy}") from None
    except OSError as error:
        raise InspectError(f"{file}: cannot be read ({error.strerror}); {remedy}") from None
    except (ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile):
        raise InspectError(f"{file}: no .npz of DRED entropy tables; {remedy}") from None


def _object(packet: Packet) -> dict[str, Any]:
    """One packet for a program to read: every key on every packet, null where nothing is known."""
    found, report = packet.found, packet.report
    return {
        "packet": packet.number,
        "time": round(found.time, 6),
        "bytes": len(found.payload),
        "bits": 8 * len(found.payload),
        "final_range": found.final_range,
        "rtp": _rtp(found.rtp) if found.rtp else None,
        **{key: value(report) if report else None for key, value in _OPUS.items()},
        "error": packet.trouble,
    }


def _rtp(packet: RtpPacket) -> dict[str, Any]:
    names = ("payload_type", "sequence", "timestamp", "ssrc", "marker")
    return {name: getattr(packet, name) for name in names}


_OPUS: dict[str, Callable[[PacketReport], Any]] = {
    "mode": lambda report: report.opus.mode.value,
    "bandwidth": lambda report: report.opus.bandwidth.value,
    "stereo": lambda report: report.opus.stereo,
    "frames": lambda report: len(report.opus.frames),
    "frame_ms": lambda report: report.opus.frame_ticks * 1000 / CLOCK_RATE,
    "dtx": lambda report: report.opus.is_dtx,
    "lbrr": lambda report: any(report.opus.lbrr),
    "red": lambda report: [
        {"offset_ms": block.offset * 1000 / CLOCK_RATE, "bytes": len(block.data)}
        for block in report.red
    ],
    "extensions": lambda report: [
        {"id": each.id, "frame": each.frame, "bytes": len(each.data)} for each in report.extensions
    ],
    "dred": lambda report: _dred(report.dred) if report.dred else None,
    "covered_ms": lambda report: report.covered_ms,
    "dred_copy_bitrate": lambda report: report.dred_copy_bitrate,
}


def _dred(dred: DredReport) -> dict[str, Any]:
    header = dred.header
    return {
        "kind": dred.kind,
        "model_hash": dred.model_hash,
        "q0": header.q0,
        "dQ": header.dq,
        "qmax": header.qmax,
        "offset": header.offset,
        "extra": header.extra,
        "dred_offset": header.dred_offset,
        "bytes": dred.size,
        "bits": 8 * dred.size,
        "latents": dred.latents,
        "covered_ms": dred.covered_ms,
    }
