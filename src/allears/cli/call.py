"""`allears call`: a recording called over a bad network, simulated or live between two machines."""

from pathlib import Path
from typing import Annotated

import typer

from allears.audio.libopus import FRAME_MS, RATES
from allears.cli import live, simulated
from allears.cli.arguments import (
    SHIPPED,
    ArgumentError,
    Conceal,
    Impairment,
    Listening,
    address,
    refuse_changes,
)
from allears.link.sender import Redundancy, SenderConfig

ANY_HOST = "0.0.0.0"  # noqa: S104  who listens for a call wants it from anywhere

PATIENCE = 30
"""Seconds."""

LBRR_MS = 10
"""The shortest packet that SILK makes, and only SILK has LBRR."""

_SENDER = "What is sent"
_LISTENER = "How it is heard"
_NETWORK = "The network"
_LIVE = "Live, over UDP"


def call(
    source: Annotated[
        Path | None, typer.Argument(metavar="IN", help="A recording, or a .bit file to decode.")
    ] = None,
    output: Annotated[
        Path | None, typer.Argument(metavar="OUT", help="What the listener hears, as WAV.")
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(help="Hz of the call: 8000, 12000, 16000, 24000 or 48000; else as IN needs."),
    ] = None,
    write_bit: Annotated[
        Path | None, typer.Option(help="Also write the Opus packets, as opus_demo does.")
    ] = None,
    scores: Annotated[
        bool, typer.Option("--scores/--no-scores", help="Rate what was heard.")
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="The result as JSON; live, a line every second.")
    ] = False,
    redundancy: Annotated[
        str,
        typer.Option(
            help="none, lbrr, red, red:N, dred, dred:MS, or several as in lbrr+dred:500; auto: LBRR and "
            "DRED as the losses that the other side reports want it.",
            rich_help_panel=_SENDER,
        ),
    ] = "none",
    bitrate: Annotated[
        float,
        typer.Option(
            help="kb/s of Opus; RED and DRED come on top, but under auto it is for all.",
            rich_help_panel=_SENDER,
        ),
    ] = 24,
    dred_bitrate: Annotated[
        float | None,
        typer.Option(
            help="kb/s of DRED on average; else some 20 for 1.04 s.",
            rich_help_panel=_SENDER,
        ),
    ] = None,
    frame_ms: Annotated[
        float,
        typer.Option(
            help="A packet's length: 2.5, 5, 10, 20, 40 or 60 ms.", rich_help_panel=_SENDER
        ),
    ] = 20,
    complexity: Annotated[
        int, typer.Option(min=0, max=10, help="Opus' effort.", rich_help_panel=_SENDER)
    ] = 9,
    expected_loss: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="The share that LBRR and DRED prepare for.", rich_help_panel=_SENDER
        ),
    ] = 0.2,
    dtx: Annotated[
        bool,
        typer.Option("--dtx", help="Send nothing while nobody speaks.", rich_help_panel=_SENDER),
    ] = False,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|DIR",
            help="Networks for DRED and guesses: allears, opus once imported, or a folder.",
            rich_help_panel=_LISTENER,
        ),
    ] = None,
    conceal: Annotated[
        Conceal | None,
        typer.Option(
            help="Who guesses what nobody sent; with DRED or --weights a network does.",
            rich_help_panel=_LISTENER,
        ),
    ] = None,
    wait: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=5000,
            help="ms to lag for DRED; it goes back over longer bursts. Simulated 1040, live 0.",
            rich_help_panel=_LISTENER,
        ),
    ] = None,
    loss: Annotated[
        str,
        typer.Option(
            help="none, 20%, 0.2, uniform:20%, burst:20%:120ms (rate, mean burst), "
            "ge:p_bad:p_good, or that with :loss_bad:loss_good.",
            rich_help_panel=_NETWORK,
        ),
    ] = "none",
    trace: Annotated[
        Path | None,
        typer.Option(
            help="A file with 0 or 1 (lost) per packet, over and over.", rich_help_panel=_NETWORK
        ),
    ] = None,
    jitter: Annotated[
        float,
        typer.Option(
            min=0, max=10_000, help="Mean of the random delay, ms.", rich_help_panel=_NETWORK
        ),
    ] = 0,
    reorder: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share held back by 30 ms.", rich_help_panel=_NETWORK),
    ] = 0,
    duplicate: Annotated[
        float, typer.Option(min=0, max=1, help="Share that comes twice.", rich_help_panel=_NETWORK)
    ] = 0,
    seed: Annotated[
        int, typer.Option(help="Equal seeds lose equal packets.", rich_help_panel=_NETWORK)
    ] = 0,
    to: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Call there.", rich_help_panel=_LIVE)
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(metavar="PORT", help="Be called here.", rich_help_panel=_LIVE),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End after so long.", rich_help_panel=_LIVE)
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Say IN over and over.", rich_help_panel=_LIVE)
    ] = False,
    patience: Annotated[
        float,
        typer.Option(
            min=0, help="End so many seconds after the last packet.", rich_help_panel=_LIVE
        ),
    ] = PATIENCE,
) -> None:
    """Call a recording over a network that loses packets, and hear what comes out.

    Examples:

    `allears call speech.wav heard.wav --loss burst:20%:120ms --redundancy dred`

    `allears call opus_demo.bit heard.wav --trace loss.txt --weights opus`

    `allears call --listen 5004 heard.wav` here, `allears call speech.wav --to HOST:5004` there
    """
    if rate is not None and rate not in RATES:
        raise ArgumentError(f"--rate {rate}: Opus runs at {', '.join(map(str, RATES))} Hz")
    config = SenderConfig(
        rate=rate or RATES[-1],
        frame_ms=frame_ms,
        bitrate=_bits(bitrate, "--bitrate"),
        complexity=complexity,
        redundancy=_redundancy(redundancy, frame_ms),
        expected_loss=expected_loss,
        dtx=dtx,
        weights=weights or SHIPPED,
        dred_bitrate=None if dred_bitrate is None else _bits(dred_bitrate, "--dred-bitrate"),
    )
    listening = Listening(conceal, weights, wait)
    if dred_bitrate is not None and not config.redundancy.dred:
        raise ArgumentError("--dred-bitrate goes with --redundancy dred")
    impairment = Impairment(loss, trace, seed, jitter, reorder, duplicate)
    if to is not None or listen is not None:
        if write_bit:
            raise ArgumentError("--write-bit is for calls without --to and --listen")
        if to is None:
            _refuse_to_send(config, impairment, again)
        if listen is None:
            _refuse_to_listen(listening, config)
        live.call(
            source,
            output,
            config,
            impairment,
            listening,
            rate,
            to=address("--to", to) if to is not None else None,
            listen=address("--listen", listen, ANY_HOST) if listen is not None else None,
            seconds=seconds,
            again=again,
            patience=patience,
            as_json=as_json,
        )
        return
    if seconds is not None or again or patience != PATIENCE:
        raise ArgumentError("--seconds, --again and --patience go with --to or --listen")
    if source is None:
        raise ArgumentError("nothing to call: name a recording, or --listen PORT to be called")
    if simulated.is_bit(source):
        _refuse_to_encode(source, config, write_bit)
    simulated.call(
        source,
        output,
        config,
        impairment,
        listening,
        rate,
        write_bit=write_bit,
        scores=scores,
        as_json=as_json,
    )


