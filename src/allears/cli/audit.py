"""`allears audit`: who is served worse, and how sure that is."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from allears.cli import audit_trials
from allears.cli.arguments import ArgumentError
from allears.cli.audit_outputs import PAGE, Outputs, chosen, fail, saying, tell_left_out
from allears.fairness.findings import Audit, Grouping
from allears.fairness.report import figures, limits, sentences, tables
from allears.fairness.wish import Wish

if TYPE_CHECKING:
    from allears.fairness.trial_audit import TrialWish

MOST = 8
"""Groups of a grouping that a terminal is told of; the page has all."""

_COLUMNS = "Columns, where they are not found by their names"
_OUTPUTS = "What is written"
_TRIALS = "Trials of speaker verification"
_STATISTICS = "Statistics"

_Column = Annotated[str | None, typer.Option(metavar="COLUMN", rich_help_panel=_COLUMNS)]
_TrialColumn = Annotated[str | None, typer.Option(metavar="COLUMN", rich_help_panel=_TRIALS)]


def audit(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULTS",
            help="What was said and recognised, or trials of speaker verification: CSV, Parquet or JSONL.",
        ),
    ],
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="Compare groups by it, or by several: a*b. Repeatable."
        ),
    ] = None,
    census: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A CSV of zip codes and who lives there.")
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(metavar="OTHER", help="Results of a second system on the same utterances."),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LIMIT", help='End with 1 if so: "gap>0.3", "accent.gap_low>20%". Repeatable.'
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"The report; {PAGE} if nothing else is asked for.",
            rich_help_panel=_OUTPUTS,
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Everything as JSON: to stdout, or into a FILE.json that follows.",
            rich_help_panel=_OUTPUTS,
        ),
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The groups as CSV.", rich_help_panel=_OUTPUTS),
    ] = None,
    texts: Annotated[
        bool,
        typer.Option("--texts", help="Show utterances that went wrong.", rich_help_panel=_OUTPUTS),
    ] = False,
    speaker: _Column = None,
    utterance: _Column = None,
    reference: _Column = None,
    hypothesis: _Column = None,
    errors: _Column = None,
    words: _Column = None,
    latitude: _Column = None,
    longitude: _Column = None,
    zip_code: Annotated[
        str | None, typer.Option("--zip", metavar="COLUMN", rich_help_panel=_COLUMNS)
    ] = None,
    embedding: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Or a FILE.npy for each of RESULTS: a row for each of its rows.",
            rich_help_panel=_COLUMNS,
        ),
    ] = None,
    score: _TrialColumn = None,
    target: _TrialColumn = None,
    enrolled: _TrialColumn = None,
    tested: _TrialColumn = None,
    speakers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A table of what is known of speakers.", rich_help_panel=_TRIALS
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="The least score that is accepted; without it, where both errors are equal.",
            rich_help_panel=_TRIALS,
        ),
    ] = None,
    normaliser: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Form of writing in which words are compared: whisper-english, whisper-basic, lower or none.",
        ),
    ] = "whisper-english",
    min_speakers: Annotated[
        int,
        typer.Option(
            min=1, help="Groups of fewer speakers are not shown.", rich_help_panel=_STATISTICS
        ),
    ] = 5,
    replicates: Annotated[
        int,
        typer.Option(
            min=20, help="How often speakers are drawn anew.", rich_help_panel=_STATISTICS
        ),
    ] = 1000,
    seed: Annotated[
        int,
        typer.Option(min=0, help="Another seed draws other speakers.", rich_help_panel=_STATISTICS),
    ] = 0,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Sum up on a cluster of Ray: auto, HOST:6379 or ray://HOST:10001.",
        ),
    ] = None,
) -> None:
    """Say who is served worse, by how much, and how sure that is.

    Of trials of speaker verification (a score, a label, two speakers): who is refused or let in more often.

    An empty hypothesis is one in which nothing was recognised: all words are errors. A label that is empty, NA,
    NaN, None or null is not known: the row counts for everybody, and for no group.

    Example: `allears audit results.csv --by accent --by "gender*age" --html audit.html`
    """
    column, vectors = _voices(embedding or ())
    names = {
        "speaker": speaker, "utterance": utterance, "reference": reference, "hypothesis": hypothesis,
        "errors": errors, "words": words, "latitude": latitude, "longitude": longitude, "zip": zip_code,
        "embedding": column,
    }  # fmt: skip
    wish = Wish(
        {role: name for role, name in names.items() if name is not None},
        vectors, tuple(by or ()), census, compare, normaliser, texts, min_speakers, replicates, seed, ray,
    )  # fmt: skip
    read, outputs = chosen(results, as_json, html, csv)
    outputs.check([*read, *vectors, census, compare, speakers])
    trial = {"score": score, "target": target, "enrolled": enrolled, "tested": tested}
    if audit_trials.meant(read, trial | {"speakers": speakers, "threshold": threshold}):
        others = {"census": census, "compare": compare, "texts": texts, "ray": ray}
        audit_trials.refuse({**names, "speaker": None, "embedding": embedding, **others})
        audit_trials.run(read, _trials(wish, trial, speakers, threshold), fail_if or (), outputs)
        return
    wanted = [limits.parse(each) for each in fail_if or ()]
    # Imported here so that every other command starts without a database.
    from allears.fairness.audit import audit

    with saying() as progress:
        found = audit(read, wish, progress=progress)
        # What cannot be judged is refused before anything is written.
        broken = [line for limit in wanted for line in limit.broken(found)]
        progress("writing the report")
        outputs.write(
            lambda: _page(found), lambda: tables.as_json(found), lambda: tables.as_csv(found)
        )
    _tell(found, outputs)
    fail([line for limit in wanted for line in limit.unjudged(found)], broken)


def _voices(embedding: Sequence[str]) -> tuple[str | None, tuple[Path, ...]]:
    """A column of embeddings, or the files that they are in."""
    files = tuple(Path(each) for each in embedding if each.endswith(".npy"))
    if (files and len(files) < len(embedding)) or (not files and len(embedding) > 1):
        raise ArgumentError("--embedding: name one column, or a FILE.npy for each table")
    return (None, files) if files or not embedding else (embedding[0], ())


def _page(found: Audit) -> str:
    # Imported here so that who wants no page draws no maps.
    from allears.fairness.report.page import render

    return render(found)


def _trials(
    wish: Wish, names: Mapping[str, str | None], speakers: Path | None, threshold: float | None
) -> "TrialWish":
    """What is asked for, of trials."""
    from allears.fairness.trial_audit import TrialWish

    if threshold is not None and not math.isfinite(threshold):
        raise ArgumentError(f"--threshold {threshold}: is no score; give a number")
    known = {role: name for role, name in {**wish.names, **names}.items() if name is not None}
    return TrialWish(
        known, wish.by, speakers, threshold, wish.min_speakers, wish.replicates, wish.seed
    )


def _tell(found: Audit, outputs: Outputs) -> None:
    if outputs.printed:
        return
    console = Console(highlight=False, markup=False)
    console.print(f"\n{sentences.headline(found)}", style="bold")
    console.print(sentences.lead(found))
    if found.comparison:
        console.print(sentences.compared(found.comparison))
    for grouping in found.groupings:
        console.print()
        if not grouping.groups:
            console.print(f"{figures.heading(grouping)}: no group has enough speakers to be shown.")
            continue
        console.print(_table(grouping))
        if (rest := len(grouping.groups) - MOST) > 0:
            console.print(f"and {figures.counted(rest, 'more group')}", style="dim")
    tell_left_out(console, found.left_out, outputs.html is not None)
    for note in found.notes:
        console.print(note, style="dim")
    if outputs.html:
        console.print(f"\nThe report: {outputs.html.resolve().as_uri()}", soft_wrap=True)


def _table(grouping: Grouping) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column(figures.heading(grouping), overflow="fold")
    for heading in ("wrong", "95 % interval", "× the rest", "p", "speakers"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for group in grouping.groups[:MOST]:
        table.add_row(
            Text(group.name), figures.rate(group.wer.value), figures.rates(group.wer),
            figures.times(group.ratio.value), figures.chance(group.p),
            figures.whole(group.speakers), figures.SERVICE[figures.service(group)],
        )  # fmt: skip
    return table
