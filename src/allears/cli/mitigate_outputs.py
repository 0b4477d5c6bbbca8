"""What `allears mitigate` shows while it works, and says in the end."""

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from allears.mitigation.remedy.outcome import Change, Outcome


class Showing:
    """On stderr, where somebody looks: what is being done, and a bar with the time left.

    A training has a bar of its own; of that only the name is shown, above it.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars: Progress | None = None
        self._doing = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def __call__(self, doing: str, share: float | None) -> None:
        """So much of it is done."""
        if not self._console.is_terminal:
            return
        if share is None:
            self._end()
            self._console.print(Text(doing))
            return
        if doing != self._doing or self._bars is None:
            self._end()
            self._begin(doing)
        assert self._bars
        self._bars.update(self._bars.task_ids[0], completed=share)
        if share >= 1:
            self._end()

    def _begin(self, doing: str) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
        self._bars = Progress(*columns, console=self._console, transient=True)
        self._bars.add_task(doing, total=1.0)
        self._bars.start()
        self._doing = doing

    def _end(self) -> None:
        if self._bars:
            self._bars.stop()
        self._bars, self._doing = None, ""


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """Bars of trainings go to stderr, where somebody looks, else nowhere: stdout is for what came out."""
    with contextlib.redirect_stdout(sys.stderr if sys.stderr.isatty() else io.StringIO()):
        yield


def tell(found: "Outcome", to: Path, as_json: bool) -> None:
    """What became of everybody; the last line says whom it harmed."""
    from allears.mitigation.remedy import outcome

    if as_json:
        print(outcome.as_json(found))
        return
    console = Console(highlight=False, markup=False)
    for sentence in (*found.sentences, found.choice):
        console.print(sentence)
    console.print()
    console.print(_table(found))
    console.print()
    for note in found.notes:
        console.print(note, style="dim")
    console.print(f"{to / 'model.safetensors'}: {'written' if found.taken else 'the old model'}")
    console.print(f"The reports: {to / 'before.html'} and {to / 'after.html'}", soft_wrap=True)
    console.print(found.last, style="bold", soft_wrap=True)


def _table(found: "Outcome") -> Table:
    from allears.fairness.report import figures

    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column(found.error, overflow="fold")
    for heading in ("before", "after", "points", "95 % interval", "speakers"):
        table.add_column(heading, justify="right", no_wrap=heading != "95 % interval")
    table.add_column("", no_wrap=True)
    for each in found.changes:
        table.add_row(
            Text(str(each)), _rate(each, "before"), _rate(each, "after"),
            figures.change(each.difference.value), figures.changes(each.difference),
            figures.whole(each.speakers), "worse" if each.worse else "better" if each.better else "",
        )  # fmt: skip
    return table


def _rate(change: "Change", which: str) -> str:
    """A rate, and its interval below it."""
    from allears.fairness.report import figures

    found = change.before if which == "before" else change.after
    interval = figures.rates(found).replace(" to ", "–")
    return (
        f"{figures.rate(found.value)}\n{interval}" if found.bounded else figures.rate(found.value)
    )
