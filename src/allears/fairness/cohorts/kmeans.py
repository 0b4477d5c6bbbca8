"""Spherical k-means: unit vectors, each in the cluster of nearest direction (Dhillon and Modha, 2001).

Where there are many vectors, clusters settle on a sample first, then on one four times as large, and so on to
all of them: nearly all steps are cheap, and the last ones move little. Products of blocks are BLAS's, in single
precision; sums of vectors are in double precision and in order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from numba import njit

from allears.fairness.cohorts.discovery import at_least
from allears.fairness.sums import UNKNOWN

Vectors = Float32[np.ndarray, "n size"]

BLOCK = 8192
_GROWTH = 4
_A_CLUSTER = 100
"""Vectors a cluster in the smallest sample."""
_EQUAL = 1e-6


class Step(NamedTuple):
    """Where vectors went: labels, the sums of clusters, their sizes, each vector's cosine."""

    labels: Int64[np.ndarray, " n"]
    sums: Float64[np.ndarray, "k size"]
    sizes: Int64[np.ndarray, " k"]
    cosines: Float32[np.ndarray, " n"]

    @property
    def inertia(self) -> float:
        """Σ (1 − cosine to the nearest centre)."""
        return float(len(self.cosines) - self.cosines.sum(dtype=np.float64))


@dataclass
class SphericalKMeans:
    """At most `k` clusters of directions; the best of `n_init` starts, drawn from `seed`.

    A stage ends when a step takes less than `tolerance` of the inertia, or after `max_iter` steps. `exact` makes
    all of them steps of all vectors.

    Fitted: `centres_`, unit vectors (clusters, size); `labels_`, UNKNOWN for vectors with NaN or of no length;
    `inertia_`, Σ (1 − cosine); `starts_`, the labels of every start, the best first.
    """

    k: int = 50
    n_init: int = 1
    seed: int = 0
    max_iter: int = 100
    tolerance: float = 1e-4
    exact: bool = False
    centres_: Float32[np.ndarray, "k size"] = field(init=False, repr=False)
    labels_: Int64[np.ndarray, " n"] = field(init=False, repr=False)
    inertia_: float = field(init=False, repr=False)
    starts_: tuple[Int64[np.ndarray, " n"], ...] = field(init=False, repr=False)

    def fit(self, vectors: np.ndarray) -> Self:
        """Find clusters in vectors (n, size) of any length. Raises AuditError for less than one cluster."""
        at_least(self.k, 1, "k")
        at_least(self.n_init, 1, "n_init")
        units, known = directions(vectors)
        found = [self._start(units, seed) for seed in range(self.n_init)]
        found.sort(key=lambda each: each[1].inertia)
        self.centres_ = found[0][0]
        self.inertia_ = found[0][1].inertia
        self.starts_ = tuple(_spread(step.labels, known) for _, step in found)
        self.labels_ = self.starts_[0]
        return self

    def predict(self, vectors: np.ndarray) -> Int64[np.ndarray, " n"]:
        """The clusters of other vectors."""
        units, known = directions(vectors)
        return _spread(assign(units, self.centres_).labels, known)

    def _start(self, units: Vectors, start: int) -> tuple[Vectors, Step]:
        draw = np.random.default_rng([self.seed, start])
        order = draw.permutation(len(units))
        sizes = [len(units)] if self.exact else [*_samples(len(units), self.k)]
        samples = (units[np.sort(order[:each])] if each < len(units) else units for each in sizes)
        first = next(samples)
        centres, step = self._settled(first, spread_out(first, self.k, draw))
        for sample in samples:
            centres, step = self._settled(sample, centres)
        return _without_empty(centres, step)

    def _settled(self, units: Vectors, centres: Vectors) -> tuple[Vectors, Step]:
        """Lloyd's steps until they take next to nothing; centres, and what is nearest to them."""
        step = assign(units, centres)
        for _ in range(self.max_iter):
            centres = _moved(units, centres, step)
            before, step = step, assign(units, centres)
            if before.inertia - step.inertia <= self.tolerance * before.inertia:
                break
        return centres, step


