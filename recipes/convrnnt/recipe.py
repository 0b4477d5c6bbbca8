"""Four encoders of equal size on equal data for an equal time: LSTM, ConvRNN-T, Conformer, ContextNet.

    python -m recipes.convrnnt.recipe --data DATA                # a laptop: one core, some 2 hours
    python -m recipes.convrnnt.recipe --data DATA --full FOLDER  # LibriSpeech's 960 hours, on a GPU

Each encoder is trained at each rate; development speakers say which is its own, and at that one it is trained
with the other seeds, too. Stopped at any time, the same command goes on; `--table` only judges what is trained.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
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
SEEDS = 2
_INPUTS = 256


@dataclass(frozen=True, slots=True)
class Size:
    """How large everything is: what a laptop can, and what the paper's makers had.

    Of `rates` each encoder has the one with which its first seed heard the speakers best that were kept `aside`.
    """

    parameters: int
    symbols: int
    steps: int
    lesson: Lesson
    rates: tuple[float, ...]
    aside: str
    device: str
    precision: Precision


LAPTOP = Size(
    1_200_000, 128, 2500, Lesson(seconds=40.0, longest_s=10.0, shortly=700, plainly=900),
    (1e-3, 2e-3), "an4", "cpu", "bfloat16",
)  # fmt: skip
"""Begun on short and plain utterances for long: with fewer such batches the LSTM alone learned to hear."""
FULL = Size(
    28_000_000, 2500, 150_000, Lesson(seconds=1200.0),
    (5e-4, 1e-3), "librispeech", "cuda", "bfloat16",
)  # fmt: skip


def course(size: Size, kind: str, seed: int, rate: float) -> Course:
    """One training."""
    encoder = asdict(kinds.sized(kind, size.parameters, _INPUTS))
    plan = Plan(
        steps=size.steps, rate=rate, warmup=min(200, size.steps // 5),
        precision=size.precision, decay=0.01, average=0.998, seed=seed,
    )  # fmt: skip
    return Course(f"{kind}-{seed}-{rate:g}", kind, encoder, plan, lesson=size.lesson)


def first(size: Size) -> list[Course]:
    """The first seed at every rate."""
    return [course(size, kind, 0, rate) for rate in size.rates for kind in KINDS]


def later(size: Size, rates: Mapping[str, float], seeds: int) -> list[Course]:
    """All seeds of all encoders whose rate is known."""
    known = [kind for kind in KINDS if kind in rates]
    return [course(size, kind, seed, rates[kind]) for seed in range(seeds) for kind in known]


def main() -> None:
    """Train what is not trained yet, then write the table."""
    wish = _wish()
    size = FULL if wish.full else LAPTOP
    until = time.monotonic() + 3600 * wish.hours
    runs = wish.runs / ("full" if wish.full else "laptop")
    if wish.only:
        names = wish.only.rsplit("-", 2)
        _train([course(size, names[0], int(names[1]), float(names[2]))], size, wish, runs, until)
        return
    if not wish.table:
        _train(first(size), size, wish, runs, until)
    tried = table.tried(first(size), runs, _aside(size, wish))
    rates = table.best(tried)
    chosen = later(size, rates, wish.seeds)
    if not wish.table:
        _train(chosen, size, wish, runs, until)
    table.write(chosen, tried, runs, material.tests(wish.data, wish.packs), HERE / "table.md")


def _train(
    courses: Sequence[Course], size: Size, wish: argparse.Namespace, runs: Path, until: float
) -> None:
    missing = [each for each in courses if not table.ended(runs / each.name, size.steps)]
    if not missing:
        return
    sound, shares = _material(wish, runs)
    tokens = pieces(sound, size.symbols, runs / f"pieces-{size.symbols}.model")
    distort = distortions(wish.data / "noise")
    for each in missing:
        if time.monotonic() < until:
            print(each.name, flush=True)
            teach(
                each, sound, shares, tokens, runs, distort=distort, until=until, device=size.device
            )


def _aside(size: Size, wish: argparse.Namespace) -> Sound:
    """Speakers that decisions are taken by."""
    corpora = [each for each in material.LAPTOP if each.name == size.aside]
    return material.development(wish.data, corpora, wish.packs)[size.aside]


def _material(wish: argparse.Namespace, runs: Path) -> tuple[Sound, list[float]]:
    if wish.full:
        return material.librispeech(wish.full, runs / "packs")
    return material.laptop(wish.data, wish.packs)


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--full", type=Path, metavar="DIR", help="LibriSpeech's folder: full size")
    parser.add_argument("--runs", type=Path, default=Path("runs/convrnnt"))
    parser.add_argument("--packs", type=Path, default=Path("runs/recognition/packs"))
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many")
    parser.add_argument(
        "--only", metavar="NAME", help="one training: encoder, seed, rate; convrnn-0-0.001"
    )
    parser.add_argument("--hours", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--table", action="store_true", help="judge only")
    return parser.parse_args()


if __name__ == "__main__":
    main()
