"""The paper's ablation on conversations made of AN4: from one channel to the separator-transducer-segmenter.

    python -m recipes.recognition.ship --data DATA      # the recogniser that all arms begin as
    python -m recipes.sts.recipe --data DATA            # seven arms of two seeds, some eight hours on two cores

Stopped at any time, the same command goes on; `--table` only judges what is trained.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from allears.asr import checkpoint as single
from allears.asr.torch_networks import TorchNetworks
from allears.asr.training import CHECKPOINT
from allears.corpus.mixtures.turns import Session
from allears.corpus.sound import Sound
from allears.parties import checkpoint
from allears.parties.training import teach
from recipes.recognition.material import Corpus, development, spliced, tests
from recipes.recognition.material import training as trained_on
from recipes.recognition.ship import POLISH
from recipes.sts import judging, material, table
from recipes.sts.arms import ARMS, SEEDS, STEM, Arm
from recipes.sts.judging import Judged, Talk
from recipes.sts.table import Outcome

HERE = Path(__file__).parent
AN4 = (Corpus("an4", 1.0),)
_EACH, _ASIDE, _SENTENCES = 10, 4, 2
"""Conversations of each pair and overlap: tested, set aside, of read sentences."""


def main() -> None:
    """Train what is not trained yet, judge it, and write the table."""
    wish = _wish()
    until = time.monotonic() + 3600 * wish.hours
    sound, _ = trained_on(wish.data, (*AN4, spliced(wish.data, 1.0)), wish.packs)
    every = [(arm, seed) for seed in range(wish.seeds) for arm in (STEM, *ARMS)]
    arms = [each for each in every if each[0] is not STEM]
    names = [_name(*each) for each in every]
    if wish.only not in (None, *names):
        raise SystemExit(f"no training {wish.only}; there are {', '.join(names)}")
    for arm, seed in [] if wish.table else every:
        if wish.only in (None, _name(arm, seed)) and time.monotonic() < until:
            _train(wish, arm, seed, sound, until)
    if wish.only is None:
        outcomes = _judged(wish, arms)
        if outcomes:
            table.write(outcomes, wish.steps, wish.seconds, HERE / "table.md")


def _name(arm: Arm, seed: int) -> str:
    return f"{arm.name}-{seed}"


def _train(wish: argparse.Namespace, arm: Arm, seed: int, sound: Sound, until: float) -> None:
    """To its end, if it is not there yet."""
    course = arm.course(wish.steps, wish.seconds, seed)
    if table.ended(wish.runs / course.name, course.plan.steps):
        return
    begin: Path = wish.recogniser
    if arm.stem:
        begin = wish.runs / f"{arm.stem}-{seed}"
        if not table.ended(begin, STEM.steps(wish.steps)):
            raise SystemExit(f"{course.name} begins as {begin.name}, which is not trained yet")
    print(course.name, flush=True)
    recogniser, tokens = single.load(wish.recogniser / CHECKPOINT)
    draw = material.training(sound, wish.runs, wish.data / "noise", seed)
    teach(course, recogniser, tokens, draw, wish.runs, until=until, begin=begin)


def _judged(wish: argparse.Namespace, arms: Sequence[tuple[Arm, int]]) -> list[Outcome]:
    """What came out of the arms that are trained to their end."""
    done = [
        (arm, seed, wish.runs / _name(arm, seed))
        for arm, seed in arms
        if table.ended(wish.runs / _name(arm, seed), arm.steps(wish.steps))
    ]
    if not done:
        return []
    talks = _talks(tests(wish.data, wish.packs))
    kept_out = aside(development(wish.data, AN4, wish.packs)["an4"])
    return [Outcome(arm, seed, _one(arm, folder, kept_out, talks)) for arm, seed, folder in done]


def _one(
    arm: Arm, folder: Path, kept_out: Sequence[Session], talks: Sequence[Talk]
) -> list[Judged]:
    path, kept = folder / CHECKPOINT, folder / "judged.jsonl"
    if not kept.exists() or kept.stat().st_mtime < path.stat().st_mtime:
        model, tokens = checkpoint.load(path)
        manner = judging.settled(model, tokens, arm.lesson.form, kept_out)
        print(folder.name, manner, flush=True)
        judging.keep(judging.judge(TorchNetworks(model, tokens), tokens, manner, talks), kept)
    return judging.kept(kept)


def _talks(sets: dict[str, Sound]) -> list[Talk]:
    """What tables are made of: AN4's test speakers by overlap, alone, and read sentences."""
    found = [
        (pair, f"{overlap:.0%}", session)
        for overlap in material.OVERLAPS
        for pair, session in material.talks(sets["an4"], overlap, _EACH, seed=11)
    ]
    for pair, source in material.pairs(sets["an4"]):
        found += [
            (pair, table.ALONE, material.alone(source, index, {})) for index in range(len(source))
        ]
    found += [
        (pair, table.SENTENCES, session)
        for pair, session in material.talks(sets["librispeech"], 0.2, _SENTENCES, 13, longest=40.0)
    ]
    return found


def aside(sound: Sound) -> list[Session]:
    """What decisions are taken by."""
    return [
        session
        for overlap in material.OVERLAPS
        for _, session in material.talks(sound, overlap, _ASIDE, seed=12)
    ]


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--runs", type=Path, default=Path("runs/sts"))
    parser.add_argument("--packs", type=Path, default=Path("runs/recognition/packs"))
    parser.add_argument(
        "--recogniser", type=Path, default=Path("runs/recognition") / POLISH.name,
        help="the folder of the training that all arms begin as",
    )  # fmt: skip
    parser.add_argument("--steps", type=int, default=500, help="of each arm")
    parser.add_argument("--seconds", type=float, default=80.0, help="of sound in a batch")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many")
    parser.add_argument("--only", metavar="NAME", help="one training, for example multi-0")
    parser.add_argument("--hours", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--table", action="store_true", help="judge only")
    return parser.parse_args()


if __name__ == "__main__":
    main()