def directions(vectors: np.ndarray) -> tuple[Vectors, Bool[np.ndarray, " n"]]:
    """Unit vectors of those that have a direction, and which these are."""
    lengths = np.empty(len(vectors))
    for part in _blocks(len(vectors)):
        lengths[part] = np.linalg.norm(vectors[part].astype(np.float64), axis=1)
    known = np.isfinite(lengths) & (lengths > 0)
    if vectors.dtype == np.float32 and known.all() and np.allclose(lengths, 1, rtol=0, atol=1e-6):
        return vectors, known
    found = np.empty((int(known.sum()), vectors.shape[1]), np.float32)
    np.divide(vectors[known], lengths[known, None], out=found, casting="same_kind")
    return found, known


def assign(units: Vectors, centres: Vectors) -> Step:
    """Each vector to the centre whose direction is nearest, of equals the first."""
    labels, cosines = np.empty(len(units), np.int64), np.empty(len(units), np.float32)
    sums, sizes = np.zeros(centres.shape), np.zeros(len(centres), np.int64)
    for part in _blocks(len(units)):
        scores = units[part] @ centres.T
        _collect(units[part], scores, labels[part], cosines[part], sums, sizes)
    return Step(labels, sums, sizes, cosines)


def spread_out(units: Vectors, k: int, draw: np.random.Generator) -> Vectors:
    """Vectors far from each other to begin with: k-means++ by 1 − cosine, the best of some draws each time.

    Fewer than `k` where there are no more directions.
    """
    chosen = [int(draw.integers(len(units)))]
    apart = _apart(units, units[chosen])[:, 0]
    while len(chosen) < k and (whole := np.cumsum(apart, dtype=np.float64))[-1] > 0:
        points = draw.random(2 + int(np.log(k))) * whole[-1]
        candidates = np.searchsorted(whole, points, side="right").clip(max=len(units) - 1)
        left = np.minimum(apart[:, None], _apart(units, units[candidates]))
        best = int(left.sum(0, dtype=np.float64).argmin())
        chosen.append(int(candidates[best]))
        apart = left[:, best]
    return units[chosen]


def _apart(units: Vectors, others: Vectors) -> Float32[np.ndarray, "n others"]:
    found: np.ndarray = 1 - units @ others.T
    # What rounding leaves between equal directions is no distance.
    found[found < _EQUAL] = 0
    return found


def _moved(units: Vectors, centres: Vectors, step: Step) -> Vectors:
    """Directions of the clusters' sums; an empty one begins anew at the vector that is worst off."""
    lengths = np.linalg.norm(step.sums, axis=1, keepdims=True)
    moved = np.divide(step.sums, lengths, out=centres.astype(np.float64), where=lengths > _EQUAL)
    found: np.ndarray = moved.astype(np.float32)
    empty = np.flatnonzero(step.sizes == 0)
    if len(empty):
        worst = np.argsort(step.cosines, kind="stable")[: len(empty)]
        found[empty[: len(worst)]] = units[worst]
    return found


def _without_empty(centres: Vectors, step: Step) -> tuple[Vectors, Step]:
    there = step.sizes > 0
    labels = (np.cumsum(there) - 1)[step.labels]
    return centres[there], Step(labels, step.sums[there], step.sizes[there], step.cosines)


def _samples(vectors: int, k: int) -> Iterator[int]:
    size = _A_CLUSTER * k
    while size < vectors:
        yield size
        size *= _GROWTH
    yield vectors


def _blocks(count: int) -> Iterator[slice]:
    return (slice(begin, begin + BLOCK) for begin in range(0, count, BLOCK))


def _spread(
    labels: Int64[np.ndarray, " known"], known: Bool[np.ndarray, " n"]
) -> Int64[np.ndarray, " n"]:
    found = np.full(len(known), UNKNOWN, np.int64)
    found[known] = labels
    return found


@njit(cache=True)  # type: ignore[misc, unused-ignore]
def _collect(
    units: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    cosines: np.ndarray,
    sums: np.ndarray,
    sizes: np.ndarray,
) -> None:
    """The nearest centre of each vector of a block, added to its cluster."""
    for row in range(len(units)):
        best = 0
        for each in range(1, scores.shape[1]):
            if scores[row, each] > scores[row, best]:
                best = each
        labels[row], cosines[row] = best, scores[row, best]
        sizes[best] += 1
        for at in range(units.shape[1]):
            sums[best, at] += units[row, at]
