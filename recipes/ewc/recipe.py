"""Regions that a recogniser serves badly, and elastic weights that mend it: arXiv 2207.07850.

    python -m recipes.ewc.recipe --data DATA                               # AN4 on a laptop, three seeds
    python -m recipes.ewc.recipe --data DATA --full --recordings FOLDER    # larger, on a GPU

FOLDER has an utterances.csv with a column `zip`, where speakers live. Stopped at any time, the same command goes
on; `--table` only writes what is there.
"""

import argparse
import time
from pathlib import Path

import torch

from allears.asr import checkpoint
from allears.mitigation import choosing, fisher
from allears.mitigation.ewc import ElasticWeights, anchor
from allears.mitigation.fisher import Fisher
from allears.mitigation.sampling import of_speakers, replayed
from allears.mitigation.tuning import PREFIX, tune
from recipes.ewc import arms, base, regions, table
from recipes.ewc.arms import ARMS, EWC, Arm
from recipes.ewc.options import sized, wishes
from recipes.ewc.population import of
from recipes.ewc.regions import Regions
from recipes.ewc.table import Outcome
from recipes.ewc.world import World, worlds
from recipes.recognition.judge import Heard

HERE = Path(__file__).parent
DONE = "adapted.safetensors"
"""A checkpoint that came to its end."""
MEASURED = 300
"""Utterances of the base's that the information is of."""


def main() -> None:
    """Train what is not trained yet, then write the table."""
    wish = wishes(__doc__ or "", HERE / "table.md").parse_args()
    torch.set_num_threads(1)
    until = time.monotonic() + 3600 * wish.hours
    outcomes = []
    for world in worlds(wish, until):
        for arm in [] if wish.table else ARMS:
            if wish.only in (None, arm.name) and time.monotonic() < until:
                adapted(arm, world, wish, until)
        outcomes.append(outcome(world, wish))
    if wish.only is None and any(each.after for each in outcomes):
        table.write([each for each in outcomes if each.after], wish.to)


def adapted(arm: Arm, world: World, wish: argparse.Namespace, until: float) -> None:
    """One adaptation, from where it was stopped, and what it hears."""
    place = _place(world, wish) / arm.name
    if not (place / DONE).exists():
        print(world.seed, arm.name, flush=True)
        done = _tuned(arm, world, wish, until)
        if done is None:
            return
        done.rename(place / DONE)
    for part in ("development", "test"):
        world.heard(place / DONE, part)


def _tuned(arm: Arm, world: World, wish: argparse.Namespace, until: float) -> Path | None:
    size, folder = sized(wish), _place(world, wish)
    model, tokens = checkpoint.load(world.path)
    fresh = _regions(world).members(world.parts.adaptation)
    sound = of(world.sound, [*fresh, *(world.parts.base if arm.replay else ())])
    penalty = None
    if arm.family:
        weights = information(world, folder).diagonal() if arm.family == EWC else None
        penalty = ElasticWeights(anchor(model), weights, arm.strength, prefix=PREFIX)
    return tune(
        model, tokens, sound, arms.plan(size, world.seed, wish.steps), folder / arm.name,
        lesson=arms.lesson(size), part=arm.part, penalty=penalty,
        shares=replayed(of_speakers(sound, fresh), arm.replay) if arm.replay else None,
        development=of(world.sound, world.parts.development),
        distort=base.distortion(), until=until, device=size.device,
    )  # fmt: skip


def information(world: World, folder: Path) -> Fisher:
    """How much the base's weights matter to its own speakers; measured once."""
    path = folder / "fisher.safetensors"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        model, tokens = checkpoint.load(world.path)
        own = of(world.sound, world.parts.base)
        fisher.save(fisher.of_transducer(model, tokens, own, most=MEASURED), path)
    return fisher.load(path)


def outcome(world: World, wish: argparse.Namespace) -> Outcome:
    """What became of a seed, as far as it has come."""
    found, before = _regions(world), world.heard(world.path, "test")
    there = [each for each in ARMS if (_place(world, wish) / each.name / DONE).exists()]
    after = {each.name: _heard(each, world, wish, "test") for each in there}
    own = regions.candidate(world.heard(world.path, "development"), found, 0.0)
    choices = {}
    for family in {each.family: 0 for each in there if each.family}:
        tried = [
            regions.candidate(_heard(each, world, wish, "development"), found, each.strength)
            for each in there
            if each.family == family
        ]
        choices[family] = choosing.choose(own, tried)
        taken = choices[family].taken
        after[family] = after[f"{family}-{taken.strength:g}"] if taken else before
    adapted_to = len(found.members(world.parts.adaptation))
    return Outcome(world.seed, found, adapted_to, before, after, choices)


def _heard(arm: Arm, world: World, wish: argparse.Namespace, part: str) -> list[Heard]:
    return world.heard(_place(world, wish) / arm.name / DONE, part)


def _place(world: World, wish: argparse.Namespace) -> Path:
    folder: Path = wish.runs / f"ewc-{world.seed}"
    return folder


def _regions(world: World) -> Regions:
    """Those that the base's errors differ between."""
    return regions.found(world.unheard(), world.home, world.parts.adaptation)


if __name__ == "__main__":
    main()
