"""Simulated speakers: some are hard, some say much, and a cohort of them may be served worse."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from allears.fairness.sums import Sums

RATE, EXCESS = 0.1, 1.4
ACCENTS = (0.4, 0.2, 0.12, 0.1, 0.08, 0.06, 0.03, 0.01)
"""Parts of the speakers who have each; of the named groupings the most uneven."""
AGES = (0.3, 0.3, 0.25, 0.15)
TOWNS = 40


@dataclass(frozen=True, slots=True)
class Cohort:
    """All results, and who of the speakers is in the cohort that is served worse, if there is one."""

    sums: Sums
    planted: Bool[np.ndarray, " speakers"]


def cohort(
    seed: int, people: int, share: float = 0.0, spread: float = 0.4, talk: float = 0.8
) -> Cohort:
    """Speakers in towns, of accents and ages; `share` of them, in one place and of an accent of their own,
    erred more.

    Each one's rate is lognormal around 0.1 (σ `spread`), words lognormal around 150 (σ `talk`), errors Poisson.
    """
    random = np.random.default_rng(seed)
    planted = np.arange(people) < round(share * people)
    accent = random.choice(len(ACCENTS), people, p=ACCENTS)
    accent[planted] = len(ACCENTS)
    age = random.choice(len(AGES), people, p=AGES)
    centres = random.uniform((30, -120), (48, -75), (TOWNS, 2))
    places = centres[random.integers(TOWNS, size=people)] + random.normal(0, 0.4, (people, 2))
    places[planted] = random.normal((25, -70), 0.4, (int(planted.sum()), 2))
    words = np.maximum(1, random.lognormal(np.log(150), talk, people)).astype(np.int64)
    own = np.exp(random.normal(0, spread, people) - spread**2 / 2)
    errors = random.poisson(words * RATE * own * np.where(planted, EXCESS, 1.0))
    counts = np.stack([errors, words, np.maximum(1, words // 10)], 1).astype(np.int64)
    names = tuple(f"speaker {each:06}" for each in range(people))
    labels = (
        tuple(f"accent {each}" for each in range(len(ACCENTS) + 1)),
        tuple(f"age {each}" for each in range(len(AGES))),
    )
    codes = np.stack([accent, age], 1).astype(np.int64)
    return Cohort(
        Sums(names, ("accent", "age"), labels, np.arange(people), codes, counts, places), planted
    )
