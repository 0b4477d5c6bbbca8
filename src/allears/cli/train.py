"""`allears train`: the weights that ship, or your own, from a folder of recordings."""

import time
from pathlib import Path
from typing import Annotated

import typer

from allears.cli.arguments import ArgumentError
from allears.cli.learning import LESSONS, Wish, learn


def train(
    what: Annotated[str, typer.Argument(help=f"What to train: {', '.join(LESSONS)}.")],
    data: Annotated[
        list[Path],
        typer.Option(
            help="A folder with utterances.csv (columns path, speaker, split); repeatable. "
            "Only rows of the split 'train' are used."
        ),
    ],
    folder: Annotated[
        Path | None,
        typer.Option(help="Where checkpoints go; a run goes on from there. Default: runs/WHAT."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Where the finished weights go. Default: in that folder.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of every stage. Default: what suits a laptop.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Sequences in a step.")] = 8,
    hours: Annotated[
        float | None, typer.Option(min=0, help="Stop after so many hours, to be resumed.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another run.")] = 0,
    packs: Annotated[
        Path, typer.Option(help="Where recordings are packed, once for all trainings.")
    ] = Path("runs/pack"),
) -> None:
    """Train the networks of deep redundancy and concealment.

    Each ends by itself within some two hours on one core and can be stopped at any time: the same
    command goes on. pitch comes first, the others do not need each other.

    Example: `allears train pitch --data corpora/librispeech --data corpora/mine`
    """
    if what not in LESSONS:
        raise ArgumentError(f"train {what}: choose one of {', '.join(LESSONS)}")
    folder = folder or Path("runs") / what
    until = time.monotonic() + 3600 * hours if hours else float("inf")
    finished = learn(
        LESSONS[what], data, packs, folder,
        to or folder / f"{what}.safetensors", Wish(steps, batch, seed, until),
    )  # fmt: skip
    where = to or folder / f"{what}.safetensors"
    typer.echo(f"{where}: written" if finished else f"{folder}: stopped; the same command goes on")
