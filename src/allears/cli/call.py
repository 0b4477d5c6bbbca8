"""`allears call`: a recording called over a bad network, simulated or live between two machines."""

from pathlib import Path
from typing import Annotated

import typer

from allears.audio.libopus import FRAME_MS, RATES
from allears.cli import live, simulated
from allears.cli.arguments import ArgumentError, Impairment, address, loss_model
from allears.link.sender import Redundancy, SenderConfig
from allears.wire.loss import SPEC_FORMS

ANY_HOST = "0.0.0.0"  # noqa: S104  who listens for a call wants it from anywhere

_NETWORK = "The network"
_LIVE = "Live, over UDP"


def call(
    source: Annotated[
        Path | None, typer.Argument(metavar="IN", help="A recording, or a .bit file to decode.")
    ] = None,
    output: Annotated[
        Path | None, typer.Argument(metavar="OUT", help="What the listener hears, as WAV.")
    ] = None,
    redundancy: Annotated[
        str, typer.Option(help="none, lbrr, red, red:N, or lbrr+red:N.")
    ] = "none",
    bitrate: Annotated[float, typer.Option(help="kb/s of Opus; RED's copies come on top.")] = 24,
    frame_ms: Annotated[float, typer.Option(help="A packet's length: 2.5 to 60 ms.")] = 20,
    rate: Annotated[
        int | None, typer.Option(help="Hz of the call; else the recording's, or the next above.")
    ] = None,
    complexity: Annotated[int, typer.Option(min=0, max=10, help="Opus' effort.")] = 9,
    expected_loss: Annotated[
        float, typer.Option(min=0, max=1, help="What the encoder prepares for with LBRR.")
    ] = 0.2,
    dtx: Annotated[bool, typer.Option("--dtx", help="Send nothing while nobody speaks.")] = False,
    write_bit: Annotated[
        Path | None, typer.Option(help="Also write the Opus packets, as opus_demo does.")
    ] = None,
    scores: Annotated[
        bool, typer.Option("--scores/--no-scores", help="Rate what was heard.")
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="The result as JSON; live, a line every second.")
    ] = False,
    loss: Annotated[str, typer.Option(help=f"{SPEC_FORMS}.", rich_help_panel=_NETWORK)] = "none",
    trace: Annotated[
        Path | None,
        typer.Option(help="A file with 0 or 1 (lost) per packet.", rich_help_panel=_NETWORK),
    ] = None,
    jitter: Annotated[
        float, typer.Option(min=0, help="Mean of the random delay, ms.", rich_help_panel=_NETWORK)
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
    ] = 30,
) -> None:
    """Call a recording over a network that loses packets, and hear what comes out.

    Examples:

    `allears call speech.wav heard.wav --loss burst:20%:120ms --redundancy red:2`

    `allears call --listen 5004 heard.wav` here, `allears call speech.wav --to HOST:5004` there
    """
    if frame_ms not in FRAME_MS:
        raise ArgumentError(f"--frame-ms {frame_ms:g}: use 2.5, 5, 10, 20, 40 or 60")
    if rate is not None and rate not in RATES:
        raise ArgumentError(f"--rate {rate}: Opus runs at {', '.join(map(str, RATES))} Hz")
    if not 0.5 <= bitrate <= 512:
        raise ArgumentError(f"--bitrate {bitrate:g}: Opus takes 0.5 to 512 kb/s")
    impairment = Impairment(
        loss_model(loss, trace, seed, frame_ms), seed, jitter, reorder, duplicate
    )
    config = SenderConfig(
        rate=rate or RATES[-1],
        frame_ms=frame_ms,
        bitrate=round(1000 * bitrate),
        complexity=complexity,
        redundancy=Redundancy.parse(redundancy),
        expected_loss=expected_loss,
        dtx=dtx,
    )
    if to or listen:
        # Without an IN, the one file named is what is heard.
        if to is None and output is None:
            source, output = None, source
        live.call(
            source,
            output,
            config,
            impairment,
            rate,
            to=address(to) if to else None,
            listen=address(listen, ANY_HOST) if listen else None,
            seconds=seconds,
            again=again,
            patience=patience,
            as_json=as_json,
        )
    elif source is None:
        raise ArgumentError("nothing to call: name a recording, or --listen PORT to be called")
    else:
        simulated.call(
            source,
            output,
            config,
            impairment,
            rate,
            write_bit=write_bit,
            scores=scores,
            as_json=as_json,
        )
