import numpy as np
import onnx
import pytest
import torch
from torch import nn

from allears.nn.export import export
from allears.nn.graphfile import wanted
from allears.nn.layers import CausalConv, Glu, Gru
from allears.nn.network import Network
from allears.nn.recurrence import recur


class Plain(nn.Module):
    """What has no weights."""

    scale: torch.Tensor
    many: torch.Tensor
    wide: torch.Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("many", torch.zeros(12), persistent=False)
        self.register_buffer("wide", torch.zeros(12, 4), persistent=False)
        self.register_buffer("scale", torch.tensor([0.5, 1.0, 2.0, 4.0]), persistent=False)


def made(tmp_path, module, call, example, states=(), outputs=("y",)):
    path = tmp_path / "step.onnx"
    export(module, call, {"x": example}, states, list(outputs), path)
    weights = {name: value.detach().numpy() for name, value in module.named_parameters()}
    return Network(path, weights)


CALLS = {
    "sums": lambda _, x: x[:, 0] + 2 * x[:, 1] - x[:, 2] / 3 - (1 - x[:, 0]),
    "a buffer": lambda m, x: x * m.scale,
    "curves": lambda _, x: torch.tanh(x) + torch.sigmoid(x) + torch.exp(x) + torch.sin(x) * x.cos(),
    "roots": lambda _, x: torch.log(torch.sqrt(x * x + 1)) + torch.relu(-x) + torch.reciprocal(2 + x * x),
    "bounds": lambda _, x: x.clamp(-0.5, 0.5) + x.clamp(min=0.1) + torch.floor(3 * x),
    "powers": lambda _, x: 2.0**x + (x * x + 1) ** 0.5 + nn.functional.silu(x),
    "choices": lambda m, x: torch.where(x >= 0, x, -2 * x) + torch.where(x < m.scale, x, 0 * x),
    "extremes": lambda _, x: torch.maximum(x[:, 0], x[:, 1]) - torch.minimum(x[:, 1], x[:, 2]),
    "pieces": lambda _, x: torch.cat([x[:, 1:], x[:, :1]], 1),
    "inner pieces": lambda _, x: torch.cat([x[..., 2:], x[..., :2]], 2),
    "every second": lambda _, x: x[..., ::2],
    "chunks": lambda _, x: x.chunk(2, 2)[1] * x.split((1, 2), 1)[0][:, :, :1],
    "stacked": lambda _, x: torch.stack([x[:, 0], x[:, 2]], 2),
    "unbound": lambda _, x: x.unbind(1)[2][:, :3] - x.unbind(2)[3],
    "repeated": lambda _, x: torch.cat([torch.cat([x[:, 0], x[:, 1]], 1)[:, 2:6], x[:, 2]], 1)[:, 1:],
    "spread": lambda _, x: x * x[:, :1, :1] + x[..., :1] * x[:, :1],
    "rows": lambda m, x: (x.flatten(0, 1) * m.scale).unflatten(0, (-1, 3)),
    "products": lambda m, x: x @ torch.outer(m.scale, m.scale),
    "zeros": lambda _, x: torch.cat([x[:, 0], x.new_zeros(len(x), 2)], 1),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_operators_compute_what_torch_does(tmp_path, name):
    call, module = CALLS[name], Plain()
    network = made(tmp_path, module, lambda m, x: [call(m, x)], torch.zeros(1, 3, 4))
    x = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(1))
    (found,), _ = network([x.flatten(1).numpy()])
    assert np.allclose(found, call(module, x).flatten(1).numpy(), atol=1e-5)


def test_integers_choose_places(tmp_path):
    def call(_, x, k):
        return x.gather(1, (k - 1).clamp(min=0)), torch.where(k >= 2, k - 2, k)

    path = tmp_path / "step.onnx"
    inputs = {"x": torch.zeros(1, 6), "k": torch.zeros(1, 3, dtype=torch.int64)}
    export(Plain(), call, inputs, [], ["y", "places"], path)
    x, k = (
        np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32),
        np.array([[0, 3, 5], [1, 2, 4]]),
    )
    (y, places), _ = Network(path, {})([x, k])
    assert np.array_equal(y, np.take_along_axis(x, np.maximum(k - 1, 0), 1))
    assert places.tolist() == [[0, 1, 3], [1, 0, 2]]


