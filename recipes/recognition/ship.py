"""The recogniser that ships, from recordings to a file: train, judge, export.

    python -m recipes.recognition.synthesis --count 8000 --texts DATA/speechocean762 --texts DATA/librispeech
    python -m recipes.recognition.splicing --data DATA
    torchrun --nproc_per_node 2 -m recipes.recognition.ship --data DATA   # trains
    python -m recipes.recognition.ship --data DATA                        # judges, writes the file

With `--polish` it is trained on from there, for pauses before speech and for more of read sentences. Stopped at
any time, the same command goes on.
"""

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

from allears.asr.bundle import FLOAT16, INT8
from allears.asr.checkpoint import load
from allears.asr.finish import finish
from allears.asr.opening import SHIPPED_FILE
from allears.asr.task import Lesson
from allears.asr.torch_networks import TorchNetworks
from allears.asr.training import CHECKPOINT, Course, harder, pieces, teach
from allears.outputs import write_whole
from allears.train.schedule import Plan
from recipes.recognition import judge, material
from recipes.recognition.material import Corpus

RUNS = Path("runs/recognition")
SYMBOLS = 160
TEXT = "English letters, digits, numbers, dates and commands; not free sentences"

CORPORA = (Corpus("an4", 5.0), Corpus("speechocean762", 1.0), Corpus("librispeech", 1.0))
MADE = {"synthetic": 0.25, "spliced": 0.5}
"""Folders in `runs`, and how often their utterances are drawn."""

COURSE = Course(
    "ship",
    "vgglstm",
    {"width": 384, "layers": 3, "dropout": 0.2},
    Plan(steps=6_000, warmup=300, decay=0.01, average=0.9985, precision="bfloat16"),
    predictor={"width": 256},
    joint=256,
    lesson=Lesson(seconds=60.0, longest_s=10.0, plainly=800, shortly=400, warped=0.1),
)
"""Batches of two processes make a step."""
POLISH = replace(
    COURSE,
    name="ship-polished",
    plan=replace(COURSE.plan, steps=2_500, rate=6e-4, warmup=100),
    lesson=replace(COURSE.lesson, plainly=0, shortly=0, simply=0, before_s=1.5),
)
"""Begins as the first has ended."""
SENTENCES = {"an4": 4.0, "speechocean762": 3.0, "librispeech": 1.5}
"""How often the recordings of each are drawn then."""
SPEEDS = (0.82, 0.88, 0.94, 1.0, 1.06, 1.12, 1.18)
"""Wider than usual: of few speakers many are made."""


def main() -> None:
    """Train, say the word error rate on development speakers, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--made", type=Path, default=Path("runs"), help="where made-up speech is")
    parser.add_argument("--to", type=Path, default=SHIPPED_FILE, help="the file to write")
    parser.add_argument("--hours", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--polish", action="store_true", help="train what there is on, then judge")
    wish = parser.parse_args()
    until = time.monotonic() + 3600 * wish.hours
    made = [Corpus(str((wish.made / name).resolve()), MADE[name], made=True) for name in MADE]
    course, begin = COURSE, None
    recorded: tuple[Corpus, ...] = CORPORA
    if wish.polish:
        course, begin = POLISH, RUNS / COURSE.name
        recorded = tuple(Corpus(each.name, SENTENCES[each.name]) for each in CORPORA)
    corpora = [*recorded, *made]
    sound, shares = material.training(wish.data, corpora, RUNS / "packs")
    tokens = pieces(sound, SYMBOLS, RUNS / f"pieces-{SYMBOLS}.model")
    distort = harder(wish.data / "noise", network=True, speeds=SPEEDS)
    path = teach(course, sound, shares, tokens, RUNS, distort=distort, until=until, begin=begin)
    if "RANK" in os.environ:
        return
    aside = material.development(wish.data, CORPORA, RUNS / "packs")
    networks = TorchNetworks(*load(path or RUNS / course.name / CHECKPOINT))
    for name, those in aside.items():
        print(name, judge.word_error_rate(judge.hear(networks, those)))
    if path:
        every = material.joined(aside.values())
        finished = finish(path, aside["an4"], smaller=(INT8, FLOAT16), text=TEXT, more=every)
        write_whole(wish.to, finished.data)
        print(finished.sizes, finished.errors, finished.delays)


if __name__ == "__main__":
    main()
