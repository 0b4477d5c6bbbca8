"""Torch's operators that move elements and compute nothing, over tensors of rows."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from allears.nn.builder import Builder, Value, Weight


def renamed(_: Builder, result: Tensor, x: Any, *__: Any, **___: Any) -> Any:
    """Another shape of the same elements."""
    if isinstance(x, Weight):
        return x
    return Value(x.name, tuple(result.shape), x.dtype, x.parts)


def reshaped(builder: Builder, result: Tensor, x: Value, *_: Any) -> Value:
    """The same elements, also where rows become more or fewer."""
    shape = tuple(result.shape)
    if shape[0] == x.shape[0]:
        return Value(x.name, shape, x.dtype, x.parts)
    (name,) = builder.add("Reshape", x.name, builder.constant([-1, math.prod(shape[1:])]))
    return Value(name, shape, x.dtype)


def concatenated(builder: Builder, result: Tensor, parts: Sequence[Value], dim: int = 0) -> Value:
    """Tensors end to end along a dimension."""
    shape, dim = tuple(result.shape), dim % result.dim()
    if _leads(shape, dim):
        return _joined(builder, parts, shape)
    (name,) = builder.add("Concat", *map(builder.shaped, parts), axis=dim)
    return builder.flat(name, shape, result.dtype)


def stacked(builder: Builder, result: Tensor, parts: Sequence[Value], dim: int = 0) -> Value:
    """Tensors along a dimension of their own."""
    dim %= result.dim()
    shape = (*result.shape[:dim], 1, *result.shape[dim + 1 :])
    return concatenated(
        builder, result, [Value(part.name, shape, part.dtype, part.parts) for part in parts], dim
    )


def _joined(builder: Builder, parts: Sequence[Value], shape: tuple[int, ...]) -> Value:
    if len(parts) == 1:
        return Value(parts[0].name, shape, parts[0].dtype, parts[0].parts)
    (name,) = builder.add("Concat", *(part.name for part in parts), axis=1)
    return Value(name, shape, parts[0].dtype, tuple(parts))


def _leads(shape: tuple[int, ...], dim: int) -> bool:
    """Whether nothing but the rows comes before a dimension, so that its slices stay together."""
    return dim > 0 and math.prod(shape[1:dim]) == 1


def sliced(
    builder: Builder,
    result: Tensor,
    x: Value,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Value:
    """Part of one dimension."""
    shape, dim = tuple(result.shape), dim % len(x.shape)
    if shape == x.shape and step == 1:
        return Value(x.name, shape, x.dtype, x.parts)
    first, last, _ = slice(start, end).indices(x.shape[dim])
    if _leads(x.shape, dim) and step == 1:
        inner = math.prod(x.shape[dim + 1 :])
        return _cut(builder, x, first * inner, last * inner, shape)
    limits = [builder.constant([each]) for each in (first, last, dim, step)]
    (name,) = builder.add("Slice", builder.shaped(x), *limits)
    return builder.flat(name, shape, x.dtype)


def _cut(builder: Builder, x: Value, first: int, last: int, shape: tuple[int, ...]) -> Value:
    """Elements `first` to `last` of every row, out of the parts they lie in."""
    if (first, last) == (0, x.width):
        return Value(x.name, shape, x.dtype, x.parts)
    if not x.parts:
        limits = [builder.constant([each]) for each in (first, last, 1)]
        return Value(builder.add("Slice", x.name, *limits)[0], shape, x.dtype)
    inside, begin = [], 0
    for part in x.parts:
        low, high = max(first - begin, 0), min(last - begin, part.width)
        if low < high:
            inside.append(_cut(builder, part, low, high, (part.shape[0], high - low)))
        begin += part.width
    return _joined(builder, inside, shape)


def selected(builder: Builder, result: Tensor, x: Value, dim: int, index: int) -> Value:
    """One place of a dimension, which goes."""
    dim %= len(x.shape)
    index %= x.shape[dim]
    kept = torch.empty((*x.shape[:dim], 1, *x.shape[dim + 1 :]))
    value = sliced(builder, kept, x, dim, index, index + 1)
    return Value(value.name, tuple(result.shape), x.dtype, value.parts)


def unbound(builder: Builder, result: Sequence[Tensor], x: Value, dim: int = 0) -> list[Value]:
    """Every place of a dimension, which goes."""
    return [selected(builder, each, x, dim, index) for index, each in enumerate(result)]


def split(
    builder: Builder, result: Sequence[Tensor], x: Value, _: Any, dim: int = 0
) -> list[Value]:
    """A dimension in pieces."""
    dim %= len(x.shape)
    plain = _leads(x.shape, dim)
    inner = math.prod(x.shape[dim + 1 :]) if plain else 1
    sizes = builder.constant([inner * each.shape[dim] for each in result])
    source = x.name if plain else builder.shaped(x)
    names = builder.add("Split", source, sizes, outputs=len(result), axis=1 if plain else dim)
    shapes = [tuple(each.shape) for each in result]
    if plain:
        return [Value(name, shape, x.dtype) for name, shape in zip(names, shapes, strict=True)]
    return [builder.flat(name, shape, x.dtype) for name, shape in zip(names, shapes, strict=True)]
