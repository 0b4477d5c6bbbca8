"""`allears transcribe`: what is said in recordings, a pipe or a microphone."""

import enum
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from allears.asr.formats import FORMATS, OF_ONE, Writer
from allears.asr.recogniser import Recogniser
from allears.audio.blocks import Blocks
from allears.cli import hearing
from allears.cli.arguments import SHIPPED, ArgumentError, check_output
from allears.cli.listening import (
    PIPE,
    AsJson,
    Channel,
    ChunkMs,
    Mic,
    Out,
    check_heard,
    chosen,
    pieces,
    seconds,
)
from allears.cli.terminal import waiting
from allears.cli.transcripts import InOrder, Output


class Format(enum.StrEnum):
    """Those of `asr.formats`."""

    TEXT = "text"
    JSONL = "jsonl"
    SRT = "srt"
    VTT = "vtt"
    CTM = "ctm"


BOOST = 4.0
"""Nats by which phrases are likelier that say no boost of their own."""

_RULES = "When a phrase is over"


def transcribe(
    recordings: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE", help="Recordings of any kind; - hears WAV or raw 16 kHz from stdin."
        ),
    ] = None,
    mic: Mic = False,
    form: Annotated[
        Format,
        typer.Option("--format", help="text: a line per file. jsonl: every result as it comes."),
    ] = Format.TEXT,
    as_json: AsJson = False,
    out: Out = None,
    recogniser: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="allears, a FILE.safetensors of yours, pocketsphinx, or sherpa-onnx:DIR.",
        ),
    ] = SHIPPED,
    phrase: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT[:BOOST]",
            help=f"Words to be expected, e^BOOST times likelier ({BOOST:g} if left out); may be repeated.",
        ),
    ] = None,
    alternatives: Annotated[
        int, typer.Option(min=0, max=100, help="Readings told of each phrase, in jsonl.")
    ] = 0,
    beam: Annotated[
        int | None, typer.Option(min=1, max=100, help="Readings kept while listening; else 1.")
    ] = None,
    chunk_ms: ChunkMs = None,
    channel: Channel = None,
    pause: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Silence that ends a phrase; else 0.8 where nothing is in doubt, 1.4 at most.",
            rich_help_panel=_RULES,
        ),
    ] = None,
    longest: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="A phrase is no longer; else 20.", rich_help_panel=_RULES
        ),
    ] = None,
) -> None:
    """Write down what is said, while it is said.

    Examples:

    `allears transcribe talk.mp3 --format srt --out talk.srt`

    `arecord -f S16_LE -r 16000 | allears transcribe - --phrase "art of printing" --json`
    """
    sources = recordings or []
    form = chosen(form, as_json)
    _check(sources, mic, form, channel, out)
    # Imported here so that every other command starts without networks.
    from allears.asr.live import CHUNK_S
    from allears.asr.opening import Settings, ending, open_recogniser

    chunk_s = seconds(chunk_ms)
    settings = Settings(_phrases(phrase or []), alternatives, beam, ending(pause, longest), chunk_s)
    opened = open_recogniser(recogniser, settings)
    size = round((chunk_s or CHUNK_S) * hearing.RATE)
    if mic:
        _live(opened, hearing.microphone(), FORMATS[form]("microphone", True), out, size)
    elif sources == [PIPE]:
        _live(opened, hearing.stdin(channel), FORMATS[form]("-", True), out, size)
    else:
        _files(opened, sources, form, channel, out, size)


def _check(
    sources: Sequence[Path], mic: bool, form: Format, channel: int | None, out: Path | None
) -> None:
    check_heard(sources, mic, channel)
    if PIPE in sources and len(sources) > 1:
        raise ArgumentError("- hears stdin alone: name files in another command")
    if form in OF_ONE and len(sources) > 1:
        raise ArgumentError(f"--format {form} is for one recording: name files one at a time")
    if out:
        check_output(out, sources)


def _phrases(given: Iterable[str]) -> dict[str, float]:
    found = {}
    for each in given:
        text, colon, boost = each.rpartition(":")
        try:
            text, worth = (text, float(boost)) if colon else (each, BOOST)
        except ValueError:
            worth = math.nan
        if not (text.strip() and math.isfinite(worth) and worth > 0):
            raise ArgumentError(f"--phrase {each!r}: give TEXT or TEXT:BOOST, a boost above 0")
        found[text.strip()] = worth
    return found


def _files(
    recogniser: Recogniser,
    paths: Sequence[Path],
    form: Format,
    channel: int | None,
    out: Path | None,
    size: int,
) -> None:
    """Those that can be heard are written; then the others are an error."""
    from allears.asr.together import transcribe

    sounds = [Blocks(path, hearing.RATE, channel) for path in paths]
    writers = [FORMATS[form](str(path), False) for path in paths]
    begun: set[int] = set()
    errors: list[str] = []
    with Output(out) as output, waiting("transcribing") as progress:
        order = InOrder(output)
        for told in transcribe(recogniser, [_sound(each) for each in sounds], size):
            number, writer = told.number, writers[told.number]
            if told.error is None:
                text = "" if number in begun else writer.begin()
                begun.add(number)
                text += "".join(map(writer.tell, told.results))
                order.write(number, text + (writer.end() if told.over else ""))
            else:
                errors.append(str(told.error))
            if told.over:
                sounds[number].share = 1.0
                order.end(number, whole=told.error is None)
            progress(sum(each.share for each in sounds) / len(sounds))
    if errors:
        some = f"{len(errors)} of {len(paths)} files: " if len(paths) > 1 else ""
        raise ArgumentError(some + " | ".join(errors))


def _sound(blocks: Blocks) -> Callable[[], Iterable[np.ndarray]]:
    return lambda: blocks


def _live(
    recogniser: Recogniser,
    sound: Iterable[np.ndarray],
    writer: Writer,
    out: Path | None,
    size: int,
) -> None:
    """Every result is written as it comes; who looks at a terminal sees the words before they are final."""
    stream = recogniser.stream()
    console = Console(stderr=True, highlight=False, markup=False)
    shown = Live(console=console, auto_refresh=False, transient=True)
    with Output(out) as output:
        if console.is_terminal:
            shown.start()
        try:
            output.write(writer.begin())
            for samples in pieces(sound, size):
                for result in stream.accept(samples):
                    output.write(writer.tell(result))
                    if console.is_terminal:
                        shown.update(Text("" if result.final else result.text), refresh=True)
            output.write("".join(map(writer.tell, stream.finish())) + writer.end())
            output.done()
        finally:
            shown.stop()
