"""From a torch module to a small graph without weights, which `Network` runs.

One step of the module is traced into torch's elementary operators, and each of them becomes an ONNX node
by `operators`. Shapes are known while tracing, so that nothing of their arithmetic is left in the graph.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from allears.nn.builder import Builder, Value
from allears.nn.operators import convert
from allears.outputs import write_whole

_OPSET, _IR = 17, 8
_BATCHES = 5, 7
"""Traced twice: a graph that serves any batch does not depend on which."""


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
    inputs: Mapping[str, Tensor],
    states: Sequence[Tensor],
    outputs: Sequence[str],
    path: Path,
) -> None:
    """Write the graph of `call(module, *inputs, *states) -> (*outputs, *states)` to `path`.

    The first dimension of all is the batch, of any size in the examples given; the others are flattened
    to one. Weights keep the names they have in `module`; what is a buffer there is a constant here.
    Raises ValueError where the step does something else with a batch of another size.
    """
    graphs = [_graph(module, call, inputs, states, outputs, batch) for batch in _BATCHES]
    one, other = (graph.SerializeToString(deterministic=True) for graph in graphs)
    if one != other:
        raise ValueError(f"{path.name}: the step depends on the size of the batch")
    write_whole(path, one)


def _graph(
    module: nn.Module,
    call: Callable[..., Sequence[Tensor]],
    inputs: Mapping[str, Tensor],
    states: Sequence[Tensor],
    outputs: Sequence[str],
    batch: int,
) -> onnx.ModelProto:
    flat = _Flat(module.eval(), call)
    weights = {name: value.detach() for name, value in flat.named_parameters()}
    examples = [_of(example, batch) for example in (*inputs.values(), *states)]

    def step(given: list[Tensor], *tensors: Tensor) -> Any:
        named = dict(zip(weights, given, strict=True))
        return torch.func.functional_call(flat, named, tensors)

    with torch.no_grad():
        traced = make_fx(step)(list(weights.values()), *examples)
    builder = Builder(next(iter(inputs)))
    names = [name.removeprefix("module.") for name in weights]
    before = [*inputs, *(f"state.{index}" for index in range(len(states)))]
    given = [Value(name, tuple(x.shape), x.dtype) for name, x in zip(before, examples, strict=True)]
    results = convert(builder, traced, names, given)
    after = [*outputs, *(f"after.{index}" for index in range(len(results) - len(outputs)))]
    nodes = builder.finish(dict(zip(after, results, strict=True)))
    shapes = {name: tuple(value.shape) for name, value in zip(names, weights.values(), strict=True)}
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "step",
        [_about(name, value) for name, value in zip(before, given, strict=True)],
        [_about(name, value) for name, value in zip(after, results, strict=True)],
        [each for each in builder.constants if each.name in used]
        + [_elsewhere(name, shape) for name, shape in shapes.items() if name in used],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)


def _of(example: Tensor, batch: int) -> Tensor:
    """The example with another batch."""
    return example[:1].expand(batch, *example.shape[1:]).clone()


def _about(name: str, value: Value) -> onnx.ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(torch.empty(0, dtype=value.dtype).numpy().dtype)
    return helper.make_tensor_value_info(name, kind, ["batch", value.width])


def _elsewhere(name: str, shape: tuple[int, ...]) -> TensorProto:
    """A weight whose values are not in the file."""
    weight = TensorProto(name=name, dims=shape, data_type=TensorProto.FLOAT)
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="weights")
    return weight
