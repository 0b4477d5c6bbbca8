"""Many frames in one call are the same frames one by one."""

import numpy as np
import pytest

from allears.nn.network import Network
from allears.nn.sequence import FEW, Frames
from allears.weights import store

MODELS = store.models("allears")
DECODER = {
    name.removeprefix("decoder."): each
    for name, each in MODELS.rdovae.arrays.items()
    if name.startswith("decoder.")
}
NETWORKS = {
    "pitch": MODELS.pitch.arrays,
    "predictor": MODELS.concealment.arrays,
    "rdovae_decoder": DECODER,
}
LONG = 15
"""The most frames that a graph takes."""


class Counting(Network):
    """Counts how often it is run."""

    calls = 0

    def __call__(self, inputs, state=()):
        self.calls += 1
        return super().__call__(inputs, state)


def loaded(name):
    return [Counting(store.graph(each), NETWORKS[name]) for each in (name, f"{name}_long")]


def given(step, batch, frames):
    random = np.random.default_rng(0)
    inputs = [
        random.normal(size=(batch, frames, width)).astype(np.float32) for width in step.widths
    ]
    state = tuple(
        random.normal(scale=0.3, size=each.shape).astype(np.float32)
        for each in step.initial_state(batch)
    )
    return inputs, state


def assert_close(found, wanted, before, after):
    assert np.abs(wanted).max() > 0.1
    assert np.abs(found - wanted).max() < 1e-5
    for one, other in zip(before, after, strict=True):
        assert np.abs(one - other).max() < 1e-5


@pytest.mark.parametrize("frames", [1, 9, LONG, 2 * LONG + 4])
@pytest.mark.parametrize("batch", [1, 3, FEW + 1])
@pytest.mark.parametrize("name", NETWORKS)
def test_many_at_once_are_one_by_one(name, batch, frames):
    step, long = loaded(name)
    both, single = Frames(step, long), Frames(step)
    inputs, state = given(step, batch, frames)
    found, after = both(inputs, state)
    blocks = frames // both.size if batch <= FEW else 0
    assert long.calls == blocks
    assert step.calls == frames - blocks * both.size
    wanted, settled = single(inputs, state)
    assert found.shape[:2] == (batch, frames)
    assert_close(found, wanted, after, settled)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_stream_in_a_block_is_that_stream_alone(name):
    long = Frames(*loaded(name))
    inputs, state = given(long._step, 3, long.size)
    found, after = long(inputs, state)
    for row in range(3):
        one = slice(row, row + 1)
        alone, settled = long([each[one] for each in inputs], tuple(each[one] for each in state))
        assert_close(alone, found[one], settled, [each[one] for each in after])
