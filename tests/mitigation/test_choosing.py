"""Which strength is taken: the best worst region of those that harm nobody at large, or none, which is said."""

import pytest

from allears.mitigation.choosing import Candidate, Count, choose, worst
from allears.mitigation.refusal import MitigationError


def candidate(strength, overall, **regions):
    return Candidate(
        strength,
        Count(overall, 1000),
        {name: Count(errors, 100) for name, errors in regions.items()},
    )


BEFORE = candidate(0, 100, north=10, south=30)


def test_the_worst_region_decides_among_those_that_raise_nothing_overall():
    tried = [
        candidate(0.0, 101, north=5, south=5),
        candidate(1.0, 99, north=12, south=24),
        candidate(10.0, 100, north=22, south=20),
        candidate(100.0, 90, north=10, south=28),
    ]
    taken = choose(BEFORE, tried)
    assert taken.taken is tried[2]
    assert taken.sentence == (
        "strength 10: the worst region goes from 30.00 % (south) to 22.00 % (north), "
        "everybody from 10.00 % to 10.00 %"
    )


def test_of_equals_the_lower_overall_then_the_stronger():
    tried = [
        candidate(1.0, 99, north=10, south=20),
        candidate(2.0, 98, north=20, south=10),
        candidate(4.0, 98, north=20, south=20),
        candidate(3.0, 98, north=10, south=20),
    ]
    assert choose(BEFORE, tried).taken is tried[2]
    assert choose(BEFORE, tried[:1]).taken is tried[0]


@pytest.mark.parametrize(
    ("tried", "why"),
    [
        ([], "nothing was tried"),
        ([candidate(1.0, 101, north=1, south=1)], "each of 1 tried raises the overall rate"),
        (
            [candidate(1.0, 100, north=10, south=30), candidate(2.0, 120, north=0, south=0)],
            "of 2 tried, 1 without raising the overall rate, none lowers the worst",
        ),
    ],
)
def test_where_nothing_is_acceptable_the_old_model_is_kept_and_that_is_said(tried, why):
    found = choose(BEFORE, tried)
    assert found.taken is None
    assert found.sentence.startswith(
        "none: the old model is kept, 30.00 % in its worst region (south)"
    )
    assert found.sentence.endswith(why)


def test_rates_are_compared_as_fractions():
    # 1/3 and 33333333333/100000000000 are one float apart from nothing, and not equal.
    old = Candidate(0, Count(1, 3), {"a": Count(33333333333333333, 10**17)})
    new = Candidate(1, Count(1, 3), {"a": Count(33333333333333332, 10**17)})
    assert float(old.regions["a"].rate) == float(new.regions["a"].rate)
    assert choose(old, [new]).taken is new


def test_small_regions_and_regions_without_words_do_not_count():
    def with_small(strength, errors):
        regions = {"a": Count(10, 100), "b": Count(errors, 5), "c": Count(0, 0)}
        return Candidate(strength, Count(50, 500), regions)

    before, better = with_small(0, 4), with_small(1, 1)
    assert worst(before) == ("b", Count(4, 5))
    assert choose(before, [better]).taken is better
    assert choose(before, [better], least_words=6).taken is None
    with pytest.raises(MitigationError, match="no region has 101 words"):
        choose(before, [better], least_words=101)


def test_other_words_are_no_comparison():
    other = Candidate(1, Count(1, 1000), {"north": Count(1, 100), "south": Count(1, 99)})
    with pytest.raises(MitigationError, match="region south has 99 words, the old model had 100"):
        choose(BEFORE, [other])
    nobody = Candidate(0, Count(0, 0), {})
    with pytest.raises(MitigationError, match="everybody has 0 words"):
        choose(nobody, [nobody])
