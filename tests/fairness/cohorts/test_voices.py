"""Spherical k-means and clusters of voices: by hand, against a plain loop, planted, and as stable as they say."""

import numpy as np
import pytest

from allears.fairness.cohorts.kmeans import SphericalKMeans, assign, directions, spread_out
from allears.fairness.cohorts.stability import adjusted_rand, mean_adjusted_rand
from allears.fairness.cohorts.voices import VoiceClusters, hardest
from allears.fairness.refusal import AuditError
from allears.fairness.sums import ERRORS, UNKNOWN
from tests.fairness.cohorts.made import crowd, sums


def voices(people: int, kinds: int, seed: int, size: int = 16, scatter: float = 0.1) -> np.ndarray:
    """People about a few directions, in turn."""
    draw = np.random.default_rng(seed)
    middle = draw.normal(size=(kinds, size))
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    return middle[np.arange(people) % kinds] + draw.normal(0, scatter, (people, size))


def test_two_directions_by_hand() -> None:
    # Lengths do not matter; of (3, 4) and (4, 3) the centre is (1, 1)/√2, at a cosine of 7/(5√2).
    vectors = np.array([(3, 4), (40, 30), (-5, 0), (-1, 0)], float)
    found = SphericalKMeans(2).fit(vectors)
    one, other = found.labels_[0], found.labels_[2]
    assert found.labels_.tolist() == [one, one, other, other]
    assert one != other
    assert found.centres_[one] == pytest.approx([0.5**0.5] * 2)
    assert found.centres_[other] == pytest.approx([-1, 0])
    assert found.inertia_ == pytest.approx(2 * (1 - 7 / (5 * 2**0.5)), abs=1e-6)
    assert found.predict(np.array([(0.1, 9), (-9, 1)], float)).tolist() == [one, other]


def test_a_step_is_what_a_plain_loop_finds() -> None:
    draw = np.random.default_rng(0)
    units, _ = directions(draw.normal(size=(20_000, 24)))
    centres = units[:7]
    step = assign(units, centres)
    cosines = units.astype(float) @ centres.T.astype(float)
    sure = np.ptp(np.sort(cosines, 1)[:, -2:], axis=1) > 1e-5
    assert (step.labels == cosines.argmax(1))[sure].all()
    assert step.cosines == pytest.approx(cosines.max(1), abs=1e-5)
    assert step.sizes.tolist() == np.bincount(step.labels).tolist()
    for each in range(7):
        assert step.sums[each] == pytest.approx(units[step.labels == each].astype(float).sum(0))


def test_samples_cost_less_than_a_percent_of_the_inertia() -> None:
    draw = np.random.default_rng(1)
    vectors = voices(8000, 20, 2, scatter=0.5) + draw.normal(0, 0.2, (8000, 16))
    sampled = SphericalKMeans(10).fit(vectors)
    exact = SphericalKMeans(10, exact=True).fit(vectors)
    assert sampled.inertia_ <= 1.01 * exact.inertia_


def test_planted_clusters_come_back_whatever_the_seed() -> None:
    vectors = voices(600, 6, 3)
    planted = np.arange(600) % 6
    for seed in range(3):
        found = SphericalKMeans(6, n_init=3, seed=seed).fit(vectors)
        assert adjusted_rand(found.labels_, planted) == 1
        assert found.starts_[0] is found.labels_


def test_the_same_seed_gives_the_same() -> None:
    vectors = voices(3000, 30, 4, scatter=0.8)
    one, other = (SphericalKMeans(12, seed=7).fit(vectors) for _ in range(2))
    assert (one.labels_ == other.labels_).all()
    assert (one.centres_ == other.centres_).all()
    assert adjusted_rand(one.labels_, SphericalKMeans(12, seed=8).fit(vectors).labels_) < 1


def test_no_direction_no_cluster() -> None:
    vectors = voices(40, 2, 5)
    vectors[3, 2], vectors[5], vectors[6, 0] = np.nan, 0, np.inf
    found = SphericalKMeans(2).fit(vectors)
    assert found.labels_[[3, 5, 6]].tolist() == [UNKNOWN] * 3
    assert (np.delete(found.labels_, [3, 5, 6]) != UNKNOWN).all()


