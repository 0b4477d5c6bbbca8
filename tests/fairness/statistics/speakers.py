"""Speakers as they are: some say much and some little, some are hard and some easy."""

import numpy as np
from jaxtyping import Float64

from allears.fairness.sums import Groups, summed

RATE = 0.1


def people(
    seed: int,
    sizes: tuple[int, ...],
    *,
    effects: tuple[float, ...] = (),
    spread: float = 0.4,
    talk: float = 0.8,
) -> Groups:
    """Groups of so many speakers whose rates are `RATE`, times their group's effect, on average."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    words = np.maximum(1, random.lognormal(np.log(150), talk, len(group))).astype(np.int64)
    own = np.exp(random.normal(0, spread, len(group)) - spread**2 / 2)
    times: Float64[np.ndarray, " groups"] = np.array(effects or (1.0,) * len(sizes))
    errors = random.poisson(words * RATE * own * times[group])
    return of(group, errors, words)


def of(group: np.ndarray, errors: np.ndarray, words: np.ndarray) -> Groups:
    """A speaker a row."""
    counts = np.stack([errors, words, np.ones(len(words), np.int64)], 1).astype(np.int64)
    names = tuple(f"group {each}" for each in range(int(group.max()) + 1))
    return summed(names, len(group), np.arange(len(group)), group, counts)
