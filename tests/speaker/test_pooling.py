"""Statistics of all that was heard: by hand, in pieces, for hours, and without what does not count."""

import pytest
import torch

from allears.nn.states import alone, joined, tensors
from allears.speaker.pooling import AttentiveStatistics

CHANNELS = 5


def layer(dtype=torch.float64):
    torch.manual_seed(1)
    made = AttentiveStatistics(CHANNELS, 4).to(dtype).requires_grad_(False)
    for weight in made.parameters():
        weight += torch.randn_like(weight)
    return made


def frames(batch=2, time=30, dtype=torch.float64, seed=2):
    return torch.randn(
        batch, time, CHANNELS, dtype=dtype, generator=torch.Generator().manual_seed(seed)
    )


def heard(pool, x, weights, sizes):
    state = pool.initial_state(len(x))
    for piece, some in zip(x.split(sizes, 1), weights.split(sizes, 1), strict=True):
        state = pool(piece, some, state)
    return state


def same(one, other):
    for a, b in zip(tensors(one), tensors(other), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_they_are_weighted_means_and_deviations():
    pool, x = layer(), frames()
    weights = torch.linspace(0, 1, 30, dtype=torch.float64).expand(2, -1)
    share = weights[..., None] * pool.attend(torch.tanh(pool.look(x))).exp()
    share = share / share.sum(1, keepdim=True)
    mean = (share * x).sum(1)
    variance = (share * x**2).sum(1) - mean**2
    found = pool.statistics(pool(x, weights, pool.initial_state(2)))
    torch.testing.assert_close(found[:, :CHANNELS], mean, atol=1e-6, rtol=0)
    torch.testing.assert_close(found[:, CHANNELS:], (variance + 1e-5).sqrt(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("sizes", [[1] * 30, [7, 16, 7], [29, 1]])
def test_pieces_equal_the_whole(sizes):
    pool, x = layer(), frames()
    weights = torch.rand(2, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    weights[:, :9] = 0
    same(heard(pool, x, weights, sizes), heard(pool, x, weights, [30]))


def test_joined_streams_equal_single_ones():
    pool, x = layer(), frames(3)
    weights = torch.ones(3, 30, dtype=torch.float64)
    ages = 0, 4, 25
    states = [
        heard(pool, x[i : i + 1, :age], weights[i : i + 1, :age], [age])
        if age
        else pool.initial_state(1)
        for i, age in enumerate(ages)
    ]
    following = torch.cat([x[i : i + 1, age : age + 5] for i, age in enumerate(ages)])
    together = pool(following, weights[:, :5], joined(states))
    for i, state in enumerate(states):
        same(alone(together, i), pool(following[i : i + 1], weights[:1, :5], state))


def test_frames_of_no_weight_do_not_count():
    pool, x = layer(), frames()
    weights = (torch.arange(30) % 3 > 0).double().expand(2, -1)
    counted = weights[0] > 0
    other = torch.where(counted[:, None], x, 1e6)
    sizes = [2, 11, 17]
    kept = pool(x[:, counted], weights[:, counted], pool.initial_state(2))
    same(heard(pool, other, weights, sizes), kept)
    same(heard(pool, 1e6 * x, torch.zeros_like(weights), sizes), pool.initial_state(2))


def test_hours_and_huge_logits_are_no_trouble_in_single_precision():
    pool = layer(torch.float32)
    pool.attend.bias += torch.tensor([300.0, -300.0, 0.0, 90.0, -90.0])
    x = frames(1, 500, torch.float32) + 50
    weights = torch.ones(1, 500)
    once = pool.statistics(pool(x, weights, pool.initial_state(1)))
    state = pool.initial_state(1)
    for _ in range(800):
        state = pool(x, weights, state)
    torch.testing.assert_close(pool.statistics(state), once, rtol=2e-3, atol=1e-3)


def test_gradients_are_those_of_differences():
    pool, x = layer().requires_grad_(True), frames(1, 6)
    weights = torch.tensor([[1.0, 0.5, 0.0, 1.0, 1.0, 0.2]], dtype=torch.float64)

    def statistics(given):
        return pool.statistics(heard(pool, given, weights, [2, 4]))

    assert torch.autograd.gradcheck(statistics, x.requires_grad_(True))
