"""Torch's elementary operators as ONNX nodes, for graphs of one step of a streaming network."""

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule, Node

from allears.nn import dimensions, recurrence
from allears.nn.builder import Builder, Value, Weight

aten = torch.ops.aten


def convert(
    builder: Builder, traced: GraphModule, weights: Sequence[str], inputs: Sequence[Value]
) -> list[Value]:
    """Add all of a traced step; its placeholders are `weights`, then `inputs`."""
    given: list[Any] = [*map(Weight, weights), *inputs]
    found: dict[Node, Any] = {}
    for node in traced.graph.nodes:
        if node.op == "placeholder":
            found[node] = given.pop(0)
        elif node.op == "get_attr":
            found[node] = getattr(traced, node.target)
        else:
            arguments, options = torch.fx.map_arg((node.args, node.kwargs), found.__getitem__)
            if node.op == "output":
                return list(arguments[0])
            found[node] = _converted(builder, node, arguments, options)
    raise ValueError("a traced step without an end")


def _converted(builder: Builder, node: Node, arguments: Any, options: Any) -> Any:
    known = node.target in _OPERATORS
    if node.target in _ALWAYS or any(
        isinstance(each, Value | Weight) for each in _leaves(arguments)
    ):
        if not known:
            raise ValueError(f"the operator {node.target} has no ONNX node yet: add it")
        return _OPERATORS[node.target](builder, node.meta["val"], *arguments, **options)
    return node.target(*arguments, **options)  # type: ignore[operator]


def _leaves(arguments: Any) -> list[Any]:
    if isinstance(arguments, list | tuple):
        return [leaf for each in arguments for leaf in _leaves(each)]
    return [arguments]


def _elementwise(kind: str) -> Callable[..., Value]:
    def convert_one(builder: Builder, result: Tensor, *operands: Any, alpha: float = 1) -> Value:
        if alpha != 1:
            raise ValueError(f"a scaled {kind} has no ONNX node yet: add it")
        shape = tuple(result.shape)
        dtype = next(each.dtype for each in operands if isinstance(each, Value))
        plain = all(_is_plain(each, shape) for each in operands)
        names = [_operand(builder, each, dtype, plain) for each in operands]
        (name,) = builder.add(kind, *names)
        if plain:
            return Value(name, shape, result.dtype)
        return builder.flat(name, shape, result.dtype)

    return convert_one


def _is_plain(operand: Any, shape: tuple[int, ...]) -> bool:
    """Whether the flattened operand broadcasts as the operand does."""
    if isinstance(operand, Value):
        return operand.shape == shape or (operand.shape[0] == shape[0] and operand.width == 1)
    if isinstance(operand, Tensor):
        return operand.numel() in (1, math.prod(shape[1:])) or operand.dim() < 2 == len(shape)
    return not isinstance(operand, Weight) or len(shape) == 2


def _operand(builder: Builder, operand: Any, dtype: torch.dtype, plain: bool) -> str:
    if isinstance(operand, Value):
        return operand.name if plain else builder.shaped(operand)
    if isinstance(operand, Weight):
        return operand.name
    tensor = torch.as_tensor(operand)
    if tensor.dtype != torch.bool:
        tensor = tensor.to(dtype)
    return builder.constant((tensor.reshape(-1) if plain and tensor.dim() else tensor).numpy())


def _product(builder: Builder, result: Tensor, bias: Any, x: Value, weight: Any) -> Value:
    turned = isinstance(weight, Weight) and weight.turned
    names = [_operand(builder, each, x.dtype, False) for each in (weight, bias) if each is not None]
    (name,) = builder.add("Gemm", x.name, *names, transB=int(turned))
    if turned and bias is not None:
        builder.products[name] = x, names[0], names[1]
    return Value(name, tuple(result.shape), x.dtype)


def _bare_product(builder: Builder, result: Tensor, x: Value, weight: Any) -> Value:
    return _product(builder, result, None, x, weight)


def _convolved(
    builder: Builder,
    result: Tensor,
    x: Value,
    weight: Weight,
    bias: Weight,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    *_: Any,
) -> Value:
    (name,) = builder.add(
        "Conv", builder.shaped(x), weight.name, bias.name,
        strides=stride, pads=padding * 2, dilations=dilation,
    )  # fmt: skip
    return builder.flat(name, tuple(result.shape), x.dtype)


def _zeros(builder: Builder, result: Tensor, *_: Any, **__: Any) -> Value:
    """Zeros in rows of the batch; how many rows, the first input says."""
    rows = builder.add("Shape", builder.first, start=0, end=1)
    shape = builder.add("Concat", *rows, builder.constant([result[0].numel()]), axis=0)
    (name,) = builder.add("ConstantOfShape", *shape)
    return Value(name, tuple(result.shape), result.dtype)


def _looked_up(builder: Builder, result: Tensor, table: Weight, places: Value, *_: Any) -> Value:
    (name,) = builder.add("Gather", table.name, builder.shaped(places), axis=0)
    (name,) = builder.add("Reshape", name, builder.constant([-1, math.prod(result.shape[1:])]))
    return Value(name, tuple(result.shape), result.dtype)


def _gathered(
    builder: Builder, result: Tensor, x: Value, dim: int, places: Value, **_: Any
) -> Value:
    (name,) = builder.add("GatherElements", builder.shaped(x), builder.shaped(places), axis=dim)
    return builder.flat(name, tuple(result.shape), result.dtype)


