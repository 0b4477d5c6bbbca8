"""What every predictor obeys: it streams over symbols, and streams do not see each other."""

import pytest
import torch

from allears.asr.predictor import PREDICTORS
from allears.nn.states import alone, joined, tensors

SYMBOLS = 9
every = pytest.mark.parametrize("kind", PREDICTORS)


def predictor(kind, **fields):
    torch.manual_seed(0)
    config, make = PREDICTORS[kind]
    return make(config(width=12, **fields), SYMBOLS).double().eval().requires_grad_(False)


def drawn(batch, positions):
    generator = torch.Generator().manual_seed(1)
    return torch.randint(1, SYMBOLS, (batch, positions), generator=generator)


def same(one, other):
    for a, b in zip(tensors(one), tensors(other), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


@every
@pytest.mark.parametrize("sizes", [(1,) * 7, (3, 4), (6, 1)])
def test_chunks_equal_the_whole(kind, sizes):
    made, symbols = predictor(kind), drawn(2, 7)
    whole, after = made(symbols, made.initial_state(2))
    assert whole.shape == (2, 7, made.width)
    state, parts = made.initial_state(2), []
    for chunk in symbols.split(sizes, 1):
        part, state = made(chunk, state)
        parts.append(part)
    same(torch.cat(parts, 1), whole)
    same(state, after)


@every
def test_joined_streams_equal_single_ones(kind):
    made, symbols = predictor(kind), drawn(3, 6)
    states = [made(symbols[i : i + 1, :i], made.initial_state(1))[1] if i else made.initial_state(1)
              for i in range(3)]  # fmt: skip
    following = torch.cat([symbols[i : i + 1, i : i + 2] for i in range(3)])
    together, after = made(following, joined(states))
    for index, state in enumerate(states):
        expected, then = made(following[index : index + 1], state)
        same(together[index : index + 1], expected)
        same(alone(after, index), then)


@every
def test_states_are_batch_first_and_begin_as_zeros(kind):
    state = predictor(kind).initial_state(5)
    assert all(len(each) == 5 and not each.any() for each in tensors(state))


@every
def test_what_follows_changes_nothing_before_it(kind):
    made, symbols = predictor(kind), drawn(1, 6)
    other = symbols.clone()
    other[:, 4] = other[:, 4] % (SYMBOLS - 1) + 1
    one, two = (made(each, made.initial_state(1))[0] for each in (symbols, other))
    same(one[:, :4], two[:, :4])
    assert not torch.allclose(one[:, 4], two[:, 4])


@pytest.mark.parametrize("context", [1, 2, 3])
def test_a_stateless_one_sees_the_last_symbols_only(context):
    made, symbols = predictor("stateless", context=context), drawn(1, 6)
    other = symbols.clone()
    other[:, 0] = other[:, 0] % (SYMBOLS - 1) + 1
    one, two = (made(each, made.initial_state(1))[0] for each in (symbols, other))
    differs = (one - two).abs().amax((0, 2)) > 1e-9
    assert differs.tolist() == [place < context for place in range(6)]


def test_one_with_a_memory_sees_all():
    made, symbols = predictor("lstm"), drawn(1, 6)
    other = symbols.clone()
    other[:, 0] = other[:, 0] % (SYMBOLS - 1) + 1
    one, two = (made(each, made.initial_state(1))[0] for each in (symbols, other))
    assert ((one - two).abs().amax((0, 2)) > 1e-9).all()


@every
def test_every_weight_learns(kind):
    made = predictor(kind).train().requires_grad_(True)
    y, _ = made(drawn(4, 9), made.initial_state(4))
    (y * torch.randn_like(y)).sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in made.parameters())
