"""Deep redundancy on our material: every condition over every trace, scored, with the claims held against it.

What is measured is kept line by line, so that a run that was stopped goes on with --resume.
"""

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from allears.errors import AllearsError
from allears.outputs import write_whole
from allears.weights import store
from allears.weights.errors import WeightsError
from recipes.dred import options
from recipes.dred.board import Board
from recipes.dred.claims import verdicts
from recipes.dred.conditions import Case, cases
from recipes.dred.material import TRACES, Clip, clips, traces
from recipes.dred.measure import NOTHING, SCORES, Measurement, Results, Task, run
from recipes.dred.report import Setting, page


def tasks(setting: Setting) -> list[Task]:
    """Every clip under every case over every trace; all of one clip side by side."""
    return [
        Task(clip, case, name, flags)
        for clip in setting.clips
        for case in setting.cases
        for name, flags in _losses(clip, case, setting)
    ]


def _losses(clip: Clip, case: Case, setting: Setting) -> list[tuple[str, tuple[bool, ...]]]:
    """By the trace's name, what of the clip's packets is lost."""
    if case.condition.lossless:
        return [(NOTHING, ())]
    return [(trace.name, trace.turned(clip.name, setting.seed)) for trace in setting.traces]


def setting_of(asked: argparse.Namespace, command: Sequence[str]) -> Setting:
    """The material and the conditions. Raises AllearsError where something named is not there."""
    weights, notes = _weights(asked.weights)
    if not asked.data:
        notes.append("The clips are the two that ship: intervals say nothing.")
    chosen = [
        case
        for case in cases(weights)
        if not asked.condition or case.condition.key in asked.condition
    ]
    names = [name for name in TRACES if not asked.trace or name in asked.trace]
    return Setting(
        command=options.spelled(command),
        clips=tuple(clips(asked.data, asked.clips)),
        traces=tuple(traces(asked.traces, names, asked.seed)),
        cases=tuple(chosen),
        weights=tuple(weights),
        generated=asked.traces is None,
        seed=asked.seed,
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
    asked = options.read(command, __doc__)
    try:
        setting = setting_of(asked, command)
        results = Results(asked.cache, asked.resume)
        board = Board(measure_all(tasks(setting), results, asked.jobs))
        text = page(board, setting)
        write_whole(asked.out, text.encode())
        if asked.json:
            write_whole(asked.json, json.dumps(figures(board, setting), indent=1).encode())
    except AllearsError as error:
        sys.exit(f"{options.PROGRAM}: {error}")
    print(text)


if __name__ == "__main__":
    main()
