"""`allears converse`: who says what in a conversation, turn by turn, while people talk over each other."""

import contextlib
import enum
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from allears.audio.blocks import Blocks
from allears.cli import hearing
from allears.cli.arguments import ArgumentError, check_output
from allears.cli.listening import (
    HEARD,
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
from allears.cli.transcripts import Output

if TYPE_CHECKING:
    from allears.parties.events import Event
    from allears.parties.live import Converser


class Format(enum.StrEnum):
    """Those of `parties.formats`."""

    TEXT = "text"
    JSONL = "jsonl"
    RTTM = "rttm"
    STM = "stm"
    SEGLST = "seglst"
    VTT = "vtt"


_WHO = "Who speaks"
_NOBODY = (
    "this install has no network of voices, so nobody is named; give --embedder FILE.safetensors"
)

Sound = Iterable[np.ndarray]


def converse(
    recording: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="A recording of any kind; - hears WAV or raw 16 kHz from stdin."
        ),
    ] = None,
    mic: Mic = False,
    form: Annotated[
        Format,
        typer.Option("--format", help="text: a line per turn. jsonl: every event as it comes."),
    ] = Format.TEXT,
    as_json: AsJson = False,
    out: Out = None,
    enrol: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=CLIP",
            help="Who may speak, and a recording of them alone; may be repeated.",
            rich_help_panel=_WHO,
        ),
    ] = None,
    embedder: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.safetensors",
            help="What knows voices; else the one that ships.",
            rich_help_panel=_WHO,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.safetensors",
            help="A recogniser of conversations; else the one that ships.",
            rich_help_panel=HEARD,
        ),
    ] = None,
    channel: Channel = None,
    chunk_ms: ChunkMs = None,
) -> None:
    """Tell who says what, and when each turn begins and ends, also where two talk at once.

    Examples:

    `allears converse meeting.wav --enrol Ann=ann.wav --enrol Ben=ben.wav`

    `allears converse meeting.wav --format vtt --out meeting.vtt`

    `arecord -f S16_LE -r 16000 | allears converse - --json`
    """
    form = chosen(form, as_json)
    clips = _clips(enrol or [])
    check_heard([recording] if recording else [], mic, channel)
    if out:
        check_output(out, [recording, *clips.values(), model, embedder])
    # Imported here so that every other command starts without networks.
    from allears.parties.live import CHUNK_S
    from allears.parties.opening import open_converser

    chunk_s = seconds(chunk_ms)
    opened = open_converser(model, embedder=embedder, enrolled=clips, chunk_s=chunk_s)
    size = round((chunk_s or CHUNK_S) * hearing.RATE)
    shown = form is Format.TEXT and out is None and sys.stdout.isatty()
    with _sound(recording, mic, channel, shown=shown) as sound:
        events = _events(opened, sound, size)
        if shown:
            _show(events, clips)
        else:
            _write(events, form, "microphone" if mic else str(recording), out)


def _clips(given: Iterable[str]) -> dict[str, Path]:
    """Clips by the name of who speaks in them."""
    found: dict[str, Path] = {}
    for each in given:
        name, _, clip = each.partition("=")
        name = name.strip()
        if not (name and clip and name.isprintable()):
            raise ArgumentError(f"--enrol {each!r}: give NAME=CLIP, such as Ann=ann.wav")
        if name in found:
            raise ArgumentError(f"--enrol {each!r}: {name} is there twice; give each one clip")
        found[name] = Path(clip)
    return found


@contextlib.contextmanager
def _sound(
    recording: Path | None, mic: bool, channel: int | None, *, shown: bool
) -> Iterator[Sound]:
    """What is to be heard; of a file it is told how far that is, unless turns are shown."""
    if mic or recording is None:
        yield hearing.microphone()
    elif recording == PIPE:
        yield hearing.stdin(channel, "converse")
    elif shown:
        yield Blocks(recording, hearing.RATE, channel)
    else:
        blocks = Blocks(recording, hearing.RATE, channel)
        with waiting("listening") as progress:
            yield _telling(blocks, progress)


def _telling(blocks: Blocks, progress: Callable[[float], None]) -> Iterator[np.ndarray]:
    for block in blocks:
        yield block
        progress(blocks.share)


def _events(opened: "Converser", sound: Sound, size: int) -> "Iterator[Event]":
    """What is told of the conversation, as it comes."""
    events = _heard(opened, sound, size)
    for number, each in enumerate(events):
        if not number and opened.meet is None:
            print(f"allears: {_NOBODY}", file=sys.stderr)
        yield each


def _heard(opened: "Converser", sound: Sound, size: int) -> "Iterator[Event]":
    stream = opened.stream()
    for samples in pieces(sound, size):
        yield from stream.accept(samples)
    yield from stream.finish()


def _show(events: "Iterable[Event]", known: Iterable[str]) -> None:
    from rich.console import Console

    from allears.cli.conversation import Transcript

    with Transcript(Console(highlight=False, markup=False), known) as transcript:
        for each in events:
            transcript.tell(each)


def _write(events: "Iterable[Event]", form: Format, name: str, out: Path | None) -> None:
    from allears.parties.formats import FORMATS

    writer = FORMATS[form](name)
    with Output(out) as output:
        for each in events:
            output.write(writer.tell(each))
        output.write(writer.end())
        output.done()