def _refuse_to_send(config: SenderConfig, impairment: Impairment, again: bool) -> None:
    """Whoever only listens would wait in vain for what these ask for."""
    why = "is for who sends: give it beside --to"
    refuse_changes(config, SenderConfig(rate=config.rate, weights=config.weights), why)
    refuse_changes(impairment, Impairment(), why)
    if again:
        raise ArgumentError(f"--again {why}")


def _refuse_to_listen(listening: Listening, config: SenderConfig) -> None:
    refuse_changes(
        listening,
        Listening(weights=listening.weights),
        "is for who listens: give it beside --listen",
    )
    if listening.weights and not config.redundancy.deep:
        raise ArgumentError("--weights goes with --redundancy dred, or with --listen")


def _refuse_to_encode(source: Path, config: SenderConfig, write_bit: Path | None) -> None:
    why = f"is for recordings: {source} is encoded already"
    refuse_changes(config, SenderConfig(rate=config.rate, weights=config.weights), why)
    if write_bit:
        raise ArgumentError(f"--write-bit {why}")


def _bits(bitrate: float, option: str) -> int:
    """Bit/s for kb/s."""
    if not 0.5 <= bitrate <= 512:
        raise ArgumentError(f"{option} {bitrate:g}: Opus takes 0.5 to 512 kb/s")
    return round(1000 * bitrate)


def _redundancy(spec: str, frame_ms: float) -> Redundancy:
    """A redundancy that packets of `frame_ms` can have."""
    if frame_ms not in FRAME_MS:
        raise ArgumentError(f"--frame-ms {frame_ms:g}: use 2.5, 5, 10, 20, 40 or 60")
    redundancy = Redundancy.parse(spec)
    if redundancy.lbrr and frame_ms < LBRR_MS:
        raise ArgumentError(
            f"--redundancy {spec}: Opus has no LBRR in packets of {frame_ms:g} ms; "
            "use --frame-ms 10 or more, or red:N"
        )
    return redundancy