def _clamped(
    builder: Builder, result: Tensor, x: Value, low: float | None = None, high: float | None = None
) -> Value:
    limits = [
        "" if each is None else builder.constant(torch.tensor(each, dtype=x.dtype).numpy())
        for each in (low, high)
    ]
    return Value(builder.add("Clip", x.name, *limits)[0], tuple(result.shape), x.dtype)


def _recurred(
    builder: Builder,
    result: tuple[Tensor, Tensor],
    gates: Value,
    state: Value,
    weight: Weight,
    bias: Weight,
) -> tuple[Value, None]:
    """The states before and after all steps of a GRU, as one node that takes its input's product too."""
    product = builder.products.get(builder.source(gates.name))
    if product is None:
        raise ValueError("a recurrence over what is no product has no ONNX node yet: add it")
    x, *names = product
    _, longer, size = result[0].shape
    axis, steps = builder.constant([0]), builder.constant([-1, longer - 1, x.width])
    (given,) = builder.add("Reshape", x.name, steps)
    (given,) = builder.add("Transpose", given, perm=[1, 0, 2])
    weights = [builder.add("Unsqueeze", each, axis)[0] for each in (names[0], weight.name)]
    (both,) = builder.add("Concat", names[1], bias.name, axis=0)
    (both,) = builder.add("Unsqueeze", both, axis)
    (before,) = builder.add("Unsqueeze", state.name, axis)
    (found,) = builder.add(
        "GRU", given, *weights, both, "", before, hidden_size=size, linear_before_reset=1
    )
    (found,) = builder.add("Transpose", found, perm=[2, 0, 1, 3])
    batch, dtype = state.shape[0], state.dtype
    after = builder.flat(found, (batch, longer - 1, size), dtype)
    first = Value(state.name, (batch, 1, size), dtype)
    return dimensions.concatenated(builder, result[0], [first, after], 1), None


def _silu(builder: Builder, result: Tensor, x: Value) -> Value:
    (gate,) = builder.add("Sigmoid", x.name)
    return Value(builder.add("Mul", x.name, gate)[0], tuple(result.shape), x.dtype)


def _turned(_: Builder, __: Tensor, x: Any, *___: Any) -> Any:
    if isinstance(x, Weight):
        return Weight(x.name, not x.turned)
    raise ValueError("only weights are transposed")


def _reversed_subtraction(builder: Builder, result: Tensor, x: Value, y: Any) -> Value:
    return _elementwise("Sub")(builder, result, y, x)


def _chosen(_: Builder, __: Any, values: Sequence[Value], index: int) -> Value:
    return values[index]


_ALWAYS = {aten.new_zeros.default, aten.zeros.default}
"""Operators without a tensor to work on whose result is nevertheless as large as the batch."""

_ONE_TO_ONE = {
    "Add": (aten.add.Tensor, aten.add.Scalar),
    "Sub": (aten.sub.Tensor, aten.sub.Scalar),
    "Mul": (aten.mul.Tensor, aten.mul.Scalar),
    "Div": (aten.div.Tensor, aten.div.Scalar),
    "Pow": (aten.pow.Tensor_Tensor, aten.pow.Tensor_Scalar, aten.pow.Scalar),
    "Max": (aten.maximum.default,),
    "Min": (aten.minimum.default,),
    "Where": (aten.where.self,),
    "GreaterOrEqual": (aten.ge.Scalar, aten.ge.Tensor),
    "Less": (aten.lt.Scalar, aten.lt.Tensor),
    "Tanh": (aten.tanh.default,),
    "Sigmoid": (aten.sigmoid.default,),
    "Relu": (aten.relu.default,),
    "Exp": (aten.exp.default,),
    "Log": (aten.log.default,),
    "Sqrt": (aten.sqrt.default,),
    "Sin": (aten.sin.default,),
    "Cos": (aten.cos.default,),
    "Neg": (aten.neg.default,),
    "Floor": (aten.floor.default,),
    "Reciprocal": (aten.reciprocal.default,),
}

_OPERATORS: dict[Any, Callable[..., Any]] = {
    **{each: _elementwise(kind) for kind, several in _ONE_TO_ONE.items() for each in several},
    aten.rsub.Scalar: _reversed_subtraction,
    aten.silu.default: _silu,
    aten.clamp.default: _clamped,
    aten.addmm.default: _product,
    aten.mm.default: _bare_product,
    aten.convolution.default: _convolved,
    aten.embedding.default: _looked_up,
    aten.gather.default: _gathered,
    aten.t.default: _turned,
    recurrence.recur._opoverload: _recurred,
    aten.cat.default: dimensions.concatenated,
    aten.stack.default: dimensions.stacked,
    aten.slice.Tensor: dimensions.sliced,
    aten.select.int: dimensions.selected,
    aten.unbind.int: dimensions.unbound,
    aten.split.Tensor: dimensions.split,
    aten.split_with_sizes.default: dimensions.split,
    aten.new_zeros.default: _zeros,
    aten.zeros.default: _zeros,
    operator.getitem: _chosen,
    **dict.fromkeys(
        (aten.view.default, aten._unsafe_view.default, aten.reshape.default), dimensions.reshaped
    ),
    **dict.fromkeys(
        (aten.unsqueeze.default, aten.squeeze.dim, aten.alias.default, aten.detach.default,
         aten.clone.default, aten.lift_fresh_copy.default),
        dimensions.renamed,
    ),
}  # fmt: skip
