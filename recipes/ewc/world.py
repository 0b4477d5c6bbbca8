"""One seed of the recipes that mend a recogniser: who is who and lives where, and the recogniser."""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from allears.corpus.sound import Sound
from allears.fairness.cohorts.census import Census
from recipes.ewc import base
from recipes.ewc.options import sized
from recipes.ewc.population import CORPUS, Division, Home, divided, homes, whole
from recipes.recognition.judge import Heard
from recipes.recognition.material import spliced, synthetic, training


@dataclass(frozen=True, slots=True)
class World:
    """The speakers and what they are for, their homes, and the checkpoint of the base."""

    seed: int
    sound: Sound
    census: Census
    parts: Division
    home: Home
    path: Path

    def heard(self, path: Path, name: str) -> list[Heard]:
        """What a model hears of the speakers of a part."""
        return base.heard(path, name, self.sound, getattr(self.parts, name))

    def unheard(self) -> list[Heard]:
        """What the base hears of those who are neither its own nor tested."""
        return [*self.heard(self.path, "adaptation"), *self.heard(self.path, "development")]


def worlds(wish: argparse.Namespace, until: float) -> Iterator[World]:
    """Seed by seed, with a base that is taught now if it is not yet, until the clock says stop."""
    sound = whole(wish.recordings or wish.data / CORPUS, wish.runs / "packs")
    made = None if wish.recordings else _made(wish)
    census = Census.read(wish.census or wish.data / "geo/zcta.csv")
    for seed in range(wish.seeds):
        parts = divided(sound, seed)
        path = wish.runs / base.course(sized(wish), seed).name / base.BASE
        if not path.exists() and not wish.table and time.monotonic() < until:
            print(f"base {seed}", flush=True)
            base.train(sized(wish), sound, made, parts, seed, wish.runs, wish.base_steps, until)
        if path.exists():
            yield World(seed, sound, census, parts, homes(sound, census, seed), path)


def _made(wish: argparse.Namespace) -> Sound:
    """Speech of synthesisers, and what was spliced of AN4's speakers. Raises CorpusError where there is none."""
    corpora = spliced(wish.data, 0.0), synthetic(0.0)
    return training(wish.data, corpora, wish.runs / "packs")[0]
