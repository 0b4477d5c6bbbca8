"""Named labels and the search among their combinations: by hand, against every combination, and planted."""

import itertools

import numpy as np
import pytest

from allears.fairness.cohorts.attributes import Attributes, columns
from allears.fairness.cohorts.crossing import Table
from allears.fairness.cohorts.search import SubgroupSearch
from allears.fairness.refusal import AuditError
from allears.fairness.sums import ERRORS, UNKNOWN, WORDS, Sums
from tests.fairness.cohorts.made import crowd, sums


def labels(people: int, columns: int, kinds: int, seed: int) -> dict[str, list[str]]:
    drawn = np.random.default_rng(seed).integers(0, kinds, (columns, people))
    return {f"c{at}": [f"k{code}" for code in each] for at, each in enumerate(drawn.tolist())}


def test_named_labels_and_their_combinations() -> None:
    made = sums(
        [(1, 10, 1), (2, 10, 1), (3, 10, 1), (4, 10, 1), (5, 10, 1)],
        {"accent": ["a", "b", "b", None, "a"], "age": ["old", "old", "new", "new", "old"]},
        speakers=[0, 1, 2, 3, 2],
    )
    accent = Attributes("accent").fit(made)
    assert accent.names_ == ("a", "b")
    assert accent.labels_.tolist() == [0, 1, UNKNOWN, UNKNOWN]
    both = Attributes("accent * age").fit(made)
    assert both.names_ == ("a × old", "b × new", "b × old")
    assert both.groups(made).totals()[:, ERRORS].tolist() == [6, 3, 2]
    assert columns("a*b") == ("a", "b")
    for wrong in ("a*", "a*a", ""):
        with pytest.raises(AuditError, match=r"with \* between"):
            columns(wrong)
    with pytest.raises(AuditError, match=r"no column 'height' .* accent, age"):
        Attributes("accent*height").fit(made)


def test_labels_of_the_other_half_alone_are_left_out() -> None:
    made = sums([(1, 10, 1)] * 3, {"accent": ["a", "b", "c"]})
    found = Attributes("accent").fit(made, np.array([True, False, True]))
    assert found.names_ == ("a", "c")
    assert found.labels_.tolist() == [0, UNKNOWN, 1]


def test_a_score_by_hand() -> None:
    # 16 errors in 160 words: four times 4. Squares of deviations 36 + 4 + 4 + 4, less 16, through 64: α = ½.
    made = sums([(10, 40, 1), (2, 40, 1), (2, 40, 1), (2, 40, 1)], {"a": ["x", "x", "y", "y"]})
    table = Table.of(made, None)
    assert table.spread == pytest.approx(0.5)
    (found,), tried = table.crossed([0], 1, 1)
    # Label x: (12 − 8) / √(2 · (4 + ½·16)).
    assert found.score == pytest.approx(4 / 24**0.5)
    assert (found.labels, found.speakers, found.words, tried) == (((0, 0),), 2, 80, 2)
    assert table.score(table.members(found.labels)) == pytest.approx(found.score)
    table.explain(table.members(found.labels))
    assert table.score(table.members(found.labels)) == pytest.approx(0)


def test_words_of_one_speaker_hang_together() -> None:
    # The same rows by two speakers and by one: of one, the effect of their own is not averaged out.
    counts, kinds = [(6, 20, 1), (6, 20, 1), (2, 40, 1), (6, 40, 1)], {"a": ["x", "x", "y", "y"]}
    two = Table.of(sums(counts, kinds), None)
    one = Table.of(sums(counts, kinds, speakers=[0, 0, 1, 2]), None)
    two.spread = one.spread = 0.3
    (apart,), _ = two.crossed([0], 1, 1)
    (together,), _ = one.crossed([0], 1, 1)
    assert together.score < apart.score
    assert (together.speakers, apart.speakers) == (1, 2)


