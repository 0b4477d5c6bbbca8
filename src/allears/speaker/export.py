"""From a trained network of voices (torch) to what runs without torch: one graph and its weights.

Batch and time stay open in the graph; states go in as `state.0`, … and come out as `after.0`, …, batch first.
"""

import copy
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from jaxtyping import Float32
from onnx import TensorProto, numpy_helper
from torch import Tensor, nn

from allears.nn.states import filled, tensors
from allears.speaker.bundle import About, Bundle
from allears.speaker.ecapa import Ecapa
from allears.speaker.refusal import SpeakerError
from allears.speaker.session import Step

_OPSET = 17
_TOLERANCE = 1e-3
"""Of what is of the order of one: far above rounding, far below another graph."""


def bundle(
    model: Ecapa,
    *,
    cohort: Float32[np.ndarray, "voices size"] | None = None,
    text: str = "",
) -> Bundle:
    """Graph, weights and cohort (none by default), not calibrated; `model` stays where and as it is.

    Raises SpeakerError where the graph would not equal the model.
    """
    model = copy.deepcopy(model).float().cpu().eval()
    config = model.config
    graph, weights = _parted(_traced(model))
    _compare(Step(graph, weights, 1), model)
    voices = np.zeros((0, config.size), np.float32) if cohort is None else cohort
    about = About(config.bands, config.stack, config.size, text=text)
    return Bundle(about, graph, weights, voices)


class _Flat(nn.Module):
    """A chunk, with states as a graph has them."""

    def __init__(self, model: Ecapa) -> None:
        super().__init__()
        self.model, self.like = model, model.initial_state(1)

    def forward(self, mels: Tensor, weights: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        embedding, after = self.model(mels, filled(self.like, iter(state)), weights)
        return (embedding, *tensors(after))


def _traced(model: Ecapa) -> onnx.ModelProto:
    config, batch = model.config, 2
    frames = 5 * config.stack
    states = list(tensors(model.initial_state(batch)))
    given = (torch.zeros(batch, frames, config.bands), torch.ones(batch, frames), *states)
    before = ["mels", "weights", *(f"state.{index}" for index in range(len(states)))]
    after = ["embedding", *(f"after.{index}" for index in range(len(states)))]
    axes = {name: {0: "batch"} for name in (*before, *after)}
    axes |= {name: {0: "batch", 1: "time"} for name in before[:2]}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        path = Path(folder) / "step.onnx"
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Flat(model).eval(), given, path, dynamo=False, opset_version=_OPSET,
            input_names=before, output_names=after, dynamic_axes=axes,
        )  # fmt: skip
        return onnx.load_model(path)


def _compare(step: Step, model: Ecapa) -> None:
    """Chunks of several sizes through both, in batches of several. Raises SpeakerError where they part."""
    random = np.random.default_rng(0)
    for batch, chunks in ((1, (1, 12)), (3, (12, 3, 1))):
        state, expected = step.initial_state(batch), model.initial_state(batch)
        for size in chunks:
            frames = size * model.config.stack
            shape = batch, frames, model.config.bands
            mels = random.normal(size=shape).astype(np.float32)
            weights = random.random((batch, frames)).astype(np.float32)
            found, state = step((mels, weights), state)
            with torch.no_grad():
                theirs, expected = model(
                    torch.from_numpy(mels), expected, torch.from_numpy(weights)
                )
            apart = np.abs(found - theirs.numpy()).max()
            if not apart < _TOLERANCE * max(1.0, float(theirs.abs().max())):
                raise SpeakerError(
                    f"the exported graph is {apart:.2g} off the model; it cannot be exported"
                )


def _parted(model: onnx.ModelProto) -> tuple[bytes, Mapping[str, np.ndarray]]:
    """The graph without its weights, and these by name; both depend on the model alone."""
    graph = model.graph
    _name(graph)
    weights = {}
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            weights[tensor.name] = numpy_helper.to_array(tensor)
            elsewhere = TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)
            elsewhere.data_location = TensorProto.EXTERNAL
            elsewhere.external_data.add(key="location", value="weights")
            tensor.CopyFrom(elsewhere)
    del graph.value_info[:], model.metadata_props[:]
    graph.name, model.producer_name, model.producer_version = "step", "", ""
    return model.SerializeToString(deterministic=True), weights


def _name(graph: onnx.GraphProto) -> None:
    """What the exporter made of weights is named after the node that takes it."""
    made = {each.name for each in graph.initializer if each.name.startswith("onnx::")}
    names: dict[str, str] = {}
    for node in graph.node:
        place = node.name.strip("/").replace("/", ".")
        for index, name in enumerate(node.input):
            if name in made:
                node.input[index] = names.setdefault(name, f"{place}.{index}")
    for tensor in graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)
