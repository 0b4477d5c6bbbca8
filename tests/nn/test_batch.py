from typing import NamedTuple

import numpy as np

from allears.nn.batch import Share, alone, gather, joined, scatter


class State(NamedTuple):
    inner: tuple[np.ndarray, ...]
    last: np.ndarray


def state(value: float) -> State:
    return State((np.full((1, 3), value), np.full((1, 2, 2), -value)), np.array([value]))


def test_joined_streams_come_apart_as_they_were():
    whole = joined([state(1), state(2), state(3)])
    assert whole.inner[1].shape == (3, 2, 2)
    for index in range(3):
        one = alone(whole, index)
        assert isinstance(one, State)
        assert (one.inner[0] == index + 1).all()
        assert (one.last == index + 1).all()


def test_streams_that_stay_together_are_not_copied():
    whole = joined([state(1), state(2)])
    shares = scatter(whole, 2)
    assert gather(shares) is whole


def test_streams_come_and_go_in_any_order():
    one, two = scatter(joined([state(1), state(2)]), 2)
    three = Share(state(3))
    for chosen, values in (([two, one], [2, 1]), ([two], [2]), ([three, one], [3, 1])):
        assert gather(chosen).last.tolist() == values
