"""What came out of the trainings that came to their end: figures of each arm, seed and set."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from allears.speaker.training import CHECKPOINT
from recipes.arw import figures, judging
from recipes.arw.arms import Arm
from recipes.arw.figures import Key, Row
from recipes.arw.material import Material


@dataclass(frozen=True, slots=True)
class Outcome:
    """One arm: its figures by set, then by seed, and by seed the last line that its training wrote."""

    arm: Arm
    sets: Mapping[str, Mapping[int, Mapping[Key, Row]]]
    logs: Mapping[int, Mapping[str, float]]

    @property
    def seeds(self) -> list[int]:
        """Those trained to their end."""
        return sorted(self.logs)

    def over(self, name: str, seeds: Sequence[int]) -> dict[Key, Row]:
        """Means over these seeds on a set."""
        return figures.mean([self.sets[name][each] for each in seeds])

    def logged(self, figure: str) -> float:
        """The mean over seeds of what the log says at the end; NaN where it does not say."""
        return float(np.mean([each.get(figure, np.nan) for each in self.logs.values()]))


def judged(
    runs: Path, steps: int, arms: Sequence[Arm], seeds: int, given: Material, draws: int
) -> list[Outcome]:
    """Of the arms that were trained to their end with one seed at least; trained ones are heard once."""
    found = []
    for arm in arms:
        done = [each for each in range(seeds) if ended(runs / f"{arm.name}-{each}", steps)]
        sets: dict[str, dict[int, dict[Key, Row]]] = {name: {} for name in given.test}
        for seed in done:
            path = runs / f"{arm.name}-{seed}" / CHECKPOINT
            for name, sound in given.test.items():
                clips = judging.heard(path, f"test-{name}", sound)
                sets[name][seed] = figures.of_trials(judging.trials(clips, sound), draws)
        if done:
            logs = {each: last(runs / f"{arm.name}-{each}") for each in done}
            found.append(Outcome(arm, sets, logs))
    return found


def ended(folder: Path, steps: int) -> bool:
    """Whether a training came to its end."""
    return (folder / CHECKPOINT).exists() and last(folder).get("step") == steps


def last(folder: Path) -> dict[str, float]:
    """The last line of a training's log; nothing where there is none."""
    log = folder / "log.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    return dict(json.loads(lines[-1])) if lines else {}
