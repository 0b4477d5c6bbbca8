"""`allears train`: the weights that ship, or your own, from recordings."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from allears.cli.arguments import ArgumentError
from allears.cli.learning import LESSONS, Wish, learn
from allears.cli.train_asr import asr

ASR = "asr"

_ABOUT = {
    "pitch": "the pitch estimator; it comes first, the others do not need each other",
    "rdovae": "the codec of deep redundancy",
    "concealment": "the guess at what nobody tells",
    "vocoder": "the voice that speaks what was told or guessed",
}


class Lessons(TyperGroup):
    """What can be trained, which an error names."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Raises ArgumentError for what cannot."""
        if args and self.get_command(ctx, args[0]) is None:
            choice = ", ".join(self.commands)
            raise ArgumentError(f"train {args[0]}: choose one of {choice}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=Lessons,
    help="Train a recogniser of your own, or the networks of deep redundancy and concealment.\n\n"
    "Each can be stopped at any time: the same command goes on.\n\n"
    "Examples:\n\n`allears train asr --data corpora/mine --parameters 1.5M`\n\n"
    "`allears train pitch --data corpora/librispeech --data corpora/mine`",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


def _lesson(what: str) -> Callable[..., None]:
    def train(
        data: Annotated[
            list[Path],
            typer.Option(
                help="A folder with utterances.csv (columns path, speaker, split); repeatable. "
                "Only rows of the split 'train' are used."
            ),
        ],
        folder: Annotated[
            Path | None,
            typer.Option(
                help=f"Where checkpoints go; a run goes on from there. Default: runs/{what}."
            ),
        ] = None,
        to: Annotated[
            Path | None,
            typer.Option(help="Where the finished weights go. Default: in that folder."),
        ] = None,
        steps: Annotated[
            int | None,
            typer.Option(min=1, help="Steps of every stage. Default: what suits a laptop."),
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
        place = folder or Path("runs") / what
        where = to or place / f"{what}.safetensors"
        until = time.monotonic() + 3600 * hours if hours else float("inf")
        finished = learn(LESSONS[what], data, packs, place, where, Wish(steps, batch, seed, until))
        typer.echo(
            f"{where}: written" if finished else f"{place}: stopped; the same command goes on"
        )

    train.__doc__ = (
        f"Train {_ABOUT[what]}.\n\nIt ends by itself within some two hours on one core and can be "
        "stopped at any time: the same command goes on.\n\n"
        f"Example: `allears train {what} --data corpora/librispeech --data corpora/mine`"
    )
    return train


for _what in LESSONS:
    app.command(_what)(_lesson(_what))
app.command(ASR)(asr)
