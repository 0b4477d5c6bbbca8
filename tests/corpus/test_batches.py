from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.corpus.batches import Batches
from allears.corpus.recordings import CorpusError

seconds = st.lists(st.floats(0.1, 40), min_size=1, max_size=60)
weights = st.lists(st.floats(0.05, 5), min_size=60, max_size=60)


def epoch(batches, number):
    """All batches of an epoch."""
    step = 0
    while batches.place(step)[0] < number:
        step += 1
    while batches.place(step)[0] == number:
        yield batches.at(step)
        step += 1


@given(seconds, st.floats(1, 100), st.integers(0, 2**32), st.integers(0, 3))
def test_every_utterance_once_an_epoch_and_no_batch_over_its_seconds(durations, most, seed, number):
    drawn = list(epoch(Batches(durations, most, seed), number))
    assert sorted(index for batch in drawn for index in batch) == list(range(len(durations)))
    for batch in drawn:
        assert len(batch) == 1 or max(durations[i] for i in batch) * len(batch) <= most + 1e-6


@given(seconds, st.integers(0, 99), st.lists(st.integers(0, 40), min_size=1, max_size=5), weights)
def test_a_step_is_the_same_whatever_was_asked_before(durations, seed, steps, shares):
    shares = shares[: len(durations)]
    asked = Batches(durations, 30, seed, shares)
    for step in steps:
        assert asked.at(step) == Batches(durations, 30, seed, shares).at(step)


@given(seconds, weights, st.integers(0, 99))
def test_shares_are_kept_to_within_one_in_every_epoch(durations, shares, seed):
    shares = np.array(shares[: len(durations)])
    batches = Batches(durations, 50, seed, shares)
    count = Counter(index for batch in epoch(batches, 1) for index in batch)
    due = shares / shares.sum() * len(durations)
    assert count.total() == len(durations)
    assert all(abs(count[index] - due[index]) < 1 + 1e-6 for index in range(len(due)))


@given(seconds, st.floats(0.5, 30))
def test_long_utterances_are_left_out(durations, longest):
    kept = [i for i, each in enumerate(durations) if each <= longest]
    if not kept:
        with pytest.raises(CorpusError, match="no utterance to learn from"):
            Batches(durations, 30, 0, longest=longest)
        return
    drawn = epoch(Batches(durations, 30, 0, longest=longest), 0)
    assert sorted(index for batch in drawn for index in batch) == kept


def test_epochs_differ_and_seeds_differ():
    durations = np.random.default_rng(0).uniform(1, 15, 500)
    batches, other = Batches(durations, 60, 1), Batches(durations, 60, 2)
    first = list(epoch(batches, 0))
    assert len(first) == batches.per_epoch
    assert first != list(epoch(batches, 1))
    assert first != list(epoch(other, 0))


def test_lengths_in_a_batch_are_alike():
    durations = np.random.default_rng(0).uniform(1, 15, 2000)
    batches = Batches(durations, 60, 0)
    padded = sum(durations[batch].max() * len(batch) for batch in epoch(batches, 0))
    assert durations.sum() / padded > 0.93
    assert batches.per_epoch < 1.2 * durations.sum() / 60


def test_a_share_of_nothing_is_never_drawn():
    batches = Batches([1.0, 2.0, 3.0], 4, 0, shares=[2, 0, 1])
    drawn = {index for step in range(20) for index in batches.at(step)}
    assert drawn == {0, 2}


@pytest.mark.parametrize(
    ("durations", "most", "shares"),
    [([1.0, 0.0], 10, None), ([1.0], 0, None), ([1.0], 10, [1, 2]), ([1.0], 10, [-1])],
)
def test_what_makes_no_sense_is_refused(durations, most, shares):
    with pytest.raises(ValueError, match=r"above 0|as many shares"):
        Batches(durations, most, 0, shares)


def test_steps_count_from_nought():
    with pytest.raises(ValueError, match="not -1"):
        Batches([1.0], 1, 0).at(-1)