def test_more_clusters_than_directions_are_not_made_up() -> None:
    found = SphericalKMeans(5).fit(np.array([(1, 0), (2, 0), (0, 1), (0, 3)], float))
    assert len(found.centres_) == 2
    assert found.labels_.max() == 1
    assert found.inertia_ == pytest.approx(0, abs=1e-6)


def test_an_empty_cluster_begins_anew() -> None:
    units, _ = directions(voices(90, 3, 6, scatter=0.02))
    opposite = -units[:1]
    means = SphericalKMeans(3)
    centres, step = means._settled(units, np.concatenate((units[:2], opposite)))
    assert (step.sizes == 30).all()
    assert len(centres) == 3


def test_first_centres_are_of_different_clusters() -> None:
    units, _ = directions(voices(300, 5, 7, scatter=0.01))
    chosen = spread_out(units, 5, np.random.default_rng(0))
    assert ((units @ chosen.T).argmax(1)[:5]).tolist() != [0] * 5
    assert len(set((units[:5] @ chosen.T).argmax(1).tolist())) == 5


def test_the_hardest_voices_are_the_first_and_the_bottom() -> None:
    kinds = np.arange(400) % 8
    counts = crowd(400, np.where(kinds == 3, 0.3, 0.1), 8)
    made = sums(counts, voices=voices(400, 8, 9))
    found = VoiceClusters(k=8, bottom=0.15).fit(made)
    assert ((found.labels_ == 0) == (kinds == 3)).all()
    assert (found.bottom_, found.bottom_stability_) == (1, 1.0)
    assert 0.8 < found.stability_ <= 1
    rates = found.groups(made).rates()
    assert (np.diff(rates) <= 0).all()
    halves = found.bottom_and_rest(made)
    assert halves.names == ("bottom cohort", "all others")
    assert halves.speakers().tolist() == [50, 350]
    assert halves.totals()[0, ERRORS] == counts[kinds == 3, ERRORS].sum()


def test_voices_of_others_had_no_part() -> None:
    made = sums(crowd(200, 0.1, 10), voices=voices(200, 4, 11))
    among = np.arange(200) < 120
    found = VoiceClusters(k=4).fit(made, among)
    again = VoiceClusters(k=4).fit(sums(np.full((120, 3), 1), voices=made.voices[:120]))  # type: ignore[index]
    assert adjusted_rand(found.labels_[:120], again.labels_) == 1
    assert (found.labels_ != UNKNOWN).all()


def test_clusters_are_as_many_as_speakers_allow() -> None:
    made = sums(crowd(100, 0.1, 12), voices=voices(100, 30, 13))
    assert len(VoiceClusters(k=50, min_speakers=20).fit(made).names_) <= 5
    with pytest.raises(AuditError, match="embeddings"):
        VoiceClusters().fit(sums(crowd(5, 0.1, 1)))
    with pytest.raises(AuditError, match="empty throughout"):
        VoiceClusters().fit(sums(crowd(5, 0.1, 1), voices=np.full((5, 3), np.nan)))


def test_how_many_clusters_are_the_bottom() -> None:
    labels = np.repeat([0, 1, 2], [5, 5, 90])
    assert [hardest(labels, share) for share in (0.01, 0.05, 0.1, 0.5)] == [1, 1, 2, 2]


def test_rand_index_by_hand() -> None:
    # Of 6 pairs, together: in the first 2, in the second 1, in both 1, by chance 1/3: (1 − 1/3)/(3/2 − 1/3).
    assert adjusted_rand(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])) == pytest.approx(4 / 7)
    assert adjusted_rand(np.array([0, 0, 1, 1]), np.array([5, 5, 3, 3])) == 1
    assert adjusted_rand(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])) == pytest.approx(-0.5)
    assert adjusted_rand(np.zeros(4, int), np.zeros(4, int)) == 1
    assert np.isnan(mean_adjusted_rand([np.zeros(4, int)]))


def test_rand_index_counts_pairs() -> None:
    draw = np.random.default_rng(14)
    for _ in range(3):
        one, other = draw.integers(0, 4, (2, 60))
        first, second = (each[:, None] == each for each in (one, other))
        above = np.triu_indices(60, 1)
        both, a, b = ((x[above]).sum() for x in (first & second, first, second))
        chance = a * b / len(above[0])
        assert adjusted_rand(one, other) == pytest.approx((both - chance) / ((a + b) / 2 - chance))
