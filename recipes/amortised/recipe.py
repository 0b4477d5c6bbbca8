"""Computation saved against word errors: amortised Transformers, and shorter windows of attention beside them.

    python -m recipes.amortised.recipe --data DATA                # a laptop: one core, some hours
    python -m recipes.amortised.recipe --data DATA --full FOLDER  # LibriSpeech's 960 hours, on a GPU

Stopped at any time, the same command goes on; `--table` only judges what is trained.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import argparse
import time
from dataclasses import replace
from pathlib import Path

from allears.asr.training import distortions, pieces
from allears.corpus.sound import Sound
from recipes.amortised import table
from recipes.amortised.lessons import BASE, FULL, LAPTOP, Run, runs, teach
from recipes.recognition import material

HERE = Path(__file__).parent
SETS = {"an4": 1000, "speechocean762": 2, "librispeech": 8}
"""What is judged, and by how many utterances of a speaker at most."""


def main() -> None:
    """Train what is not trained yet, then judge and write the table."""
    wish = _wish()
    size = FULL if wish.full else LAPTOP
    size = replace(size, first=wish.first or size.first, steps=wish.steps or size.steps)
    until = time.monotonic() + 3600 * wish.hours
    folder = wish.runs / ("full" if wish.full else "laptop")
    every = runs(size)
    if unknown := set(wish.only) - {each.name for each in every}:
        raise SystemExit(
            f"no run {min(unknown)}; there are {', '.join(each.name for each in every)}"
        )
    if not wish.table:
        _train(
            [each for each in every if not wish.only or each.name in wish.only],
            wish,
            until,
            size.device,
        )
    if not wish.only:
        found = material.tests(wish.data, wish.packs)
        decided_by = [each for each in material.LAPTOP if each.name == table.DECIDED_BY]
        aside = material.development(wish.data, decided_by, wish.packs)[table.DECIDED_BY]
        sets = {name: material.some(found[name], each) for name, each in SETS.items()}
        table.write(every, folder, sets, aside, wish.out)


def _train(chosen: list[Run], wish: argparse.Namespace, until: float, device: str) -> None:
    folder = wish.runs / ("full" if wish.full else "laptop")
    sound, shares = _material(wish, folder)
    symbols = (FULL if wish.full else LAPTOP).symbols
    tokens = pieces(sound, symbols, folder / f"pieces-{symbols}.model")
    distort = distortions(wish.data / "noise")
    for each in chosen:
        if (folder / each.name / "model.safetensors").exists() or time.monotonic() > until:
            continue
        print(each.name, flush=True)
        begun = time.process_time()
        teach(each, sound, shares, tokens, folder, distort=distort, until=until, device=device)
        print(
            f"{each.name}: {(time.process_time() - begun) / 60:.1f} minutes of one core", flush=True
        )


def _material(wish: argparse.Namespace, folder: Path) -> tuple[Sound, list[float]]:
    if wish.full:
        return material.librispeech(wish.full, folder / "packs")
    return material.laptop(wish.data, wish.packs)


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--full", type=Path, metavar="DIR", help="LibriSpeech's folder: full size")
    parser.add_argument("--runs", type=Path, default=Path("runs/amortised"))
    parser.add_argument("--packs", type=Path, default=Path("runs/recognition/packs"))
    parser.add_argument("--out", type=Path, default=HERE / "table.md")
    parser.add_argument(
        "--only", metavar="NAME", action="append", default=[],
        help=f"train this one, no table; {BASE} comes first; may be given again",
    )  # fmt: skip
    parser.add_argument("--first", type=int, help="steps of the base")
    parser.add_argument("--steps", type=int, help="steps of each that follows")
    parser.add_argument("--hours", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--table", action="store_true", help="judge only")
    return parser.parse_args()


if __name__ == "__main__":
    main()
