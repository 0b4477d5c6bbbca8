"""From a torch module to a graph without weights, which `Network` runs."""

import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import onnx
import torch
from onnx import TensorProto
from torch import Tensor, nn

from allears.outputs import write_whole

_OPSET = 17


class _Flat(nn.Module):
    """`call` of a module with its states as a flat list of tensors, as a graph has them."""

    def __init__(self, module: nn.Module, call: Callable[..., Sequence[Tensor]]) -> None:
        super().__init__()
        self.module, self.call = module, call

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.call(self.module, *tensors))


def export(
    module: nn.Module,
    call: Callable[..., Sequence[Tensor]],
    inputs: dict[str, Tensor],
    states: Sequence[Tensor],
    outputs: Sequence[str],
    path: Path,
) -> None:
    """Write the graph of `call(module, *inputs, *states) -> (*outputs, *states)` to `path`.

    The first dimension of all is the batch. Weights keep the names they have in `module`.
    """
    before = [f"state.{index}" for index in range(len(states))]
    after = [f"after.{index}" for index in range(len(states))]
    names = [*inputs, *before, *outputs, *after]
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own successor
        torch.onnx.export(
            _Flat(module.eval(), call), (*inputs.values(), *states), buffer, dynamo=False,
            input_names=[*inputs, *before], output_names=[*outputs, *after],
            dynamic_axes={name: {0: "batch"} for name in names},
            opset_version=_OPSET, do_constant_folding=False, keep_initializers_as_inputs=False,
        )  # fmt: skip
    model = onnx.load_from_string(buffer.getvalue())
    weights = {f"module.{name}" for name, _ in module.named_parameters()}
    for initializer in model.graph.initializer:
        if initializer.name in weights:
            _empty(initializer)
    _rename(model.graph, weights)
    model.producer_version = ""
    write_whole(path, model.SerializeToString(deterministic=True))


def _empty(weight: TensorProto) -> None:
    """Say that the weight's values are elsewhere."""
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="weights")


def _rename(graph: onnx.GraphProto, weights: set[str]) -> None:
    """Give weights the names they have in the module."""
    for initializer in graph.initializer:
        if initializer.name in weights:
            initializer.name = initializer.name.removeprefix("module.")
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name in weights:
                node.input[index] = name.removeprefix("module.")
