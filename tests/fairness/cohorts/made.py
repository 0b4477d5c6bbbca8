"""Sums by hand, and people made up from a seed."""

from collections.abc import Mapping, Sequence

import numpy as np

from allears.fairness.sums import UNKNOWN, Sums


def sums(
    counts: Sequence[Sequence[int]] | np.ndarray,
    labels: Mapping[str, Sequence[str | None]] | None = None,
    *,
    speakers: Sequence[int] | None = None,
    places: Sequence[Sequence[float]] | np.ndarray | None = None,
    voices: np.ndarray | None = None,
) -> Sums:
    """One row a speaker, unless `speakers` says whose each row is; a label of None is unknown."""
    rows = np.array(counts, np.int64).reshape(-1, 3)
    whose = np.arange(len(rows)) if speakers is None else np.array(speakers)
    labels = labels or {}
    values = tuple(tuple(sorted({x for x in each if x is not None})) for each in labels.values())
    codes = [
        [UNKNOWN if label is None else there.index(label) for label in each]
        for each, there in zip(labels.values(), values, strict=True)
    ]
    return Sums(
        tuple(f"s{number:06}" for number in range(whose.max() + 1)),
        tuple(labels),
        values,
        whose.astype(np.int64),
        np.array(codes, np.int64).reshape(len(values), len(rows)).T,
        rows,
        None if places is None else np.array(places, float),
        voices,
    )


def crowd(
    people: int, rate: np.ndarray | float, seed: int, words: int = 300, spread: float = 0.2
) -> np.ndarray:
    """Counts of people whose own rates scatter about `rate` (gamma, relative variance `spread`)."""
    draw = np.random.default_rng(seed)
    own = np.broadcast_to(rate, people) * draw.gamma(1 / spread, spread, people)
    said = draw.integers(words // 2, 2 * words, people)
    return np.stack((draw.poisson(own * said), said, said // 10), 1)
