"""The graphs that ship do what the networks in torch do, whatever the weights and the batch."""

import json

import numpy as np
import pytest
import torch
from graphs.shapes import all_shapes
from graphs.steps import all_steps

from allears.nn.network import Network
from allears.weights.store import SHAPES, graph

STEPS = all_steps()
SIZE = 3


def drawn(like):
    """Something of the same kind for `SIZE` streams; integers are periods."""
    shape = (SIZE, *like.shape[1:])
    if like.dtype == torch.int64:
        return torch.randint(32, 256, shape)
    return torch.randn(shape) / 4


@pytest.mark.parametrize("name", STEPS)
def test_graphs_compute_what_the_networks_do(name):
    torch.manual_seed(0)
    step = STEPS[name]
    with torch.no_grad():
        for parameter in step.module.parameters():
            parameter += torch.randn_like(parameter) / 50
    weights = {key: value.numpy() for key, value in step.module.state_dict().items()}
    network = Network(graph(name), weights)
    inputs, states = (
        [drawn(each) for each in some] for some in (step.inputs.values(), step.states)
    )
    given = [each.flatten(1).numpy() for each in inputs]
    outputs, after = network(given, tuple(each.flatten(1).numpy() for each in states))
    with torch.no_grad():
        wanted = step.call(step.module.eval(), *inputs, *states)
    assert len(outputs) == len(step.outputs) and len(outputs) + len(after) == len(wanted)
    for found, true in zip((*outputs, *after), wanted, strict=True):
        assert np.abs(found - true.flatten(1).numpy()).max() < 1e-4


def test_every_graph_that_ships_is_made_here():
    assert {path.stem for path in SHAPES.parent.glob("*.onnx")} == set(STEPS)


def test_the_shapes_that_ship_are_those_of_the_networks():
    assert json.loads(SHAPES.read_text()) == all_shapes()
