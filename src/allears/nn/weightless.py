"""ONNX models and their weights, taken apart and put together again (needs `onnx`)."""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

_WEIGHTS = {TensorProto.FLOAT, TensorProto.UINT8, TensorProto.INT8}


def parted(model: onnx.ModelProto) -> tuple[bytes, dict[str, np.ndarray]]:
    """The graph without its weights, and these by name; both depend on the model alone.

    Whole numbers of 64 bits, which are shapes and places, stay in the graph.
    """
    graph = model.graph
    _name(graph)
    weights = {}
    for tensor in graph.initializer:
        if tensor.data_type in _WEIGHTS:
            weights[tensor.name] = numpy_helper.to_array(tensor)
            tensor.CopyFrom(_elsewhere(tensor))
    del graph.value_info[:], model.metadata_props[:]
    graph.name, model.producer_name, model.producer_version = "step", "", ""
    return model.SerializeToString(deterministic=True), weights


def whole(model: bytes, weights: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """Graph and weights in one model again."""
    found = onnx.load_model_from_string(model)
    for tensor in found.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            tensor.CopyFrom(numpy_helper.from_array(weights[tensor.name], tensor.name))
    return found


def _elsewhere(tensor: TensorProto) -> TensorProto:
    found = TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)
    found.data_location = TensorProto.EXTERNAL
    found.external_data.add(key="location", value="weights")
    return found


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
