"""Four encoders of equal size on equal data for an equal time: LSTM, ConvRNN-T, Conformer, ContextNet.

    python -m recipes.convrnnt.recipe --data DATA            # a laptop, some 4 hours on two cores
    python -m recipes.convrnnt.recipe --librispeech FOLDER   # LibriSpeech's 960 hours, on a GPU

Stopped at any time, the same command goes on; `--table` only judges what is trained.
"""

import argparse
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from allears.asr.encoders import kinds
from allears.asr.task import Lesson
from allears.asr.training import Course, distortions, pieces, teach
from allears.corpus.sound import Sound
from allears.train.schedule import Plan, Precision
from recipes.convrnnt import table
from recipes.recognition import material

HERE = Path(__file__).parent
KINDS = ("lstm", "convrnn", "conformer", "contextnet")
SEEDS = (0, 1)
_INPUTS = 256


@dataclass(frozen=True, slots=True)
class Size:
    """How large everything is: what a laptop can, and what the paper's makers had."""

    parameters: int
    symbols: int
    steps: int
    lesson: Lesson
    rates: Mapping[str, float]
    device: str
    precision: Precision


LAPTOP = Size(
    1_200_000, 128, 3200,
    Lesson(seconds=30.0, longest_s=10.0, shortly=1200, plainly=1600),
    {"lstm": 2e-3, "convrnn": 2e-3, "conformer": 1e-3, "contextnet": 1e-3}, "cpu", "bfloat16",
)  # fmt: skip
"""Begun on short and plain utterances for long: with 400 and 800 such batches the LSTM alone learned to hear."""
FULL = Size(
    28_000_000,
    2500,
    150_000,
    Lesson(seconds=1200.0),
    dict.fromkeys(KINDS, 1e-3),
    "cuda",
    "bfloat16",
)


def courses(size: Size, seeds: Sequence[int]) -> Iterator[Course]:
    """Seed by seed, so that a first comparison is there early."""
    for seed, kind in itertools.product(seeds, KINDS):
        encoder = asdict(kinds.sized(kind, size.parameters, _INPUTS))
        plan = Plan(
            steps=size.steps, rate=size.rates[kind], warmup=min(200, size.steps // 5),
            precision=size.precision, decay=0.01, average=0.998, seed=seed,
        )  # fmt: skip
        yield Course(f"{kind}-{seed}", kind, encoder, plan, lesson=size.lesson)


def main() -> None:
    """Train what is not trained yet, then write the table."""
    wish = _wish()
    size = FULL if wish.librispeech else LAPTOP
    until = time.monotonic() + 3600 * wish.hours
    runs = wish.runs / ("full" if wish.librispeech else "laptop")
    sound, shares = _material(wish, runs)
    tokens = pieces(sound, size.symbols, runs / f"pieces-{size.symbols}.model")
    distort = distortions(wish.data / "noise") if wish.data else None
    chosen = [each for each in courses(size, range(wish.seeds)) if wish.only in (None, each.name)]
    for course in [] if wish.table else chosen:
        if time.monotonic() < until and not table.ended(runs / course.name, size.steps):
            print(course.name, flush=True)
            teach(
                course, sound, shares, tokens, runs,
                distort=distort, until=until, device=size.device,
            )  # fmt: skip
    if wish.only is None and wish.data:
        table.write(
            list(courses(size, range(wish.seeds))), runs,
            material.tests(wish.data, runs / "packs"), HERE / "table.md",
        )  # fmt: skip


def _material(wish: argparse.Namespace, runs: Path) -> tuple[Sound, list[float]]:
    if wish.librispeech:
        return material.librispeech(wish.librispeech, runs / "packs")
    return material.training(wish.data, material.LAPTOP, Path("runs/recognition/packs"))


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="where the corpora's folders are")
    parser.add_argument("--librispeech", type=Path, help="LibriSpeech's folder: the full size")
    parser.add_argument("--runs", type=Path, default=Path("runs/convrnnt"))
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many")
    parser.add_argument("--only", metavar="NAME", help="one training, for example convrnn-0")
    parser.add_argument("--hours", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--table", action="store_true", help="judge only")
    wish = parser.parse_args()
    if not (wish.data or wish.librispeech):
        parser.error("--data or --librispeech: where is the speech?")
    return wish


if __name__ == "__main__":
    main()
