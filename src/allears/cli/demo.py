"""`allears demo`: hear it."""

import json
import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from allears.cli.arguments import ArgumentError, check_output
from allears.cli.terminal import waiting
from allears.demo import page as pages
from allears.demo.show import show
from allears.outputs import write_whole


def demo(
    output: Annotated[Path, typer.Argument(metavar="PAGE", help="The page to write.")] = Path(
        "allears-demo/index.html"
    ),
    seed: Annotated[int, typer.Option(help="Another seed loses other packets.")] = 0,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The table as JSON.")] = False,
) -> None:
    """Call real speech over a bursty network under each redundancy: one page to hear and see it.

    Example: `allears demo page.html --open`
    """
    _check_page(output)
    with waiting("calling, under every redundancy") as progress:
        page, missing = show(seed, f"allears demo --seed {seed}", progress)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, pages.render(page).encode())
    rows = pages.summary(page)
    names = pages.score_names(page)
    if as_json:
        print(
            json.dumps({"page": str(output), "conditions": [_object(row, names) for row in rows]})
        )
        return
    console = Console(highlight=False)
    console.print(f"\n[bold]{pages.headline(page)}[/]\n{page.network}.\n")
    console.print(_table(rows, names))
    for reason in missing:
        console.print(f"not rated: {reason}", style="dim", markup=False)
    console.print(f"\nHear it: {output.resolve().as_uri()}", soft_wrap=True)
    if open_it and sys.stdout.isatty():
        webbrowser.open(output.resolve().as_uri())


def _check_page(output: Path) -> None:
    """Refuse, before any work is done, a page that could not be written in the end."""
    nearest = next(folder for folder in output.absolute().parents if folder.exists())
    if nearest == output.absolute().parent and nearest.is_dir():
        check_output(output)
    elif not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise ArgumentError(f"{output}: no folder can be made in {nearest}; choose another place")


def _table(rows: list[pages.Row], names: list[str]) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column("redundancy", no_wrap=True)
    for heading in ("kb/s", "received", "recovered", "concealed", *names, "delay"):
        table.add_column(heading, justify="right")
    for row in rows:
        frames = row.frames
        table.add_row(
            row.name,
            f"{row.kbps:.0f}",
            *(f"{count / frames.total():.0%}" for count in map(frames.__getitem__, _OUTCOMES)),
            *("–" if (score := row.score(name)) is None else f"{score:.2f}" for name in names),
            f"{row.delay_ms:.0f} ms",
        )
    return table


def _object(row: pages.Row, names: list[str]) -> dict[str, Any]:
    frames = row.frames
    return {
        "condition": row.name,
        "payload_kbps": row.kbps,
        "frames": {outcome: frames[outcome] for outcome in _OUTCOMES},
        "scores": {name: row.score(name) for name in names},
        "delay_ms": row.delay_ms,
    }


_OUTCOMES = ("received", "recovered", "concealed")
