import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.parties.assignment import assigned

spans = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 20)).map(lambda pair: (pair[0], sum(pair)))
).map(sorted)


def test_turns_by_hand():
    # The second begins while the first goes on; the third when the first is over; the fourth as the second ends.
    assert assigned([(0, 4), (2, 7), (4, 6), (7, 9)], 2) == [0, 1, 0, 0]


def test_where_all_are_taken_it_is_the_first_to_be_free():
    assert assigned([(0, 9), (1, 5), (2, 3), (6, 7)], 2) == [0, 1, 1, 1]


@given(spans, st.integers(1, 4))
def test_nobody_is_interrupted_while_a_branch_is_free(turns, branches):
    homes = assigned(turns, branches)
    for place, (begin, _) in enumerate(turns):
        busy = {home for home, (_, end) in zip(homes[:place], turns, strict=False) if end > begin}
        if len(busy) < branches:
            assert homes[place] == min(set(range(branches)) - busy)


@given(spans)
def test_one_branch_tells_all(turns):
    assert assigned(turns, 1) == [0] * len(turns)


@pytest.mark.parametrize("turns", [[(2, 3), (1, 4)], [(2, 1)]])
def test_turns_that_are_not_sorted_are_refused(turns):
    with pytest.raises(ValueError, match="not sorted"):
        assigned(turns, 2)
