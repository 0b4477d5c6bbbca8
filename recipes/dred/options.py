"""The recipe's command line."""

import argparse
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from recipes.dred.conditions import CONDITIONS
from recipes.dred.material import TRACES

PROGRAM = "python -m recipes.dred.recipe"
HERE = Path(__file__).parent
CACHE = HERE.parents[1] / "runs" / "recipe-dred"
CLIPS, SEED = 16, 0


def read(command: Sequence[str], description: str | None) -> argparse.Namespace:
    """What is asked for; exits where it cannot be understood."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=description)
    _add_material(parser)
    _add_outputs(parser)
    return parser.parse_args(command)


def _add_material(parser: argparse.ArgumentParser) -> None:
    folders = "folders of recordings with utterances.csv; without, the clips that ship"
    parser.add_argument(
        "--data", type=Path, nargs="+", action="extend", default=[], metavar="FOLDER", help=folders
    )
    count = f"how many clips; 0 for all. Default: {CLIPS}"
    parser.add_argument("--clips", type=int, default=CLIPS, metavar="N", help=count)
    names = "networks to compare, by name or folder, repeatable. Default: allears and opus"
    parser.add_argument("--weights", action="append", metavar="NAME", help=names)
    traces = "a folder of recorded losses; without, they are generated"
    parser.add_argument("--traces", type=Path, metavar="FOLDER", help=traces)
    only = "only these losses, repeatable"
    parser.add_argument("--trace", action="append", choices=sorted(TRACES), help=only)
    keys = [condition.key for condition in CONDITIONS]
    only = "only this condition, repeatable"
    parser.add_argument("--condition", action="append", choices=keys, help=only)
    begin = "of the places in the traces at which clips begin"
    parser.add_argument("--seed", type=int, default=SEED, help=begin)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    out, page = HERE / "table.md", "the page to write. Default: table.md beside this program"
    parser.add_argument("--out", type=Path, default=out, metavar="FILE", help=page)
    numbers = "write figures and claims for a program, too"
    parser.add_argument("--json", type=Path, metavar="FILE", help=numbers)
    kept = "where what is measured is kept. Default: runs/recipe-dred"
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="FOLDER", help=kept)
    cores = os.cpu_count() or 1
    jobs = f"processes, at most one a core. Default: {cores} here"
    parser.add_argument("--jobs", type=int, default=cores, help=jobs)
    resume = "go on with what was measured before"
    parser.add_argument("--resume", action="store_true", help=resume)


def spelled(command: Sequence[str]) -> str:
    """The whole command for a reader elsewhere: of folders that stand elsewhere only the name."""
    return " ".join([PROGRAM, *map(_word, command)])


def _word(word: str) -> str:
    path = Path(word)
    return shlex.quote(path.name if path.is_absolute() else word)
