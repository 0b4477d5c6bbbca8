import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.nn.graphfile import wanted
from allears.nn.network import Network, NetworkError
from allears.weights import store

GRAPH = store.graph("predictor")
RANDOM = np.random.default_rng(0)
WEIGHTS = {
    name: (RANDOM.normal(size=shape) / 10).astype(np.float32)
    for name, shape in store.shapes_of("concealment").items()
}


@pytest.fixture(scope="module")
def network():
    return Network(GRAPH, WEIGHTS)


def test_the_state_before_anything_is_zeros(network):
    state = network.initial_state(3)
    assert [each.shape for each in state] == [(3, 192), (3, 192)]
    assert not any(each.any() for each in state)


def test_streams_of_a_batch_do_not_hear_each_other(network):
    given = RANDOM.normal(size=(4, 57)).astype(np.float32)
    state = network.initial_state(1)
    for frame in given[:2]:
        _, state = network([frame[None]], state)
    (alone,), after = network([given[2:3]], state)
    silent = network.initial_state(1)
    both = tuple(np.concatenate(parts) for parts in zip(silent, state, silent, strict=True))
    (together,), states = network([given[[3, 2, 1]]], both)
    assert np.allclose(together[1], alone[0], atol=1e-6)
    for one, other in zip(states, after, strict=True):
        assert np.allclose(one[1], other[0], atol=1e-6)


def test_weights_that_are_not_asked_for_do_no_harm(network):
    other = Network(GRAPH, WEIGHTS | {"table.r": np.zeros(3, np.uint8)})
    x = RANDOM.normal(size=(1, 57)).astype(np.float32)
    for one, two in zip(
        network([x], network.initial_state(1))[0],
        other([x], other.initial_state(1))[0],
        strict=True,
    ):
        assert np.array_equal(one, two)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ({}, "the weights have no dense.weight"),
        (WEIGHTS | {"dense.bias": np.zeros(127, np.float32)}, r"dense.bias .* than \(128,\)"),
    ],
)
def test_weights_that_do_not_fit_are_named(weights, says):
    with pytest.raises(NetworkError, match=rf"predictor\.onnx: .*{says}"):
        Network(GRAPH, weights)


def test_a_graph_that_is_missing_or_none_is_named(tmp_path):
    with pytest.raises(NetworkError, match=r"none\.onnx: .*install again"):
        Network(tmp_path / "none.onnx", WEIGHTS)
    (tmp_path / "text.onnx").write_text("graph?")
    with pytest.raises(NetworkError, match=r"text\.onnx: no ONNX graph"):
        Network(tmp_path / "text.onnx", WEIGHTS)


def test_what_a_graph_wants_is_read_without_its_package():
    assert wanted(GRAPH.read_bytes()) == store.shapes_of("concealment")


@given(st.binary(max_size=200), st.integers(0, 2000))
def test_any_bytes_are_read_or_refused(noise, at):
    data = GRAPH.read_bytes()
    try:
        wanted(data[:at] + noise + data[at + len(noise) :])
    except ValueError as error:
        assert "ONNX" in str(error) or isinstance(error, UnicodeDecodeError)
