"""`allears audit`: who is served worse, and how sure that is."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from allears.cli.arguments import ArgumentError, check_output
from allears.fairness.findings import Audit, Grouping
from allears.fairness.report import figures, limits, sentences, tables
from allears.fairness.wish import Wish
from allears.outputs import write_whole

PAGE = Path("audit.html")
MOST = 8
"""Groups of a grouping that a terminal is told of; the page has all."""

_COLUMNS = "Columns, where they are not found by their names"
_OUTPUTS = "What is written"
_STATISTICS = "Statistics"

_Column = Annotated[str | None, typer.Option(metavar="COLUMN", rich_help_panel=_COLUMNS)]


def audit(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULTS", help="What was said and recognised: CSV, parquet or JSONL."
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
        str | None,
        typer.Option(metavar="COLUMN", help="Or a FILE.npy.", rich_help_panel=_COLUMNS),
    ] = None,
    normaliser: Annotated[
        str, typer.Option(metavar="NAME", help="What makes no difference between words.")
    ] = "whisper-english",
    min_speakers: Annotated[
        int,
        typer.Option(min=1, help="Groups of fewer are not shown.", rich_help_panel=_STATISTICS),
    ] = 5,
    replicates: Annotated[
        int,
        typer.Option(min=20, help="How often speakers are drawn.", rich_help_panel=_STATISTICS),
    ] = 1000,
    seed: Annotated[
        int, typer.Option(min=0, help="Another draws others.", rich_help_panel=_STATISTICS)
    ] = 0,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Sum up on a cluster of Ray.")
    ] = None,
) -> None:
    """Say who is served worse, by how much, and how sure that is.

    Example: `allears audit results.csv --by accent --by "gender*age" --html audit.html`
    """
    names = {
        "speaker": speaker, "reference": reference, "hypothesis": hypothesis, "errors": errors,
        "words": words, "latitude": latitude, "longitude": longitude, "zip": zip_code,
        "embedding": embedding,
    }  # fmt: skip
    wish = Wish(
        {role: name for role, name in names.items() if name is not None},
        tuple(by or ()), census, compare, normaliser, texts, min_speakers, replicates, seed, ray,
    )  # fmt: skip
    wanted = [limits.parse(each) for each in fail_if or ()]
    read, outputs = _outputs(results, as_json, html, csv)
    outputs.check([*read, census, compare])
    # Imported here so that every other command starts without a database.
    from allears.fairness.audit import audit

    with _saying() as progress:
        found = audit(read, wish, progress=progress)
        # What cannot be judged is refused before anything is written.
        broken = [line for limit in wanted for line in limit.broken(found)]
        progress("writing the report")
        outputs.write(found)
    _tell(found, outputs)
    _fail(found, wanted, broken)


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where everything goes; `printed`: JSON goes to stdout."""

    html: Path | None
    json: Path | None
    csv: Path | None
    printed: bool

    @property
    def files(self) -> list[Path]:
        """Those that are written."""
        return [each for each in (self.html, self.json, self.csv) if each]

    def check(self, others: Sequence[Path | None]) -> None:
        """Refuse, before any work is done, what could not be written or is there already as an input."""
        for number, each in enumerate(self.files):
            check_output(each, [*others, *self.files[:number]])

    def write(self, found: Audit) -> None:
        """All of it."""
        if self.html:
            from allears.fairness.report.page import render

            write_whole(self.html, render(found).encode())
        if self.json:
            write_whole(self.json, (tables.as_json(found) + "\n").encode())
        if self.csv:
            write_whole(self.csv, tables.as_csv(found).encode())
        if self.printed:
            print(tables.as_json(found))


def _outputs(
    results: Sequence[Path], as_json: bool, html: Path | None, csv: Path | None
) -> tuple[list[Path], Outputs]:
    """What is read and what is written; results are never `.json`, so that a name like this is of the output."""
    named = [each for each in results if as_json and each.suffix == ".json"]
    read = [each for each in results if each not in named]
    if len(named) > 1 or not read:
        raise ArgumentError("--json: name results, and one FILE.json at most")
    if not (html or csv or as_json):
        html = PAGE
    return read, Outputs(html, named[0] if named else None, csv, as_json and not named)


@contextmanager
def _saying() -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what is being done, where somebody looks."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("starting") as status:
        yield lambda doing: status.update(Text(doing))


def _tell(found: Audit, outputs: Outputs) -> None:
    if outputs.printed:
        return
    console = Console(highlight=False, markup=False)
    console.print(f"\n{sentences.headline(found)}", style="bold")
    console.print(sentences.lead(found))
    for grouping in found.groupings:
        console.print()
        console.print(_table(grouping))
        if (rest := len(grouping.groups) - MOST) > 0:
            console.print(f"and {figures.counted(rest, 'group')} more", style="dim")
    if left := sum(each.rows for each in found.left_out):
        console.print(f"\n{figures.counted(left, 'row')} left out; the report says why.")
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


def _fail(found: Audit, wanted: Sequence[limits.Limit], broken: Sequence[str]) -> None:
    """A sentence on stderr for each limit that is broken, and 1; a word on those that nobody can judge."""
    for line in (line for limit in wanted for line in limit.unjudged(found)):
        print("allears:", line, file=sys.stderr)
    for line in broken:
        print("allears:", line, file=sys.stderr)
    if broken:
        raise typer.Exit(1)
