"""The part of `allears call` that needs no network: simulate, write, rate and tell."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from allears.audio import files
from allears.audio.libopus import RATES
from allears.audio.resample import resample
from allears.cli.arguments import ArgumentError, Impairment, read_bytes
from allears.link.frame import Label
from allears.link.sender import SenderConfig
from allears.link.simulate import Call, replay, simulate
from allears.outputs import write_whole
from allears.score.quality import RATE, SCORES, Quality, quality
from allears.wire import bitfile
from allears.wire.bitfile import BitPacket
from allears.wire.errors import ParseError

Samples = Float32[np.ndarray, " samples"]


def opus_rate(rate: int) -> int:
    """The lowest rate of Opus that loses nothing of a recording at `rate` Hz."""
    return next((each for each in RATES if each >= rate), RATES[-1])


def read_speech(source: Path, rate: int | None) -> tuple[Samples, int]:
    """A recording at `rate`, or at the rate of Opus that fits it; and that rate."""
    recording = files.read(source)
    rate = rate or opus_rate(recording.rate)
    return resample(recording.samples, recording.rate, rate), rate


def call(
    source: Path,
    output: Path | None,
    config: SenderConfig,
    impairment: Impairment,
    rate: int | None,
    *,
    write_bit: Path | None,
    scores: bool,
    as_json: bool,
) -> None:
    """Call `source`, write what was heard to `output`, and print what happened."""
    said: Samples | None = None
    if source.suffix == ".bit":
        result = _replay(source, impairment, rate or 16_000)
    else:
        said, rate = read_speech(source, rate)
        config = replace(config, rate=rate)
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("calling", total=1.0)
            result = simulate(
                said,
                config,
                impairment.network(),
                seed=impairment.seed,
                progress=lambda share: progress.update(task, completed=share),
            )
    if output:
        files.write_wav(output, result.heard, result.rate)
    if write_bit:
        _write_bits(write_bit, result)
    rated = _rate(said, result) if scores else None
    if as_json:
        print(json.dumps(_object(source, output, result, rated)))
    else:
        _print(source, output, config, result, rated, said is not None)


def _replay(source: Path, impairment: Impairment, rate: int) -> Call:
    try:
        return replay(bitfile.parse(read_bytes(source)), impairment.network(), rate)
    except ParseError as error:
        raise ArgumentError(f"{source}: not a .bit file: {error}") from None


def _write_bits(file: Path, result: Call) -> None:
    packets = [BitPacket(sent.opus, sent.final_range) for sent in result.sent]
    write_whole(file, bitfile.serialise(packets))


def _rate(said: Samples | None, result: Call) -> Quality:
    """Rate what was heard; it is aligned with what was said already."""
    heard = resample(result.heard, result.rate, RATE)
    reference = None if said is None else resample(said, result.rate, RATE)
    stretched = reference is not None and len(reference) != len(heard)
    return quality(heard, reference, delay=None if stretched else 0)


def _object(
    source: Path, output: Path | None, result: Call, rated: Quality | None
) -> dict[str, Any]:
    counts = {label.value: sum(frame.label is label for frame in result.frames) for label in Label}
    return {
        "input": str(source),
        "output": str(output) if output else None,
        "rate": result.rate,
        "seconds": result.seconds,
        "packets": {
            "sent": len(result.sent),
            "lost": sum(sent.lost for sent in result.sent),
            "loss_rate": result.loss_rate,
            "late": result.statistics.late,
            "duplicates": result.statistics.duplicates,
        },
        "payload_kbps": result.payload_kbps,
        "wire_kbps": result.wire_kbps,
        "delay_ms": 1000 * result.delay,
        "frames": counts,
        "labels": [frame.label.value for frame in result.frames],
        "scores": rated.scores if rated else None,
        "missing": list(rated.missing) if rated else [],
    }


def _print(
    source: Path,
    output: Path | None,
    config: SenderConfig,
    result: Call,
    rated: Quality | None,
    encoded: bool,
) -> None:
    console = Console(highlight=False)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    how = f", {config.redundancy} at {config.bitrate / 1000:g} kb/s" if encoded else ""
    table.add_row("call", f"{source}: {result.seconds:.1f} s at {result.rate} Hz{how}")
    lost = sum(sent.lost for sent in result.sent)
    table.add_row("packets", f"{len(result.sent)} sent, {lost} lost ({result.loss_rate:.1%})")
    table.add_row(
        "bitrate",
        f"{result.payload_kbps:.1f} kb/s of payload, {result.wire_kbps:.1f} with RTP/UDP/IP headers",
    )
    for label in Label:
        if share := result.share(label):
            table.add_row(label.value, f"{share:.1%} of {len(result.frames)} frames")
    table.add_row("delay", f"{1000 * result.delay:.0f} ms behind the network")
    for name, value in (rated.scores if rated else {}).items():
        if value is not None:
            table.add_row(SCORES[name], f"{value:.2f}")
    if output:
        table.add_row("heard", str(output))
    console.print(table)
    for reason in rated.missing if rated else ():
        console.print(f"not rated: {reason}", style="dim")
