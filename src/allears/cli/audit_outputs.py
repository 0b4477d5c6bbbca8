"""Where an audit goes: a page, JSON, CSV, and how a pipeline ends."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from allears.cli.arguments import ArgumentError, check_output
from allears.fairness.findings import LeftOut
from allears.fairness.report import figures
from allears.outputs import write_whole

PAGE = Path("audit.html")


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

    def write(
        self, page: Callable[[], str], as_json: Callable[[], str], as_csv: Callable[[], str]
    ) -> None:
        """All of it; what is not asked for is not made. All is made before any is written."""
        data = as_json() if self.json or self.printed else ""
        made = [
            (self.html, page() if self.html else ""),
            (self.json, data + "\n"),
            (self.csv, as_csv() if self.csv else ""),
        ]
        for path, text in made:
            if path:
                write_whole(path, text.encode())
        if self.printed:
            print(data)


def chosen(
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
def saying() -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what is being done, where somebody looks."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("starting") as status:
        yield lambda doing: status.update(Text(doing))


def tell_left_out(console: Console, left_out: Sequence[LeftOut], report: bool) -> None:
    """Of rows that were left out how many, and why where no report says it; of those that count all the same,
    what was wrong with each.
    """
    if not left_out:
        return
    console.print()
    wholly = [each for each in left_out if not each.counted]
    if wholly and report:
        left = figures.counted(sum(each.rows for each in wholly), "row")
        console.print(f"{left} left out; the report says why.")
    for each in left_out:
        if each.counted or not report:
            how = "" if each.counted else "left out: "
            console.print(f"{figures.counted(each.rows, 'row')} {how}{each.reason}", style="dim")


def fail(unjudged: Sequence[str], broken: Sequence[str]) -> None:
    """A sentence on stderr for each limit that is broken, and 1; a word on those that nobody can judge."""
    for line in (*unjudged, *broken):
        print("allears:", line, file=sys.stderr)
    if broken:
        raise typer.Exit(1)
