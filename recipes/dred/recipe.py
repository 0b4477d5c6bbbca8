"""Deep redundancy on our material: every condition over every trace, scored, with the claims held against it.

What is measured is kept line by line, so that a run that was stopped goes on with --resume.
"""

import argparse
import json
import math
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from allears.errors import AllearsError
from allears.outputs import write_whole
from allears.weights import store
from allears.weights.errors import WeightsError
from recipes.dred.board import Board
from recipes.dred.claims import verdicts
from recipes.dred.conditions import cases
from recipes.dred.material import TRACES, clips, traces
from recipes.dred.measure import NOTHING, SCORES, Measurement, Results, Task, run
from recipes.dred.report import Setting, page

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / "runs" / "recipe-dred"
PROGRAM = "python -m recipes.dred.recipe"
CLIPS, SEED = 16, 0


def arguments(command: Sequence[str]) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="folders of recordings with utterances.csv; without, the clips that ship",
    )
    add(
        "--clips",
        type=int,
        default=CLIPS,
        metavar="N",
        help=f"how many clips; 0 for all. Default: {CLIPS}",
    )
    add(
        "--weights",
        action="append",
        metavar="NAME",
        help="networks to compare, by name or folder, repeatable. Default: allears and opus",
    )
    add(
        "--traces", type=Path, metavar="FOLDER", help="recorded losses; without, they are generated"
    )
    add("--trace", action="append", choices=sorted(TRACES), help="only this trace, repeatable")
    add("--out", type=Path, default=HERE / "table.md", metavar="FILE", help="the page to write")
    add("--json", type=Path, metavar="FILE", help="write figures and claims for a program, too")
    add(
        "--cache", type=Path, default=CACHE, metavar="FOLDER", help="where what is measured is kept"
    )
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes, at most one a core")
    add("--seed", type=int, default=SEED, help="of the places in the traces at which clips begin")
    add("--resume", action="store_true", help="go on with what was measured before")
    return parser.parse_args(command)


def tasks(setting: Setting) -> list[Task]:
    """Every clip under every case over every trace; all of one clip side by side."""
    return [
        Task(clip, case, trace.name if trace else NOTHING, trace.turned(clip.name, setting.seed) if trace else ())
        for clip in setting.clips
        for case in setting.cases
        for trace in ([None] if case.condition.lossless else setting.traces)
    ]  # fmt: skip


def setting_of(options: argparse.Namespace, command: Sequence[str]) -> Setting:
    """The material and the conditions. Raises AllearsError where something named is not there."""
    weights, notes = _weights(options.weights)
    if not options.data:
        notes.append("The clips are the two that ship: intervals say nothing.")
    names = [name for name in TRACES if not options.trace or name in options.trace]
    return Setting(
        command=" ".join([PROGRAM, *map(_plain, command)]),
        clips=tuple(clips(options.data, options.clips)),
        traces=tuple(traces(options.traces, names, options.seed)),
        cases=tuple(cases(weights)),
        weights=tuple(weights),
        generated=options.traces is None,
        seed=options.seed,
        notes=tuple(notes),
    )


def _weights(named: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Which of the weights are here, and a note on those of the default ones that are not."""
    here, notes = [], []
    for name in named or ("allears", "opus"):
        try:
            store.models(name)
            here.append(name)
        except WeightsError as error:
            if named and name != "opus":
                raise
            notes.append(f"Left out, weights {name}: {_plain_reason(error)}.")
    return here, notes


def _plain_reason(error: WeightsError) -> str:
    """Without the folder it begins with, which says nothing on another machine."""
    return str(error).partition(": ")[2]


def _plain(word: str) -> str:
    """A word of the command line; of folders elsewhere only the name."""
    path = Path(word)
    return shlex.quote(path.name if path.is_absolute() else word)


def measure_all(wanted: Sequence[Task], results: Results, jobs: int) -> list[Measurement]:
    """What is known is taken, the rest measured."""
    open_ = [task for task in wanted if task.key not in results.known]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, transient=True) as bar:
        line = bar.add_task("calling", total=len(wanted), completed=len(wanted) - len(open_))
        for measurement in run(open_, max(1, min(jobs, os.cpu_count() or 1))):
            results.add(measurement)
            bar.advance(line)
    return [results.known[task.key] for task in wanted]


def figures(board: Board, setting: Setting) -> dict[str, Any]:
    """Everything in the page, for a program; intervals as [value, low, high]."""
    cells = {
        case.key: {
            trace: {score: board.mean(case.key, trace, score) for score in SCORES}
            | {"words_wrong": board.word_errors(case.key, trace)}
            for trace in ([NOTHING] if case.condition.lossless else setting.names)
        }
        for case in setting.cases
    }
    claims = [
        {
            name: getattr(each, name)
            for name in ("claim", "trace", "found", "wanted", "held", "certain")
        }
        for each in verdicts(board, setting.weights, setting.names)
    ]
    kbps = {case.key: board.kbps(case.key) for case in setting.cases}
    about = {"command": setting.command, "kbps": kbps, "scores": cells, "claims": claims}
    return {key: _without_nan(value) for key, value in about.items()}


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: null stands for what is not known."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def main(command: Sequence[str] | None = None) -> None:
    """Measure, and write the page."""
    command = sys.argv[1:] if command is None else command
    options = arguments(command)
    try:
        setting = setting_of(options, command)
        results = Results(options.cache, options.resume)
        board = Board(measure_all(tasks(setting), results, options.jobs))
        text = page(board, setting)
        write_whole(options.out, text.encode())
        if options.json:
            write_whole(options.json, json.dumps(figures(board, setting), indent=1).encode())
    except AllearsError as error:
        sys.exit(f"{PROGRAM}: {error}")
    print(text)


if __name__ == "__main__":
    main()
