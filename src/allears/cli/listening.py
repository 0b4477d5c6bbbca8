"""Options of the commands that hear recordings, a pipe or a microphone."""

from pathlib import Path
from typing import Annotated

import typer

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
