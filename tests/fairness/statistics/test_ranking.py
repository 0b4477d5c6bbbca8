"""Corrections, shrinkage, power and halves: by hand and by trying."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from allears.fairness.statistics import halves, intervals, multiplicity, power, shrinkage
from tests.fairness.statistics.speakers import of, people


def test_corrections_by_hand() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03])
    assert multiplicity.adjusted(p, "holm") == pytest.approx(
        [0.03, np.nan, 0.06, 0.06], nan_ok=True
    )
    assert multiplicity.adjusted(p, "bh") == pytest.approx([0.03, np.nan, 0.04, 0.04], nan_ok=True)
    assert multiplicity.significant(p, "holm").tolist() == [True, False, False, False]
    assert multiplicity.significant(p, "bh").tolist() == [True, False, True, True]
    assert multiplicity.any_of(p) == pytest.approx(0.03)
    assert np.isnan(multiplicity.any_of(np.array([np.nan])))


@pytest.mark.parametrize(("by", "method"), [("holm", "holm"), ("bh", "fdr_bh")])
def test_corrections_are_those_of_statsmodels(by: multiplicity.Correction, method: str) -> None:
    random = np.random.default_rng(0)
    for count in (1, 2, 7, 40):
        p = np.round(random.random(count) ** 3, 2)
        assert multiplicity.adjusted(p, by) == pytest.approx(multipletests(p, method=method)[1])


def test_groups_count_only_where_their_grouping_does() -> None:
    """Three groupings, after Holm: 3 × 0.01, 2 × 0.03, 0.5; within them 2 × 0.001, 0.5; 2 × 0.001, 0.9; 0.2."""
    groups = [np.array([0.001, 0.5]), np.array([0.001, 0.9]), np.array([0.2])]
    found = multiplicity.throughout([0.01, 0.03, 0.5], groups, ["holm", "bh", "bh"])
    expected = [[0.03, 0.5], [0.06, 0.9], [0.5]]
    for each, wanted in zip(found, expected, strict=True):
        assert each == pytest.approx(wanted)


def test_variance_between_groups_by_hand() -> None:
    """Equal variances: what the values vary less what each does."""
    values, variances = np.array([0.0, 1.0, 2.0, 5.0]), np.full(4, 0.5)
    assert shrinkage.between_groups(values, variances) == pytest.approx(values.var(ddof=1) - 0.5)
    assert shrinkage.between_groups(np.array([0.0, 0.1]), np.array([1.0, 1.0])) == 0.0


def test_few_speakers_are_pulled_further() -> None:
    groups = people(1, (5, 200, 200, 200, 1), effects=(1.0, 0.6, 1.0, 1.7, 3.0))
    raw, found = groups.rates(), shrinkage.shrunk(groups)
    centre = found[4]  # one speaker tells nothing
    pulled = (raw - found) / (raw - centre)
    assert ((pulled[:4] > 0) & (pulled[:4] < 1)).all()
    assert pulled[0] > 3 * pulled[1:4].max()
    assert found[1] < found[2] < found[3]


def test_shrunk_rates_are_nearer_to_the_truth() -> None:
    random = np.random.default_rng(2)
    raw, shrunk = 0.0, 0.0
    for seed in range(20):
        effects = tuple(np.exp(random.normal(0, 0.2, 20)))
        groups = people(seed, (8,) * 20, effects=effects)
        truth = np.log(0.1 * np.array(effects))
        raw += float(((np.log(groups.rates()) - truth) ** 2).sum())
        shrunk += float(((np.log(shrinkage.shrunk(groups)) - truth) ** 2).sum())
    assert shrunk < 0.75 * raw


def test_no_errors_and_no_words_are_ranked_too() -> None:
    groups = of(
        np.array([0, 0, 1, 1, 2, 2, 3]),
        np.array([0, 0, 9, 12, 20, 30, 0]),
        np.array([100] * 6 + [0]),
    )
    found = shrinkage.shrunk(groups)
    assert 0 < found[0] < found[1] < found[2]
    assert np.isnan(found[3])


def test_power_by_hand_and_with_many_degrees() -> None:
    found = power.smallest(np.array([0.1]), np.array([1e9]), 1)
    assert found == pytest.approx(np.expm1((1.959964 + 0.841621) * 0.1))
    assert power.smallest(np.array([0.1]), np.array([9.0]), 5) == pytest.approx(
        np.expm1((stats.t.ppf(0.995, 9) + stats.t.ppf(0.8, 9)) * 0.1)
    )


def test_a_gap_of_that_size_is_found_four_times_in_five() -> None:
    """Of 150 times 120 are, three standard errors 15; what data say of their power varies too."""
    sizes = (40, 200)
    unseen = float(np.median([power.by_group(people(seed, sizes))[0] for seed in range(30)]))
    found = sum(
        intervals.p_values(people(1000 + seed, sizes, effects=(1 + unseen, 1.0)))[0] < 0.05 / 2
        for seed in range(150)
    )
    assert 102 <= found <= 138
    assert np.isnan(power.unseen(people(0, (1, 1))))


def test_halves_are_by_seed_alone() -> None:
    first = halves.split(11, 3)
    assert first.sum() == 5
    assert (halves.split(11, 3) == first).all()
    assert (halves.split(11, 4) != first).any()


def test_one_p_of_two() -> None:
    assert halves.any_p(0.01, 0.5) == 0.02
    assert halves.any_p(float("nan"), 0.5) == 0.5
    assert halves.any_p(0.7, 0.9) == 1.0
    assert np.isnan(halves.any_p(float("nan"), float("nan")))


def test_worst_and_best_are_chosen_on_one_half() -> None:
    groups = of(np.array([0, 1, 0, 1]), np.array([1, 2, 40, 30]), np.full(4, 100))
    first = np.array([True, True, False, False])
    assert halves.extremes(groups.of(first)) == (1, 0)
    assert halves.extremes(groups.of(~first)) == (0, 1)
    with pytest.raises(ValueError, match="nothing was said"):
        halves.extremes(of(np.zeros(1, np.int64), np.zeros(1), np.zeros(1)))


def test_a_gap_found_on_the_same_speakers_is_too_large_and_on_others_it_is_not() -> None:
    """Eight groups of twenty with nothing between them; of 100 intervals 95 are to hold 0, three errors 7."""
    same, held_out, held = [], [], 0
    for seed in range(100):
        groups = people(seed, (20,) * 8)
        same.append(intervals.gap(groups, *halves.extremes(groups)).value)
        half = halves.split(groups.people, seed)
        found = intervals.gap(groups.of(half), *halves.extremes(groups.of(~half)))
        held_out.append(found.value)
        held += found.low <= 0 <= found.high
    assert np.median(same) > 0.2
    assert abs(np.median(held_out)) < 0.1
    assert held >= 88
