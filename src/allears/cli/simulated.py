"""The part of `allears call` that needs no network: simulate, write, rate and tell."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from rich.console import Console
from rich.table import Table

from allears.audio import files
from allears.audio.libopus import RATES
from allears.audio.resample import resample
from allears.cli.arguments import ArgumentError, Impairment, Listening, check_output, read_bytes
from allears.cli.terminal import waiting
from allears.link.frame import Label
from allears.link.recovery import Neural
from allears.link.sender import SenderConfig
from allears.link.simulate import WAIT, Call, SentPacket, replay, simulate
from allears.outputs import write_whole
from allears.score.quality import RATE, SCORES, Quality, quality
from allears.wire import bitfile, opus
from allears.wire.bitfile import BitPacket
from allears.wire.errors import ParseError
from allears.wire.opus import CLOCK_RATE, Bandwidth
from allears.wire.rtp import difference

Samples = Float32[np.ndarray, " samples"]

BANDWIDTH_RATES = dict(zip(Bandwidth, RATES, strict=True))
"""The rate of Opus that loses nothing of each bandwidth."""

OTHER_FORMATS = {".aac", ".bit", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".pcap", ".webm"}
"""Endings of a name that a WAV must not have."""


def is_bit(source: Path) -> bool:
    """Whether `source` holds Opus packets, by its name: nothing inside says so."""
    return source.suffix.lower() == ".bit"


def opus_rate(rate: int) -> int:
    """The lowest rate of Opus that loses nothing of a recording at `rate` Hz."""
    return next((each for each in RATES if each >= rate), RATES[-1])


def read_speech(source: Path, rate: int | None) -> tuple[Samples, int]:
    """A recording at `rate`, or at the rate of Opus that fits it; and that rate."""
    recording = files.read(source)
    rate = rate or opus_rate(recording.rate)
    return resample(recording.samples, recording.rate, rate), rate


def check_wav(output: Path, *others: Path | None) -> None:
    """Refuse an OUT that cannot be written, or whose name promises another format."""
    if output.suffix.lower() in OTHER_FORMATS:
        raise ArgumentError(f"{output}: OUT is a WAV; name it {output.with_suffix('.wav').name}")
    check_output(output, others)


def call(
    source: Path,
    output: Path | None,
    config: SenderConfig,
    impairment: Impairment,
    listening: Listening,
    rate: int | None,
    *,
    write_bit: Path | None,
    scores: bool,
    as_json: bool,
) -> None:
    """Call `source`, write what was heard to `output`, and print what happened."""
    if output:
        check_wav(output, source, write_bit)
    if write_bit:
        if not is_bit(write_bit):
            raise ArgumentError(f"--write-bit {write_bit}: name it {write_bit.stem}.bit")
        check_output(write_bit, [source])
    neural, wait = listening.neural(config.redundancy.deep), listening.seconds(WAIT)
    if is_bit(source):
        sent_as, result = None, _replay(source, impairment, rate, neural, wait)
    else:
        network = impairment.network(config.frame_ms)
        said, rate = read_speech(source, rate)
        sent_as = replace(config, rate=rate)
        with waiting("calling") as progress:
            result = simulate(
                said,
                sent_as,
                network,
                seed=impairment.seed,
                neural=neural,
                wait=wait,
                progress=progress,
            )
    if output:
        files.write_wav(output, result.heard, result.rate)
    if write_bit:
        write_whole(write_bit, bitfile.serialise(_bits(result.sent)))
    rated = _rate(result) if scores else None
    if as_json:
        print(json.dumps(_object(source, output, sent_as, result, rated)))
    else:
        _print(source, output, sent_as, result, rated)
        _hint(result, neural)


def _replay(
    source: Path, impairment: Impairment, rate: int | None, neural: Neural | None, wait: float
) -> Call:
    try:
        packets = bitfile.parse(read_bytes(source))
        sent = [packet.payload for packet in packets if packet.payload]
        if not sent:
            raise ArgumentError(f"{source}: there is no packet in it; write one with --write-bit")
        network = impairment.network(opus.duration(sent[0]) * 1000 / CLOCK_RATE)
        widths = (opus.CONFIGURATIONS[payload[0] >> 3][1] for payload in sent)
        rate = rate or max(BANDWIDTH_RATES[width] for width in widths)
        return replay(packets, network, rate, neural=neural, wait=wait)
    except ParseError as error:
        raise ArgumentError(
            f"{source}: not a .bit file, or damaged: {error}; write it again with --write-bit"
        ) from None


def _bits(sent: tuple[SentPacket, ...]) -> list[BitPacket]:
    """The packets for a `.bit` file, with an empty one for each that was not sent in a pause."""
    packets: list[BitPacket] = []
    due = sent[0].packet.timestamp
    for each in sent:
        ticks = opus.duration(each.opus)
        pause = difference(each.packet.timestamp, due, 32) // ticks
        packets += [BitPacket(b"", 0)] * pause + [BitPacket(each.opus, each.final_range)]
        due = each.packet.timestamp + ticks & 0xFFFFFFFF
    return packets


def _rate(result: Call) -> Quality:
    """Rate what was heard; it is aligned with what was said already."""
    with waiting("rating"):
        heard = resample(result.heard, result.rate, RATE)
        if result.reference is None:
            return quality(heard, None)
        return quality(heard, resample(result.reference, result.rate, RATE), delay=0)


def _object(
    source: Path,
    output: Path | None,
    config: SenderConfig | None,
    result: Call,
    rated: Quality | None,
) -> dict[str, Any]:
    """The call for a program to read; what is not known is null."""
    counts = {label.value: sum(frame.label is label for frame in result.frames) for label in Label}
    return {
        "input": str(source),
        "output": str(output) if output else None,
        "rate": result.rate,
        "seconds": result.seconds,
        "redundancy": str(config.redundancy) if config else None,
        "bitrate_kbps": config.bitrate / 1000 if config else None,
        "packets": {
            "sent": len(result.sent),
            "lost": sum(sent.lost for sent in result.sent),
            "loss_rate": result.loss_rate,
            "late": result.statistics.late,
            "duplicates": result.statistics.duplicates,
            "dred_unknown": result.statistics.dred_unknown,
            "dred_malformed": result.statistics.dred_malformed,
        },
        "rewinds": result.statistics.rewinds,
        "payload_kbps": result.payload_kbps,
        "wire_kbps": result.wire_kbps,
        "redundancy_kbps": result.redundancy_kbps,
        "delay_ms": 1000 * result.delay,
        "frames": counts,
        "labels": [frame.label.value for frame in result.frames],
        "scores": rated.scores if rated else None,
        "missing": list(rated.missing) if rated else [],
    }


def _print(
    source: Path,
    output: Path | None,
    config: SenderConfig | None,
    result: Call,
    rated: Quality | None,
) -> None:
    console = Console(highlight=False, markup=False)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("call", f"{source}, {result.seconds:.1f} s at {result.rate} Hz")
    if config:
        protection = f"with {config.redundancy}".replace("with none", "without redundancy")
        table.add_row("sent", f"Opus at {config.bitrate / 1000:g} kb/s, {protection}")
    lost = sum(sent.lost for sent in result.sent)
    table.add_row("packets", f"{len(result.sent)} sent, {lost} lost ({result.loss_rate:.1%})")
    table.add_row("bitrate", _bitrate(result))
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


def _bitrate(result: Call) -> str:
    deep = f", {result.redundancy_kbps:.1f} of it DRED" if result.redundancy_kbps else ""
    return f"{result.payload_kbps:.1f} kb/s{deep}, with RTP/UDP/IP headers {result.wire_kbps:.1f}"


def _hint(result: Call, neural: Neural | None) -> None:
    """Where deep redundancy was there in vain, what it takes to hear it."""
    vain = result.redundancy_kbps > 0 if neural is None else result.statistics.dred_unknown > 0
    if vain:
        told = "not used: the DRED in the packets; name the weights that it was made with, as --weights opus"
        Console(highlight=False, markup=False).print(told, style="dim")
