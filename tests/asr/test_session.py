"""What networks out of a file refuse: calls that do not fit, and files that are damaged or foreign."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from safetensors.numpy import save

from allears.asr.bundle import GRAPHS, read, serialise
from allears.asr.recogniser import RecogniserError
from allears.asr.session import OnnxNetworks
from allears.asr.tokens import Characters
from allears.nn.weightless import parted, whole
from tests.asr.small import BANDS, JOINT, STACK, exported

FILE = cache(lambda: serialise(exported()))
MELS = np.zeros((2, 2 * STACK, BANDS), np.float32)


@pytest.fixture(scope="module")
def networks():
    return OnnxNetworks.of(exported())


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("files") / "recogniser"


@pytest.mark.parametrize(
    ("mels", "says"),
    [
        (MELS[:, :6], "6 frames of 10 ms; the encoder takes multiples of 4"),
        (MELS[:, :0], "0 frames"),
        (MELS[..., :7], "there are 8 bands"),
        (MELS[0], "there are 8 bands"),
        (MELS + np.float32(np.nan), "not finite"),
        (MELS - np.float32(np.inf), "not finite"),
        (MELS.astype(np.float64), "cannot take this"),
        (MELS[:1], "cannot take this"),
    ],
)
def test_frames_that_do_not_fit_are_refused(networks, mels, says):
    with pytest.raises(RecogniserError, match=says):
        networks.encode(mels, networks.encoder_state(2))


def test_states_and_symbols_that_do_not_fit_are_refused(networks):
    with pytest.raises(RecogniserError):
        networks.encode(MELS, networks.encoder_state(2)[:1])
    with pytest.raises(RecogniserError):
        networks.predict(np.array([10_000]), networks.predictor_state(1))
    with pytest.raises(RecogniserError):
        networks.predict(np.array([1, 1, 1]), networks.predictor_state(2))
    with pytest.raises(RecogniserError):
        networks.join(np.zeros((1, JOINT + 1), np.float32), np.zeros((1, JOINT), np.float32))


def refused(path, data, says=None):
    """It is, by the error that names the file and the remedy."""
    path.write_bytes(data)
    with pytest.raises(RecogniserError, match=says) as caught:
        OnnxNetworks(path)
    assert str(caught.value).startswith(str(path))
    assert "make one with allears export" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    for each in (tmp_path / "none", tmp_path):
        with pytest.raises(RecogniserError, match=str(each)):
            OnnxNetworks(each)


@settings(max_examples=60, deadline=None)
@given(size=st.integers(0, 1 << 30))
def test_what_is_cut_off_is_refused(path, size):
    refused(path, FILE()[: size % len(FILE())])


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 1 << 30), bit=st.integers(0, 7), header=st.booleans())
def test_what_was_changed_is_refused_or_the_same(path, place, bit, header):
    data = bytearray(FILE())
    size = 8 + int.from_bytes(data[:8], "little") if header else len(data)
    data[place % size] ^= 1 << bit
    path.write_bytes(data)
    try:
        found = read(path)
    except RecogniserError as error:
        assert str(path) in str(error)
    else:
        assert serialise(found) == FILE()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.binary(max_size=200))
def test_any_bytes_are_refused(path, data):
    refused(path, data)
    refused(path, len(data).to_bytes(8, "little") + data)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_graphs_are_refused_or_run(seed):
    """As who writes a file of damaged graphs anew might, digest and all."""
    random = np.random.default_rng(seed)
    name = GRAPHS[seed % 3]
    graph = bytearray(exported().graphs[name])
    for place in random.integers(0, len(graph), 2):
        graph[place] = random.integers(256)
    changed = replace(exported(), graphs={**exported().graphs, name: bytes(graph)})
    try:
        networks = OnnxNetworks.of(changed)
    except RecogniserError as error:
        assert "small" in str(error)
    else:
        assert networks.encode(MELS, networks.encoder_state(2))[0].shape == (2, 2, JOINT)


def test_other_files_are_refused(path):
    other = {"a": np.zeros(3, np.float32)}
    refused(path, save(other, {"kind": "transducer", "format": "1"}), "holds transducer")
    refused(path, save(other, {"kind": "recogniser", "format": "2"}), "not format 1")
    refused(path, save(other), "something else")


@pytest.mark.parametrize("kind", ["BF16", "F8_E4M3", "F8_E8M0", "F4", "C64"])
def test_types_that_are_not_ours_are_refused(path, kind):
    tensor = {"dtype": kind, "shape": [2, 8], "data_offsets": [0, 16]}
    header = json.dumps({"__metadata__": {"kind": "recogniser", "format": "1"}, "a": tensor})
    refused(path, len(header).to_bytes(8, "little") + header.encode() + bytes(16))


@pytest.mark.parametrize("config", ["", "[]", "7", "{}", 100_000 * "[", '{"a": 1}'])
def test_descriptions_that_are_none_are_refused(path, config, monkeypatch):
    monkeypatch.setattr("allears.asr.bundle.json.dumps", lambda *_, **__: config)
    monkeypatch.setattr("allears.weights.sealed._ordered", lambda data: data)
    data = serialise(exported())
    monkeypatch.undo()
    refused(path, data)


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_graph_that_is_missing_is_named(path, graph):
    graphs = {name: each for name, each in exported().graphs.items() if name != graph}
    refused(path, serialise(replace(exported(), graphs=graphs)), f"graph.{graph} is missing")


def test_weights_that_are_missing_or_other_are_named(path):
    weights = exported().weights
    name = next(iter(weights["joiner"]))
    value = weights["joiner"][name]
    for joiner, says in (
        ({}, f"{name} is missing"),
        ({name: value.astype(np.float64)}, "shape or type"),
        ({name: value[:1]}, "shape or type"),
    ):
        changed = {**weights, "joiner": {**weights["joiner"], **joiner} if joiner else joiner}
        refused(path, serialise(replace(exported(), weights=changed)), says)


def test_a_description_or_symbols_that_do_not_fit_are_refused(path):
    about = exported().about
    for changed in (
        replace(exported(), about=replace(about, bands=BANDS + 1)),
        replace(exported(), about=replace(about, stack=STACK - 1)),
        replace(exported(), about=replace(about, joint=JOINT + 1)),
        replace(exported(), tokens=Characters("ab")),
    ):
        refused(path, serialise(changed))


@pytest.mark.parametrize("field", ["bands", "stack", "joint", "branches"])
@pytest.mark.parametrize("value", [0, -1, 1 << 40, 2.0, True, "4"])
def test_absurd_sizes_are_refused(field, value):
    with pytest.raises(ValueError, match="bands, stack, joint and branches"):
        replace(exported().about, **{field: value})


def foreign(change):
    """The recogniser with a predictor whose graph was changed."""
    model = whole(exported().graphs["predictor"], exported().weights["predictor"])
    change(model)
    graph, weights = parted(model)
    return replace(
        exported(),
        graphs={**exported().graphs, "predictor": graph},
        weights={**exported().weights, "predictor": weights},
    )


def elsewhere():
    value = TensorProto(name="value", dims=[1], data_type=TensorProto.FLOAT)
    value.data_location = TensorProto.EXTERNAL
    value.external_data.add(key="location", value="/etc/hostname")
    return value


def further(model):
    inner = helper.make_graph([], "inner", [], [])
    model.graph.node.append(
        helper.make_node("If", ["symbols"], ["x"], then_branch=inner, else_branch=inner)
    )


def custom(model):
    model.opset_import.append(helper.make_opsetid("elsewhere", 1))
    model.graph.node.append(helper.make_node("Run", ["symbols"], ["x"], domain="elsewhere"))


def constant(model):
    model.graph.node.append(helper.make_node("Constant", [], ["x"], value=elsewhere()))


def initialiser(model):
    strange = TensorProto(name="value", dims=[1], data_type=TensorProto.INT64)
    strange.data_location = TensorProto.EXTERNAL
    strange.external_data.add(key="location", value="/etc/hostname")
    model.graph.initializer.append(strange)


def function(model):
    model.functions.append(onnx.FunctionProto(name="f", domain="elsewhere"))


def sparse(model):
    model.graph.sparse_initializer.append(onnx.SparseTensorProto(dims=[1]))


def state(model):
    model.graph.input[1].type.tensor_type.shape.dim[1].dim_value = 1 << 40


def open_state(model):
    model.graph.input[1].type.tensor_type.shape.dim[1].dim_param = "any"


def text(model):
    model.graph.input[1].type.tensor_type.elem_type = TensorProto.STRING


def outputs(model):
    del model.graph.output[1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (further, "If of the graph holds a graph"),
        (custom, r"operators .* elsewhere\.Run"),
        (constant, "Constant of the graph has values in another file"),
        (initialiser, "value is missing"),
        (function, "functions of its own"),
        (sparse, "sparse values"),
        (state, "a state of"),
        (open_state, "a state of"),
        (text, "graph.predictor cannot be run"),
        (outputs, "takes symbols, state.0 and gives expected"),
    ],
)
def test_more_than_a_plain_graph_is_refused(path, change, says):
    refused(path, serialise(foreign(change)), says)
