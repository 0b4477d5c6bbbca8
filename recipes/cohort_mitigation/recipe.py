"""Cohorts that a recogniser serves badly, and two ways to close the gap: arXiv 2207.11345.

    python -m recipes.cohort_mitigation.recipe --data DATA                     # cohorts by the census
    python -m recipes.cohort_mitigation.recipe --data DATA --network VOICES    # by clusters of voices

VOICES is a network of voices as `allears verify` takes it. The base models are those of `recipes.ewc`, taught once
for both. Stopped at any time, the same command goes on; `--table` only writes what is there.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from allears.asr import checkpoint
from allears.asr.networks import Networks
from allears.asr.torch_networks import TorchNetworks
from allears.mitigation import cohort_embedding, sampling
from allears.mitigation.cohort_embedding import Known, Telling, numbers
from allears.mitigation.sampling import Written
from allears.mitigation.tuning import tune
from recipes.cohort_mitigation import arms, cohorts, table
from recipes.cohort_mitigation.arms import ARMS, BEFORE, Arm
from recipes.cohort_mitigation.cohorts import Cohorts
from recipes.cohort_mitigation.table import Outcome
from recipes.ewc import base
from recipes.ewc.options import sized, wishes
from recipes.ewc.population import of
from recipes.ewc.world import World, worlds
from recipes.recognition import judge
from recipes.recognition.judge import Heard

HERE = Path(__file__).parent
DONE = "gone-on.safetensors"
"""A checkpoint that came to its end."""


def main() -> None:
    """Train what is not trained yet, then write the table."""
    parser = wishes(__doc__ or "", HERE / "table.md")
    parser.add_argument(
        "--network", type=Path, help="find cohorts by voice: a network of voices, a file"
    )
    parser.add_argument(
        "--withheld", type=float, default=arms.WITHHELD,
        help="part of the new speakers without texts; the base writes them down",
    )  # fmt: skip
    wish = parser.parse_args()
    torch.set_num_threads(1)
    until = time.monotonic() + 3600 * wish.hours
    outcomes = []
    for world in worlds(wish, until):
        outcomes.append(gone_on(world, wish, until))
    if wish.only is None and any(each.after for each in outcomes):
        table.write([each for each in outcomes if each.after], wish.to)


def gone_on(world: World, wish: argparse.Namespace, until: float) -> Outcome:
    """One seed, as far as it has come or comes now."""
    found = cohorts.by_voice(world, wish.network) if wish.network else cohorts.by_census(world)
    written = material(world, wish.withheld)
    for arm in [] if wish.table else ARMS:
        if wish.only in (None, arm.name) and time.monotonic() < until:
            _train(arm, world, found, written, wish, until)
    after: dict[str, list[Heard]] = {}
    for arm in ARMS:
        path = _place(world, wish) / arm.name / DONE
        if path.exists():
            after |= heard(arm, path, world, found)
    before = world.heard(world.path, "test")
    how = "clusters of voices" if wish.network else "census"
    return Outcome(
        world.seed, found, how, written.without, written.accepted, {BEFORE: before, **after}
    )


def material(world: World, withheld: float) -> Written:
    """The base's own speech and that of new speakers, some of which the base has written down."""
    sound = of(world.sound, (*world.parts.base, *world.parts.adaptation))
    without = arms.withheld(sound, world.parts.adaptation, world.seed, withheld)
    return sampling.pseudo_labelled(base.networks(world.path), without, arms.SURE)


def _train(
    arm: Arm, world: World, found: Cohorts, written: Written, wish: argparse.Namespace, until: float
) -> None:
    """One model, from where it was stopped."""
    place, size = _place(world, wish) / arm.name, sized(wish)
    if (place / DONE).exists():
        return
    print(world.seed, arm.name, flush=True)
    model, tokens = checkpoint.load(world.path)
    sound, kind, opening, shares = written.sound, checkpoint.KIND, None, None
    speakers = [each.speaker for each in sound.utterances]
    if arm.told:
        model, kind = cohort_embedding.told(model, found.names), cohort_embedding.KIND
        opening = Telling(numbers(found.names, [found.of[each] for each in speakers]))
    if arm.oversampled:
        members = sampling.of_speakers(sound, found.worst(sorted(set(speakers))))
        shares = sampling.oversampled(members, arms.FACTOR)
    done = tune(
        model, tokens, sound, arms.plan(size, world.seed, wish.steps), place,
        lesson=arms.lesson(size), kind=kind, distort=base.distortion(), shares=shares,
        opening=opening, development=of(world.sound, world.parts.development),
        until=until, device=size.device,
    )  # fmt: skip
    if done is not None:
        done.rename(place / DONE)


def heard(arm: Arm, path: Path, world: World, found: Cohorts) -> dict[str, list[Heard]]:
    """What a model hears of test speakers; one that is told of cohorts is asked with and without."""
    if not arm.told:
        return {arm.name: world.heard(path, "test")}
    ways = {}
    for known in (True, False):
        name = f"{arm.name}-{'known' if known else 'unknown'}"
        kept = path.with_name(f"heard-{name}.jsonl")
        if not kept.exists() or kept.stat().st_mtime < path.stat().st_mtime:
            model, tokens = cohort_embedding.load(path)
            judge.keep(_asked(TorchNetworks(model, tokens), world, found, known), kept)
        ways[name] = judge.kept(kept)
    return ways


def _asked(networks: Networks, world: World, found: Cohorts, known: bool) -> list[Heard]:
    """All test speakers; cohort by cohort, where the cohort is known."""
    if not known:
        return judge.hear(networks, of(world.sound, world.parts.test))
    labels = np.array([found.of[each] for each in world.parts.test])
    heard = []
    for label in sorted(set(labels.tolist())):
        theirs = [each for each in world.parts.test if found.of[each] == label]
        number = int(numbers(found.names, [label])[0])
        heard += judge.hear(Known(networks, number), of(world.sound, theirs))
    return heard


def _place(world: World, wish: argparse.Namespace) -> Path:
    folder: Path = wish.runs / f"cohorts-{'voices' if wish.network else 'census'}-{world.seed}"
    return folder


if __name__ == "__main__":
    main()
