"""Adversarial reweighting for speaker verification (arXiv 2207.07776): no rival, and one in each of three forms.

    python -m recipes.arw.recipe --data DATA       # a laptop, some two hours of one core
    python -m recipes.arw.recipe --corpus FOLDER   # one larger corpus, at the paper's size, on a GPU

Stopped at any time, the same command goes on; `--table` only judges what is trained.
"""

import argparse
import time
from collections.abc import Iterable
from pathlib import Path

from allears.mitigation.voice_training import teach_voices
from allears.speaker.task import Distortion
from allears.speaker.training import CHECKPOINT, harder
from recipes.arw import arms, judging, material, outcomes, table
from recipes.arw.arms import FULL, LAPTOP, SEEDS, Arm, Size
from recipes.arw.figures import DRAWS
from recipes.arw.material import Material
from recipes.arw.outcomes import ended

HERE = Path(__file__).parent


def main() -> None:
    """Train what is not trained yet, choose by development speakers, and write the table."""
    wish = _wish()
    size = FULL if wish.corpus else LAPTOP
    steps = wish.steps or size.steps
    until = time.monotonic() + 3600 * wish.hours
    given = _material(wish)
    distort = harder(wish.noise) if wish.noise else None
    if wish.only:
        _train(wish, size, steps, given, distort, wish.only, until)
        return
    if not wish.table:
        _train(wish, size, steps, given, distort, arms.first(wish.seeds), until)
    chosen, errors = _chosen(wish.runs, steps, given)
    if not wish.table:
        _train(wish, size, steps, given, distort, arms.then(chosen, wish.seeds), until)
    found = outcomes.judged(wish.runs, steps, [Arm(), *chosen], wish.seeds, given, wish.draws)
    if found:
        table.write(found, size, steps, given, errors, wish.to)


def _train(
    wish: argparse.Namespace, size: Size, steps: int, given: Material, distort: Distortion | None,
    wanted: Iterable[tuple[Arm, int]], until: float,
) -> None:  # fmt: skip
    for arm, seed in wanted:
        course = arm.course(size, steps, seed)
        if time.monotonic() < until and not ended(wish.runs / course.name, steps):
            print(course.name, flush=True)
            teach_voices(
                course, given.training, wish.runs, arm.contest(size, seed), arm.form or "pairs",
                distort=distort, until=until, device=size.device,
            )  # fmt: skip


def _chosen(runs: Path, steps: int, given: Material) -> tuple[list[Arm], dict[Arm, float]]:
    """By the trainings of the first seed that came to their end; and their errors on development speakers."""
    errors = {
        arm: judging.error(runs / f"{arm.name}-0" / CHECKPOINT, given.development)
        for arm, _ in arms.first(1)
        if ended(runs / f"{arm.name}-0", steps)
    }
    return arms.choose(errors), errors


def _material(wish: argparse.Namespace) -> Material:
    if wish.corpus:
        return material.of_corpus(wish.corpus, wish.packs)
    return material.usual(wish.data, wish.packs)


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="where the corpora's folders are")
    parser.add_argument("--corpus", type=Path, help="one larger corpus: the full size")
    parser.add_argument("--noise", type=Path, help="noises and rooms; DATA/noise by default")
    parser.add_argument("--runs", type=Path, help="runs/arw/laptop or runs/arw/full by default")
    parser.add_argument("--packs", type=Path, help="packed sound; packs beside the runs by default")
    parser.add_argument("--steps", type=int, help="of each training, in place of the size's")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many")
    parser.add_argument("--only", metavar="NAME", help="one training, for example pairs-slow-0")
    parser.add_argument("--hours", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--table", action="store_true", help="judge only")
    parser.add_argument("--draws", type=int, default=DRAWS, help="of speakers, for intervals")
    parser.add_argument("--to", type=Path, default=HERE / "table.md", help="the table to write")
    wish = parser.parse_args()
    if bool(wish.data) == bool(wish.corpus):
        parser.error("--data or --corpus: where is the speech?")
    named = {f"{arm.name}-{seed}": [(arm, seed)] for arm, seed in arms.every(wish.seeds)}
    if wish.only and wish.only not in named:
        parser.error(f"--only {wish.only}: there are {', '.join(named)}")
    wish.only = named.get(wish.only)
    wish.runs = wish.runs or Path("runs/arw") / ("full" if wish.corpus else "laptop")
    wish.packs = wish.packs or wish.runs / "packs"
    wish.noise = wish.noise or (wish.data / "noise" if wish.data else None)
    return wish


if __name__ == "__main__":
    main()
