"""What hears conversations and ships: the whole separator-transducer-segmenter, trained for longer than the arms.

    python -m recipes.sts.recipe --data DATA --only stem-0         # what it begins as
    torchrun --nproc_per_node 2 -m recipes.sts.ship --data DATA    # trains
    python -m recipes.sts.ship --data DATA                         # judges, writes the file

Stopped at any time, the same command goes on. What is judged by are speakers set aside.
"""

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

from allears.asr import checkpoint as single
from allears.asr.bundle import FLOAT16, INT8
from allears.asr.training import CHECKPOINT
from allears.outputs import write_whole
from allears.parties.finish import finish
from allears.parties.opening import SHIPPED_FILE
from allears.parties.training import Course, teach
from allears.train.schedule import Plan
from recipes.recognition import ship as recognition
from recipes.recognition.material import development, spliced, training
from recipes.sts import material
from recipes.sts.arms import PENALTY
from recipes.sts.recipe import AN4, aside

RUNS = Path("runs/sts")
TEXT = "two at once who spell, say digits, numbers and commands in English; not free sentences"
COURSE = Course(
    "ship",
    Plan(steps=2_000, rate=3e-4, warmup=100, decay=0.01, average=0.998, precision="bfloat16"),
    replace(PENALTY, seconds=80.0),
)
"""Batches of two processes make a step."""


def main() -> None:
    """Train, say how well each form hears, and write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--packs", type=Path, default=Path("runs/recognition/packs"))
    parser.add_argument(
        "--recogniser", type=Path, default=recognition.RUNS / recognition.POLISH.name,
        help="the folder of the training that the stem began as",
    )  # fmt: skip
    parser.add_argument(
        "--stem", type=Path, default=RUNS / "stem-0", help="the folder that it begins as"
    )
    parser.add_argument("--to", type=Path, default=SHIPPED_FILE, help="the file to write")
    parser.add_argument("--hours", type=float, default=float("inf"), help="stop after so many")
    wish = parser.parse_args()
    done = _train(wish)
    if "RANK" in os.environ:
        return
    sessions = aside(development(wish.data, AN4, wish.packs)["an4"])
    path = RUNS / COURSE.name / CHECKPOINT
    finished = finish(path, sessions, smaller=(INT8, FLOAT16), text=TEXT)
    for form, size in finished.sizes.items():
        judged = finished.judged[form]
        print(
            f"{form}: {size:,} bytes, ORC-WER {judged.words.rate:.1%}, turns right {judged.turns.rate:.1%}"
        )
    if done:
        write_whole(wish.to, finished.data)
        print(f"{wish.to}: {finished.bundle.about}")


def _train(wish: argparse.Namespace) -> bool:
    """Whether it came to its end."""
    sound, _ = training(wish.data, (*AN4, spliced(wish.data, 1.0)), wish.packs)
    recogniser, tokens = single.load(wish.recogniser / CHECKPOINT)
    draw = material.training(sound, RUNS, wish.data / "noise", COURSE.plan.seed)
    until = time.monotonic() + 3600 * wish.hours
    return teach(COURSE, recogniser, tokens, draw, RUNS, until=until, begin=wish.stem) is not None


if __name__ == "__main__":
    main()
