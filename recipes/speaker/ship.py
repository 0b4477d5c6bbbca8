"""The network of voices that ships, from recordings to a file: train, choose, calibrate, export.

    python -m recipes.speaker.ship --data DATA

Stopped at any time, the same command goes on.
"""

import argparse
import time
from pathlib import Path

from allears.outputs import write_whole
from allears.speaker.checkpoint import load
from allears.speaker.ecapa import EcapaConfig
from allears.speaker.embedder import SHIPPED_FILE
from allears.speaker.finish import finish
from allears.speaker.task import Lesson
from allears.speaker.training import CHECKPOINT, Course, harder, teach
from allears.train.schedule import Plan
from recipes.speaker import material

RUNS = Path("runs/speaker")
TEXT = "English read by some 420 speakers, adults and children"

COURSE = Course(
    "ship",
    EcapaConfig(),
    Plan(steps=2_400, warmup=150, decay=0.05, average=0.998, precision="bfloat16"),
    Lesson(gently=500),
)


def main() -> None:
    """Train, say the equal error rates on development speakers, and write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--runs", type=Path, default=RUNS, help="what is kept between calls")
    parser.add_argument("--to", type=Path, default=SHIPPED_FILE, help="the file to write")
    parser.add_argument("--hours", type=float, default=float("inf"), help="stop after so many")
    wish = parser.parse_args()
    until = time.monotonic() + 3600 * wish.hours
    packs = wish.runs / "packs"
    sound = material.training(wish.data, packs)
    path = teach(COURSE, sound, wish.runs, distort=harder(wish.data / "noise"), until=until)
    aside = material.development(wish.data, packs)
    model = load(path or wish.runs / COURSE.name / CHECKPOINT)
    finished = finish(model, sound, aside, text=TEXT)
    print(f"{len(finished.data):,} bytes; {finished.bundle.about}")
    print(f"equal error rate by voices of the cohort held against: {finished.rates}")
    if path:
        write_whole(wish.to, finished.data)


if __name__ == "__main__":
    main()
