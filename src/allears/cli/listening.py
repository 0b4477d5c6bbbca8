"""Options of the commands that hear recordings, a pipe or a microphone, and what they mean together."""

import enum
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import typer

from allears.cli.arguments import ArgumentError

PIPE = Path("-")
"""The name of stdin."""
HEARD = "What is heard"

Mic = Annotated[bool, typer.Option("--mic", help="Hear the microphone.")]
AsJson = Annotated[bool, typer.Option("--json", help="The same as --format jsonl.")]
Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Write there, whole or not at all.")]
ChunkMs = Annotated[
    float | None,
    typer.Option(
        min=10,
        max=10_000,
        help="Heard at once; less is sooner and slower. Else 160.",
        rich_help_panel=HEARD,
    ),
]
Channel = Annotated[
    int | None,
    typer.Option(
        min=1, help="Hear this channel alone, from 1; else all mixed.", rich_help_panel=HEARD
    ),
]

Form = TypeVar("Form", bound=enum.StrEnum)


def chosen(form: Form, as_json: bool) -> Form:
    """What --format and --json say together: every command has "text", which is the default, and "jsonl"."""
    if not as_json:
        return form
    if form not in ("text", "jsonl"):
        raise ArgumentError(f"--json and --format {form} contradict each other: give one of them")
    return type(form)("jsonl")


def check_heard(sources: Sequence[Path], mic: bool, channel: int | None) -> None:
    """Refuse nothing to hear, and a microphone beside anything else."""
    if mic and (sources or channel):
        raise ArgumentError("--mic hears the microphone alone: leave files and --channel out")
    if not (mic or sources):
        raise ArgumentError("nothing to hear: name a recording, - for stdin, or --mic")


def seconds(chunk_ms: float | None) -> float | None:
    """Of --chunk-ms, where it is given."""
    return None if chunk_ms is None else chunk_ms / 1000


def pieces(sound: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Blocks of samples, parted into `size` at most."""
    for samples in sound:
        for start in range(0, len(samples), size):
            yield samples[start : start + size]
