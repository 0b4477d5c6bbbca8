"""`allears verify`: whether two clips are of one speaker, who of a gallery it is, how a list of trials does."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from allears.cli import verify_clips, verify_trials
from allears.cli.arguments import ArgumentError
from allears.cli.verify_clips import Decision

_LIST = "Lists of trials"
_DECISION = "When it is decided that it is one speaker"


def verify(
    clips: Annotated[
        list[Path] | None,
        typer.Argument(metavar="A B", help="Two recordings of any kind; one with --gallery."),
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Who of those enrolled there is it, or nobody?"),
    ] = None,
    trials: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Columns first, second, same, and any attributes; paths are from its folder.",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.safetensors", help="A network of voices; else the one that ships."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What was found, as JSON.")] = False,
    prior: Annotated[
        float | None,
        typer.Option(
            help="How likely one speaker (or one who is enrolled) is beforehand; else 0.5.",
            rich_help_panel=_DECISION,
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="The least natural logarithm of the likelihood ratio, in place of a prior.",
            rich_help_panel=_DECISION,
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Attributes to compare groups by, or several: a*b. Else all. Repeatable.",
            rich_help_panel=_LIST,
        ),
    ] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            help="What was heard is kept there, and not heard again.",
            rich_help_panel=_LIST,
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="The trials with their scores, for `allears audit`.",
            rich_help_panel=_LIST,
        ),
    ] = None,
    det: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.svg", help="Both errors at every threshold.", rich_help_panel=_LIST
        ),
    ] = None,
    min_speakers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Groups of fewer speakers are not shown; else 5.",
            rich_help_panel=_LIST,
        ),
    ] = None,
    replicates: Annotated[
        int | None,
        typer.Option(
            min=20,
            help="How often speakers are drawn anew for intervals; else 1000.",
            rich_help_panel=_LIST,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Another seed draws other speakers.", rich_help_panel=_LIST),
    ] = None,
) -> None:
    """Tell whether two clips are of one speaker, and how likely that is.

    It ends with 0 whatever was decided: the decision is in what it says (`"same"` in --json). Lists of trials are
    decided where errors of both kinds are equally frequent, unless --prior or --threshold says otherwise.

    Examples:

    `allears verify a.wav b.wav`

    `allears verify unknown.wav --gallery team.safetensors --prior 0.1`

    `allears verify --trials trials.csv --by gender --det det.svg --scores scores.csv --json`
    """
    given = clips or []
    listed = {
        "by": by, "embeddings": embeddings, "scores": scores, "det": det, "min-speakers": min_speakers,
        "replicates": replicates, "seed": seed,
    }  # fmt: skip
    _check(given, gallery, trials, listed)
    decision = Decision(prior, threshold)
    if trials:
        wanted = {"min_speakers": min_speakers, "replicates": replicates, "seed": seed}
        verify_trials.run(
            trials, model, verify_trials.Outputs(embeddings, scores, det, as_json), tuple(by or ()),
            decision.least() if decision.given else None,
            verify_trials.Statistics(**{name: each for name, each in wanted.items() if each is not None}),
        )  # fmt: skip
    elif gallery:
        verify_clips.who(given[0], gallery, model, decision, as_json)
    else:
        verify_clips.same(given[0], given[1], model, decision, as_json)


def _check(
    clips: Sequence[Path], gallery: Path | None, trials: Path | None, listed: Mapping[str, object]
) -> None:
    """Raise ArgumentError where it is not clear what is wanted."""
    if trials and (clips or gallery):
        raise ArgumentError("--trials names its own recordings: leave clips and --gallery out")
    if trials:
        return
    for name, value in listed.items():
        if value is not None and value != []:
            raise ArgumentError(
                f"--{name} is for lists of trials: give --trials CSV, or leave it out"
            )
    wanted = 1 if gallery else 2
    if len(clips) != wanted:
        what = "one clip with --gallery" if gallery else "two clips, A and B"
        raise ArgumentError(f"{len(clips)} clips to verify: give {what}")