def test_every_combination_is_scored_as_one_by_one() -> None:
    made = sums(crowd(400, 0.1, 0), labels(400, 3, 4, 1))
    table = Table.of(made, None)
    for at in ([0], [0, 2], [0, 1, 2]):
        found, tried = table.crossed(at, 10, 100)
        expected = {}
        large = 0
        for codes in itertools.product(range(4), repeat=len(at)):
            rows = table.members(tuple(zip(at, codes, strict=True)))
            if len(rows) >= 10:
                large += 1
                score = table.score(rows)
                if score > 0:
                    expected[tuple(zip(at, codes, strict=True))] = pytest.approx(score)
        assert {each.labels: each.score for each in found} == expected
        assert tried == large


def planted(seed: int) -> tuple[Sums, np.ndarray]:
    """5000 people, eight columns; about 0.8 % are of three labels that make errors half as many again."""
    kinds = labels(5000, 8, 5, seed)
    hit = (np.array([kinds["c1"], kinds["c4"], kinds["c6"]]) == "k2").all(0)
    return sums(crowd(5000, np.where(hit, 0.15, 0.1), seed + 1, spread=0.04), kinds), hit


def test_a_planted_cohort_of_less_than_a_percent_is_the_first_found() -> None:
    made, hit = planted(2)
    assert 0.004 < hit.mean() < 0.01
    found = SubgroupSearch().fit(made)
    assert found.names_[0] == "c1: k2 × c4: k2 × c6: k2"
    assert ((found.labels_ == 0) == hit).all()
    assert found.exhaustive_
    assert found.tried_ == 8 * 5 + 28 * 25 + 56 * 125
    # What only overlaps with it is explained by it.
    assert not any("c1: k2 × c4: k2" in name for name in found.names_[1:])
    assert len(found.names_) <= 5


def test_groups_found_on_one_half_are_those_of_the_other() -> None:
    made, hit = planted(5)
    among = np.random.default_rng(6).random(5000) < 0.5
    found = SubgroupSearch(min_speakers=8).fit(made, among)
    at = found.names_.index("c1: k2 × c4: k2 × c6: k2")
    rest = found.groups(made).of(~among)
    assert rest.speakers()[at] == (hit & ~among).sum()
    assert rest.rates()[at] > 0.12


def test_a_narrow_beam_says_that_it_left_some_out() -> None:
    made, _ = planted(2)
    found = SubgroupSearch(beam=2).fit(made)
    assert not found.exhaustive_
    assert found.tried_ < 3000


def test_nothing_there_is_nothing_found() -> None:
    made = sums([(10, 100, 10)] * 60, {"a": ["x", "y"] * 30})
    found = SubgroupSearch().fit(made)
    assert found.names_ == ()
    assert (found.labels_ == UNKNOWN).all()
    assert len(found.groups(made).speaker) == 0


def test_where_speakers_stand_makes_no_difference() -> None:
    kinds = labels(600, 4, 3, 7)
    counts = crowd(600, 0.1, 8)
    order = np.random.default_rng(9).permutation(600)
    mixed = {name: [each[at] for at in order] for name, each in kinds.items()}
    one = SubgroupSearch(least=0.5).fit(sums(counts, kinds))
    other = SubgroupSearch(least=0.5).fit(sums(counts[order], mixed))
    assert one.names_ == other.names_
    assert (
        one.groups(sums(counts, kinds)).totals() == other.groups(sums(counts, kinds)).totals()
    ).all()


def test_small_and_unknown_is_not_found() -> None:
    kinds = {"a": ["x"] * 9 + ["y"] * 91, "b": [None, "z"] * 50}
    made = sums(np.array([(60, 100, 9)] * 9 + [(5, 100, 9)] * 91), kinds)
    assert SubgroupSearch().fit(made).names_ == ()
    found = SubgroupSearch(min_speakers=9).fit(made)
    assert found.names_ == ("a: x",)
    assert found.groups(made).totals()[0, WORDS] == 900
    with pytest.raises(AuditError, match="no columns"):
        SubgroupSearch().fit(sums([(1, 10, 1)]))
