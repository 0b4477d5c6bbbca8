"""Ways to go on from a base with the same speech for as many steps, and how their models are asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from allears.asr.task import Lesson
from allears.corpus.sound import Sound
from allears.train.schedule import Plan
from recipes.ewc.base import Size

FACTOR = 4.0
"""How often the bottom cohort is heard for once of the others."""
RATE = 5e-4
SURE = 0.8
"""Confidence from which what the base has written down is learnt from."""
WITHHELD = 0.5
"""The part of the new speakers whose texts are taken away."""
BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Arm:
    """A way to go on: whether the bottom cohort is heard more often, whether the encoder is told of cohorts."""

    name: str
    label: str
    oversampled: bool = False
    told: bool = False


ARMS = (
    Arm("nothing", "nothing: the same speech, all alike"),
    Arm("oversampling", "oversampling of the bottom cohort", oversampled=True),
    Arm("embedding", "cohort embedding", told=True),
    Arm("both", "both", oversampled=True, told=True),
)


def asked() -> list[tuple[str, str, bool]]:
    """Every way to ask every model: its name in tables, what it is called, whether cohorts are known."""
    found = [(BEFORE, "before: the base", False)]
    for arm in ARMS:
        if arm.told:
            found.append((f"{arm.name}-known", f"{arm.label}, cohort known", True))
            found.append((f"{arm.name}-unknown", f"{arm.label}, cohort unknown", False))
        else:
            found.append((arm.name, arm.label, False))
    return found


def plan(size: Size, seed: int, steps: int | None = None) -> Plan:
    """Twice as long as an adaptation: what cohorts sound like has to be learnt from nothing."""
    steps = steps or 2 * size.adaptation
    return Plan(steps, RATE, warmup=max(1, steps // 8), decay=0.0, average=0.95, seed=seed)


def lesson(size: Size) -> Lesson:
    """As the base had it, but for its beginning."""
    return Lesson(seconds=size.seconds, longest_s=10.0, warped=0.1)


def withheld(sound: Sound, speakers: Sequence[str], seed: int, share: float = WITHHELD) -> Sound:
    """The same without the texts of a part of these speakers, drawn by seed."""
    drawn = np.random.default_rng([seed, 2]).permutation(sorted(speakers))
    silent = set(drawn[: round(share * len(drawn))].tolist())
    kept = (replace(each, text="") if each.speaker in silent else each for each in sound.utterances)
    return replace(sound, utterances=tuple(kept))
