"""Clusters of voices, beside scikit-learn's k-means on the same unit vectors in the same process.

Made-up embeddings: directions about 400 people's own, who differ along a few axes, scattered as real ones are.
Full inertia is that of steps of all vectors from the start (`exact`); each figure of inertia is Σ (1 − cosine
to the direction of the mean of one's cluster), in units of it, whatever the clusters were made by.
scikit-learn's are squared distances to means, its own default of 300 steps and one start. Seconds are those
that one core worked, whatever else the machine did.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import time
from importlib.metadata import version

import numpy as np

from allears.fairness.cohorts.kmeans import BLOCK, SphericalKMeans, assign
from allears.fairness.cohorts.stability import adjusted_rand
from tables import Run, arguments

K, SIZE, PEOPLE, AXES = 50, 192, 400, 12
SCATTER = 0.06


def voices(count: int, seed: int = 0) -> np.ndarray:
    """Unit vectors (count, SIZE), single precision, made in blocks."""
    draw = np.random.default_rng(seed)
    people = draw.normal(size=(PEOPLE, AXES)) @ draw.normal(size=(AXES, SIZE))
    people += draw.normal(0, 1, people.shape)
    people /= np.linalg.norm(people, axis=1, keepdims=True)
    found = np.empty((count, SIZE), np.float32)
    for begin in range(0, count, BLOCK):
        part = found[begin : begin + BLOCK]
        part[:] = people[draw.integers(0, PEOPLE, len(part))]
        part += draw.normal(0, SCATTER, part.shape)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return found


def inertia(vectors: np.ndarray, labels: np.ndarray) -> float:
    """Σ (1 − cosine to the direction of the mean of one's cluster)."""
    sums = np.zeros((labels.max() + 1, vectors.shape[1]))
    for begin in range(0, len(vectors), BLOCK):
        np.add.at(sums, labels[begin : begin + BLOCK], vectors[begin : begin + BLOCK])
    return float(len(vectors) - np.linalg.norm(sums, axis=1).sum())


def labelled(name: str, vectors: np.ndarray, seed: int) -> tuple[float, np.ndarray]:
    """Seconds of work, and the clusters."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    begin = time.process_time()
    if name == "KMeans":
        labels = KMeans(K, n_init=1, random_state=seed).fit(vectors).labels_
    elif name == "MiniBatchKMeans":
        labels = MiniBatchKMeans(K, n_init=1, random_state=seed).fit(vectors).labels_
    else:
        labels = SphericalKMeans(K, seed=seed, exact=name == "exact").fit(vectors).labels_
    return time.process_time() - begin, labels


NAMES = {
    "KMeans": f"scikit-learn {version('scikit-learn')}, KMeans",
    "MiniBatchKMeans": f"scikit-learn {version('scikit-learn')}, MiniBatchKMeans",
    "exact": "SphericalKMeans, all vectors from the start",
    "sampled": "SphericalKMeans",
}


def main() -> None:
    """Write the table."""
    options = arguments(__doc__, vectors=1_000_000, seeds=3)
    vectors = voices(options.vectors)
    first = vectors[:1000]
    assign(first, first[:2])  # compiled, and BLAS awake
    found = {
        name: [labelled(name, vectors, seed) for seed in range(options.seeds)] for name in NAMES
    }
    full = np.median([inertia(vectors, labels) for _, labels in found["exact"]])
    slow = np.median([seconds for seconds, _ in found["KMeans"]])
    rows = []
    for name, runs in found.items():
        seconds = np.median([each for each, _ in runs])
        parts = [inertia(vectors, labels) / full for _, labels in runs]
        alike = [adjusted_rand(runs[0][1], labels) for _, labels in runs[1:]]
        rows.append(
            [
                NAMES[name],
                f"{seconds:.1f}",
                f"{slow / seconds:.1f}",
                f"{np.median(parts):.4f}",
                f"{max(parts):.4f}",
                f"{np.mean(alike):.2f}" if alike else "–",
            ]
        )
    head = [
        f"{options.vectors:,} × {SIZE} into {K}",
        "s",
        "times faster",
        "inertia, median",
        "inertia, worst",
        "Rand index between seeds",
    ]
    Run("kmeans.md", f"{__doc__}\n{options.seeds} seeds.").table(head, rows)


if __name__ == "__main__":
    main()