class Small(nn.Module):
    """One of every layer."""

    def __init__(self):
        super().__init__()
        self.conv = CausalConv(4, 8, 3, dilation=2)
        self.gru, self.glu = Gru(8, 8), Glu(8)

    def forward(self, x, conv, gru):
        y, conv = self.conv(x, conv)
        y, gru = self.gru(torch.tanh(y), gru)
        return self.glu(y), conv, gru


def test_step_by_step_is_what_torch_says_of_the_whole(tmp_path):
    torch.manual_seed(0)
    net = Small().eval()
    states = [net.conv.initial_state(1), net.gru.initial_state(1)]
    network = made(
        tmp_path, net, lambda m, x, *s: [part if k else part[:, 0] for k, part in enumerate(m(x[:, None], *s))],
        torch.zeros(1, 4), states,
    )  # fmt: skip
    x = torch.randn(3, 20, 4)
    with torch.no_grad():
        whole, *_ = net(x, net.conv.initial_state(3), net.gru.initial_state(3))
    state, parts = network.initial_state(3), []
    for step in x.unbind(1):
        (y,), state = network([step.numpy()], state)
        parts.append(y)
    assert np.abs(np.stack(parts, 1) - whole.numpy()).max() < 1e-5


def test_many_steps_in_one_graph_are_what_torch_says_of_them(tmp_path):
    torch.manual_seed(0)
    net = Small().eval()
    states = [net.conv.initial_state(1), net.gru.initial_state(1)]
    network = made(tmp_path, net, lambda m, x, *s: m(x, *s), torch.zeros(1, 5, 4), states)
    model = onnx.load(tmp_path / "step.onnx", load_external_data=False)
    assert [node.op_type for node in model.graph.node].count("GRU") == 1
    x = torch.randn(3, 20, 4)
    with torch.no_grad():
        whole, *_ = net(x, net.conv.initial_state(3), net.gru.initial_state(3))
    state, parts = network.initial_state(3), []
    for several in x.split(5, 1):
        (y,), state = network([several.flatten(1).numpy()], state)
        parts.append(y.reshape(3, 5, -1))
    assert np.abs(np.concatenate(parts, 1) - whole.numpy()).max() < 1e-5


def test_a_graph_holds_no_weights_and_nothing_that_is_not_used(tmp_path):
    net = Small()
    states = [net.conv.initial_state(1), net.gru.initial_state(1)]
    made(tmp_path, net, lambda m, x, *s: m(x[:, None], *s), torch.zeros(1, 4), states)
    data = (tmp_path / "step.onnx").read_bytes()
    assert len(data) < 4 * sum(each.numel() for each in net.parameters())
    assert wanted(data) == {name: tuple(each.shape) for name, each in net.named_parameters()}
    model = onnx.load_from_string(data)
    onnx.checker.check_model(_filled(model, net))
    made_of = [name for node in model.graph.node for name in node.output]
    asked = {name for node in model.graph.node for name in node.input}
    assert set(made_of) - asked == {each.name for each in model.graph.output}


def _filled(model, net):
    """With the weights inside, as the checker wants them."""
    values = {name: each.detach().numpy() for name, each in net.named_parameters()}
    for each in model.graph.initializer:
        if each.name in values:
            each.CopyFrom(onnx.numpy_helper.from_array(values[each.name], each.name))
    return model


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda _, x: [x * len(x)], "depends on the size of the batch"),
        (lambda _, x: [torch.erf(x)], "aten.erf.default has no ONNX node yet"),
        (lambda _, x: [torch.add(x, x, alpha=2)], "a scaled Add has no ONNX node yet"),
        (
            lambda m, x: [recur(torch.cat([x, x, x], 2), x[:, 0], m.wide, m.many)[0]],
            "a recurrence over what is no product",
        ),
    ],
)
def test_what_cannot_become_a_graph_is_said(tmp_path, call, says):
    with pytest.raises(ValueError, match=says):
        made(tmp_path, Plain(), call, torch.zeros(1, 3, 4))
    assert not list(tmp_path.iterdir())
