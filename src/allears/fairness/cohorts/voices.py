"""Groups of voices alike, found without labels and ranked by how badly they are served (arXiv 2207.11345).

Speakers' embeddings, one unit vector each, fall into clusters by spherical k-means; of several starts the best
is kept and the others say how much of it was chance. The bottom cohort is the hardest clusters that together
have at most a given part of the speakers.
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from jaxtyping import Bool, Float64, Int64

from allears.fairness.cohorts.discovery import at_least, by_speaker, numbered, worst_first
from allears.fairness.cohorts.kmeans import SphericalKMeans
from allears.fairness.cohorts.stability import mean_adjusted_rand
from allears.fairness.refusal import AuditError
from allears.fairness.sums import UNKNOWN, Groups, Sums


@dataclass
class VoiceClusters:
    """At most `k` clusters of voices, voices 1 served worst; fewer where a cluster would have too few speakers.

    On average a cluster has at least `min_speakers`. `n_init` starts are drawn from `seed`. `bottom` is the
    largest part of the speakers that the bottom cohort may have; it has at least the hardest cluster.

    Fitted: `names_`; `labels_`, UNKNOWN where no voice is known; `bottom_`, how many clusters, from the first,
    are the bottom cohort; `stability_` and `bottom_stability_`, the adjusted Rand index between starts, of all
    clusters and of being in the bottom cohort or not, NaN for a single start.
    """

    k: int = 50
    n_init: int = 5
    seed: int = 0
    min_speakers: int = 10
    bottom: float = 0.1
    names_: tuple[str, ...] = field(init=False, repr=False)
    labels_: Int64[np.ndarray, " speakers"] = field(init=False, repr=False)
    bottom_: int = field(init=False, repr=False)
    stability_: float = field(init=False, repr=False)
    bottom_stability_: float = field(init=False, repr=False)

    def fit(self, sums: Sums, among: Bool[np.ndarray, " speakers"] | None = None) -> Self:
        """Find clusters. Raises AuditError where nobody's voice is known."""
        at_least(self.k, 1, "k")
        voices, counts = _voices(sums), by_speaker(sums)
        heard = np.isfinite(voices).all(1) & (voices != 0).any(1)
        chosen = heard if among is None else heard & among
        if not chosen.any():
            raise AuditError("nobody's voice is known: embeddings are empty throughout")
        k = max(1, min(self.k, int(chosen.sum()) // max(1, self.min_speakers)))
        means = SphericalKMeans(k, self.n_init, self.seed).fit(voices[chosen])
        ranked = [_ranked(each, counts[chosen]) for each in means.starts_]
        self._means, self._rank = means, _ranks(means.labels_, counts[chosen])
        self.names_ = numbered("voices", len(self._rank))
        self.labels_ = self.predict(voices)
        self.stability_ = mean_adjusted_rand(means.starts_)
        lowest = [labels < hardest(labels, self.bottom) for labels in ranked]
        self.bottom_ = hardest(ranked[0], self.bottom)
        self.bottom_stability_ = mean_adjusted_rand([each.astype(np.int64) for each in lowest])
        return self

    def predict(
        self, voices: Float64[np.ndarray, "speakers size"]
    ) -> Int64[np.ndarray, " speakers"]:
        """The clusters of other embeddings; UNKNOWN for NaN."""
        found = self._means.predict(voices)
        return np.where(found == UNKNOWN, UNKNOWN, self._rank[found])

    def groups(self, sums: Sums) -> Groups:
        """The clusters' counts, speaker by speaker."""
        return sums.by_speaker(self.names_, self.predict(_voices(sums)))

    def bottom_and_rest(self, sums: Sums) -> Groups:
        """Two groups: the bottom cohort, and all others whose voice is known."""
        labels = self.predict(_voices(sums))
        side = np.where(labels == UNKNOWN, UNKNOWN, labels >= self.bottom_)
        return sums.by_speaker(("bottom cohort", "all others"), side)


def hardest(labels: Int64[np.ndarray, " speakers"], share: float) -> int:
    """How many groups, worst first, have at most `share` of the speakers together, and at least one has."""
    parts = np.cumsum(np.bincount(labels)) / max(1, len(labels))
    return max(1, int((parts <= share).sum()))


def _ranks(
    labels: Int64[np.ndarray, " speakers"], counts: Int64[np.ndarray, "speakers 3"]
) -> Int64[np.ndarray, " clusters"]:
    """The rank of each cluster, 0 the one of the highest error rate."""
    totals = np.zeros((labels.max() + 1, counts.shape[1]), np.int64)
    np.add.at(totals, labels, counts)
    ranks = np.empty(len(totals), np.int64)
    ranks[worst_first(totals)] = np.arange(len(totals))
    return ranks


def _ranked(
    labels: Int64[np.ndarray, " speakers"], counts: Int64[np.ndarray, "speakers 3"]
) -> Int64[np.ndarray, " speakers"]:
    found: np.ndarray = _ranks(labels, counts)[labels]
    return found


def _voices(sums: Sums) -> Float64[np.ndarray, "speakers size"]:
    if sums.voices is None:
        raise AuditError("there are no voices: name the column, or the .npy file, of embeddings")
    return sums.voices
