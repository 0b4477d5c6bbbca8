"""What a network of voices obeys: pieces are the whole, streams do not see each other, and what does not count."""

import pytest
import torch

from allears.nn.states import alone, joined, tensors
from allears.speaker.ecapa import Centring, Ecapa, EcapaConfig
from tests.speaker.small import CONFIG, network

STACK, BANDS = CONFIG.stack, CONFIG.bands


def mels(batch=2, steps=20):
    random = torch.Generator().manual_seed(4)
    return -7 + 3 * torch.randn(batch, steps * STACK, BANDS, dtype=torch.float64, generator=random)


def same(one, other):
    for a, b in zip(tensors(one), tensors(other), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("settled", [0, 20])
@pytest.mark.parametrize("sizes", [[1] * 20, [3, 16, 1]])
def test_pieces_equal_the_whole(sizes, settled):
    model = network(EcapaConfig(**{**CONFIG.plain(), "settled": settled}), torch.float64)
    x = mels()
    weights = torch.linspace(0, 1, x.shape[1], dtype=torch.float64).expand(2, -1)
    lengths, state = [size * STACK for size in sizes], None
    for piece, some in zip(x.split(lengths, 1), weights.split(lengths, 1), strict=True):
        found, state = model(piece, state, some)
    whole, after = model(x, None, weights)
    assert whole.shape == (2, CONFIG.size) and float(whole.std()) > 0.01
    same(found, whole)
    same(state, after)


def test_joined_streams_equal_single_ones():
    model, x = network(dtype=torch.float64), mels(3)
    ages = 0, 2 * STACK, 13 * STACK
    states = [
        model(x[i : i + 1, :age])[1] if age else model.initial_state(1)
        for i, age in enumerate(ages)
    ]
    following = [x[i : i + 1, age : age + 4 * STACK] for i, age in enumerate(ages)]
    found, together = model(torch.cat(following), joined(states))
    for i, (state, frames) in enumerate(zip(states, following, strict=True)):
        expected, after = model(frames, state)
        same(found[i : i + 1], expected)
        same(alone(together, i), after)


def test_what_pads_a_batch_does_not_count():
    model, x = network(dtype=torch.float64), mels()
    weights = torch.ones(2, x.shape[1], dtype=torch.float64)
    weights[1, 9 * STACK :] = 0
    padded, _ = model(x, None, weights)
    short, _ = model(x[1:, : 9 * STACK])
    same(padded[1:], short)


def test_a_colour_that_stays_is_forgotten():
    model = network(dtype=torch.float64)
    x = mels(1, 200)
    coloured = x + torch.linspace(-2, 2, BANDS, dtype=torch.float64)
    away = [
        float((model(one)[0] - model(other)[0]).norm())
        for one, other in ((x[:, :60], coloured[:, :60]), (x, coloured))
    ]
    assert away[1] < 0.7 * away[0]
    centring = Centring(2, 5)
    y, _ = centring(torch.full((1, 5, 2), 3.0), centring.initial_state(1))
    torch.testing.assert_close(y[0, -1], torch.full((2,), 1.5))


def test_every_weight_learns():
    torch.manual_seed(0)
    model = Ecapa(CONFIG).train()
    found, _ = model(mels(4).float())
    (found * torch.randn_like(found)).sum().backward()
    still = [
        name
        for name, weight in model.named_parameters()
        if weight.grad is None or not weight.grad.abs().sum() > 0
    ]
    assert not still


def test_the_usual_size_is_what_was_promised():
    with torch.device("meta"):
        weights = sum(each.numel() for each in Ecapa(EcapaConfig()).parameters())
    assert 1_000_000 < weights < 1_300_000
