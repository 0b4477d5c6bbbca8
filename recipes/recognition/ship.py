"""The recogniser that ships, from recordings to a file: train, judge, export.

    python -m recipes.recognition.synthesis --texts DATA/speechocean762 --texts DATA/librispeech
    python -m recipes.recognition.ship --data DATA

Stopped at any time, the same command goes on.
"""

import argparse
import time
from pathlib import Path

from allears.asr.checkpoint import load
from allears.asr.finish import finish
from allears.asr.opening import SHIPPED_FILE
from allears.asr.task import Lesson
from allears.asr.torch_networks import TorchNetworks
from allears.asr.training import Course, harder, pieces, teach
from allears.outputs import write_whole
from allears.train.schedule import Plan
from recipes.recognition import judge, material
from recipes.recognition.material import LAPTOP, Corpus

RUNS = Path("runs/recognition")
SYMBOLS = 160
TEXT = "English letters, digits, numbers, dates and commands; not free sentences"

COURSE = Course(
    "ship-vgg",
    "vgglstm",
    {"width": 384, "layers": 3, "dropout": 0.2},
    Plan(steps=9_000, warmup=200, decay=0.01, average=0.9985, precision="bfloat16"),
    predictor={"width": 256},
    joint=256,
    lesson=Lesson(seconds=80.0, longest_s=10.0, plainly=600, shortly=300, warped=0.1),
)
SPEEDS = (0.82, 0.88, 0.94, 1.0, 1.06, 1.12, 1.18)
"""Wider than usual: of few speakers many are made."""


def main() -> None:
    """Train, say the word error rate on development speakers, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--synthetic", type=Path, default=Path("runs/synthetic"))
    parser.add_argument("--to", type=Path, default=SHIPPED_FILE, help="the file to write")
    parser.add_argument("--hours", type=float, default=float("inf"), help="stop after so many")
    wish = parser.parse_args()
    until = time.monotonic() + 3600 * wish.hours
    corpora = [*LAPTOP, Corpus(str(wish.synthetic.resolve()), 0.25)]
    sound, shares = material.training(wish.data, corpora, RUNS / "packs")
    tokens = pieces(sound, SYMBOLS, RUNS / f"pieces-{SYMBOLS}.model")
    distort = harder(wish.data / "noise", network=True, speeds=SPEEDS)
    path = teach(COURSE, sound, shares, tokens, RUNS, distort=distort, until=until)
    aside = material.development(wish.data, LAPTOP, RUNS / "packs")
    networks = TorchNetworks(*load(path or RUNS / COURSE.name / "model.safetensors"))
    for name, those in aside.items():
        print(name, judge.word_error_rate(judge.hear(networks, those)))
    if path:
        finished = finish(path, aside["an4"], int8=True, text=TEXT)
        write_whole(wish.to, finished.data)
        print(finished.sizes, finished.errors, finished.delays)


if __name__ == "__main__":
    main()
