import pytest
import torch

from allears.nn.layers import CausalConv, Gru
from allears.nn.recurrence import Recurrence

LAYERS = {
    "gru": lambda: Gru(12, 8),
    "conv": lambda: CausalConv(12, 8, 2),
    "dilated conv": lambda: CausalConv(12, 8, 3, dilation=2),
}


@pytest.fixture(params=LAYERS, ids=str)
def layer(request):
    torch.manual_seed(1)
    return LAYERS[request.param]().eval()


@pytest.mark.parametrize("sizes", [(1,) * 20, (7, 13), (2, 1, 17)])
def test_chunks_equal_the_whole(layer, sizes):
    x = torch.randn(3, 20, 12)
    whole, last = layer(x, layer.initial_state(3))
    state, parts = layer.initial_state(3), []
    for chunk in x.split(sizes, 1):
        y, state = layer(chunk, state)
        parts.append(y)
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-6)
    assert torch.allclose(state, last, atol=1e-6)


def test_joined_streams_equal_single_ones(layer):
    x = torch.randn(3, 9, 12)
    together, _ = layer(x, layer.initial_state(3))
    alone = torch.cat([layer(each[None], layer.initial_state(1))[0] for each in x])
    assert torch.allclose(together, alone, atol=1e-6)


def test_what_comes_later_changes_nothing_before(layer):
    x = torch.randn(1, 10, 12)
    y, _ = layer(x, layer.initial_state(1))
    x[:, 6:] += 1
    assert torch.equal(layer(x, layer.initial_state(1))[0][:, :6], y[:, :6])


def swapped(weight):
    update, reset, candidate = weight.chunk(3)
    return torch.cat((reset, update, candidate))


@pytest.mark.parametrize("size", [4, 32, 64])
def test_the_compiled_gru_is_torchs_with_gates_in_another_order(size):
    torch.manual_seed(2)
    ours, theirs = Gru(12, size), torch.nn.GRU(12, size, batch_first=True)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(swapped(ours.input.weight))
        theirs.weight_hh_l0.copy_(swapped(ours.recurrent.weight))
        theirs.bias_ih_l0.copy_(swapped(ours.input.bias))
        theirs.bias_hh_l0.copy_(swapped(ours.recurrent.bias))
    x, weight = torch.randn(3, 30, 12), torch.randn(3, 30, size)
    gradients = []
    for layer, state in ((ours, torch.ones(3, size)), (theirs, torch.ones(1, 3, size))):
        inputs = x.clone().requires_grad_()
        state.requires_grad_()
        y, _ = layer(inputs, state)
        (y * weight).sum().backward()
        gradients.append((y.detach(), inputs.grad, state.grad.reshape(3, size)))
    for mine, other in zip(*gradients, strict=True):
        assert torch.allclose(mine, other, atol=2e-5)
    assert torch.allclose(swapped(ours.recurrent.weight.grad), theirs.weight_hh_l0.grad, atol=1e-4)
    assert torch.allclose(swapped(ours.recurrent.bias.grad), theirs.bias_hh_l0.grad, atol=1e-4)
    assert torch.allclose(swapped(ours.input.weight.grad), theirs.weight_ih_l0.grad, atol=1e-4)


def test_strong_inputs_saturate_and_do_not_overflow():
    gates = torch.full((1, 3, 12), 1e4)
    states = Recurrence.apply(gates, torch.zeros(1, 4), torch.zeros(12, 4), torch.zeros(12))
    assert torch.isfinite(states).all()
    assert states.abs().max() <= 1


def test_a_size_the_loops_cannot_take_is_refused():
    with pytest.raises(ValueError, match="multiple of four"):
        Recurrence.apply(torch.zeros(1, 3, 9), torch.zeros(1, 3), torch.zeros(9, 3), torch.zeros(9))
