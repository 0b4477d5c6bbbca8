"""Graphs under construction: ONNX nodes over tensors of two dimensions, rows by everything else flattened.

Rows are the batch, or a multiple of it. So what only renames dimensions costs nothing, and concatenations
and slices are plain.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from onnx import NodeProto, TensorProto, helper, numpy_helper


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of the graph, with the shape that torch sees; `parts` are what it is concatenated of."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    parts: tuple["Value", ...] = ()

    @property
    def width(self) -> int:
        """Elements in a row."""
        return math.prod(self.shape[1:])


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter of the module, by name; `turned` where its transpose is meant."""

    name: str
    turned: bool = False


class Builder:
    """Nodes and constants so far; `first` is the input that tells how large a batch is."""

    def __init__(self, first: str) -> None:
        self.first = first
        self.constants: list[TensorProto] = []
        self.products: dict[str, tuple[Value, str, str]] = {}
        """What the results of products come from: rows, the weight (outputs by inputs) and the bias."""
        self._nodes: list[NodeProto] = []
        self._known: dict[tuple[str, bytes, tuple[int, ...]], str] = {}

    def add(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        """A node; the names of its outputs."""
        names = [f"{kind.lower()}.{len(self._nodes)}.{index}" for index in range(outputs)]
        self._nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names

    def source(self, name: str) -> str:
        """The tensor that this one is, but for its shape."""
        for node in self._nodes:
            if name in node.output and node.op_type == "Reshape":
                return self.source(node.input[0])
        return name

    def constant(self, value: Any) -> str:
        """A constant's name."""
        array = np.ascontiguousarray(value)
        key = (array.dtype.str, array.tobytes(), np.shape(value))
        if key not in self._known:
            self._known[key] = f"constant.{len(self.constants)}"
            self.constants.append(
                numpy_helper.from_array(array.reshape(np.shape(value)), self._known[key])
            )
        return self._known[key]

    def shaped(self, value: Value) -> str:
        """The value with all its dimensions."""
        if len(value.shape) == 2:
            return value.name
        return self.add("Reshape", value.name, self.constant([-1, *value.shape[1:]]))[0]

    def flat(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Value:
        """What has all its dimensions, flattened."""
        if len(shape) != 2:
            name = self.add("Reshape", name, self.constant([-1, math.prod(shape[1:])]))[0]
        return Value(name, shape, dtype)

    def finish(self, outputs: Mapping[str, Value]) -> list[NodeProto]:
        """The nodes that the outputs need, under the outputs' names."""
        for name, value in outputs.items():
            self._nodes.append(helper.make_node("Identity", [value.name], [name]))
        wanted, kept = set(outputs), []
        for node in reversed(self._nodes):
            if wanted & set(node.output):
                wanted |= set(node.input)
                kept.append(node)
        return kept[::-1]
