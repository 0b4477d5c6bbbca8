"""An amortised Transformer that saves the time too: on one core, without torch, what is closed is not computed.

Where gathering the open frames would take longer than what it saves, all are computed and the closed are switched
after. A Transformer without gates runs the same way.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int64
from torch import nn

from allears.asr.encoders.amortised import Amortised
from allears.asr.encoders.transformer import Transformer
from allears.nn import skipping
from allears.nn.attention import PERIOD

Array = np.ndarray
_Open = Bool[Array, "rows parts"] | None
_Rows = Int64[Array, " rows"] | slice

_WORTH = 500_000
"""Multiply-adds that take as long as gathering rows and giving them back."""


class SkippingState(NamedTuple):
    """Frames so far, and keys and values of each block, (batch, heads, past, size)."""

    clock: Int64[Array, " batch"]
    keys: tuple[Float32[Array, "batch heads past size"], ...]
    values: tuple[Float32[Array, "batch heads past size"], ...]


class _Linear(NamedTuple):
    """Inputs by outputs, and the bias."""

    matrix: Array
    bias: Array

    def __call__(self, x: Array) -> Array:
        y: Array = x @ self.matrix
        y += self.bias
        return y


class _Part(NamedTuple):
    """What is switched in one: a matrix in and one out; each part brings its share of the bias."""

    first: _Linear
    second: _Linear


class _Parts(NamedTuple):
    """Heads' queries and mixes, or slices: each alone, and all in one."""

    each: tuple[_Part, ...]
    joint: _Part


class _Block(NamedTuple):
    """Weights of a block; without gates there is no arbitrator."""

    norms: tuple[tuple[Array, Array], tuple[Array, Array]]
    heads: _Parts
    slices: _Parts
    remember: _Linear
    arbitrator: tuple[_Linear, _Linear] | None


class Skipping:
    """`encoder(x, state) -> (y, state)` in arrays, by the weights of a Transformer, amortised or not.

    `threshold` may be set at any time.
    """

    def __init__(self, encoder: Transformer) -> None:
        self.threshold = encoder.threshold if isinstance(encoder, Amortised) else 0.0
        self.width = encoder.width
        self._turns = encoder.positions.turns.numpy()
        self._enter, self._norm = _linear(encoder.enter), _norm(encoder.norm)
        self._blocks = [_block(each) for each in encoder.blocks]
        first: Any = encoder.blocks[0]
        attention = first.attention
        self._heads, self._size, self._past = attention.heads, attention.size, attention.past
        self._acoustic = getattr(first, "acoustic", False)

    def initial_state(self, batch: int) -> SkippingState:
        """Before the first frame."""
        kept = np.zeros((batch, self._heads, self._past, self._size), np.float32)
        count = len(self._blocks)
        return SkippingState(np.zeros(batch, np.int64), (kept,) * count, (kept,) * count)

    def __call__(
        self, x: Float32[Array, "batch time inputs"], state: SkippingState
    ) -> tuple[Float32[Array, "batch time width"], SkippingState]:
        """All frames of `x`."""
        batch, time, inputs = x.shape
        y = heard = self._enter(np.ascontiguousarray(x.reshape(-1, inputs)))
        around = _angles(self._turns, state.clock, time)
        kept = []
        for block, keys, values in zip(self._blocks, state.keys, state.values, strict=True):
            normed = skipping.normed(y, *block.norms[0])
            heads, slices = self._opened(block, normed, heard)
            attended, keys, values = self._attended(
                block, normed, heads, (keys, values), state.clock, around
            )
            y = y + attended
            y = _fed(block.slices, skipping.normed(y, *block.norms[1]), slices, y)
            kept.append((keys, values))
        after = state.clock + time
        after = np.where(after < 2 * PERIOD, after, PERIOD + after % PERIOD)
        found = skipping.normed(y, *self._norm).reshape(batch, time, self.width)
        return found, SkippingState(after, *zip(*kept, strict=True))

    def _opened(self, block: _Block, normed: Array, heard: Array) -> tuple[_Open, _Open]:
        """Which heads and which slices of each row; None where there are no gates."""
        if block.arbitrator is None:
            return None, None
        look, judge = block.arbitrator
        seen = np.concatenate((normed, heard), 1) if self._acoustic else normed
        opened = judge(np.maximum(look(seen), 0)) > self.threshold
        return opened[:, : self._heads], opened[:, self._heads :]

    def _attended(
        self,
        block: _Block,
        x: Float32[Array, "rows width"],
        opened: _Open,
        kept: tuple[Array, Array],
        clock: Int64[Array, " batch"],
        around: tuple[Array, Array],
    ) -> tuple[Array, Array, Array]:
        """What attention adds, and all keys and values that later frames see."""
        batch, heads, size = len(clock), self._heads, self._size
        time = len(x) // batch
        fresh = block.remember(x).reshape(batch, time, 2, heads, size)
        key = np.ascontiguousarray(fresh[:, :, 0])
        skipping.rotated(key, *around)
        keys, values = (
            np.concatenate((old, new.transpose(0, 2, 1, 3)), 2)
            for old, new in zip(kept, (key, fresh[:, :, 1]), strict=True)
        )
        chosen = _chosen(block.heads, opened)
        query = _before(block.heads, x, chosen).reshape(batch, time, heads, size)
        skipping.rotated(query, *around)
        switched = np.ones((len(x), heads), bool) if opened is None else opened
        found = skipping.attended(
            query, keys, values, clock, switched.reshape(batch, time, heads)
        ).reshape(len(x), heads * size)
        y = _after(block.heads, found, opened, chosen)
        return y, keys[:, :, time:], values[:, :, time:]


def _chosen(parts: _Parts, opened: _Open) -> list[_Rows] | None:
    """The rows to compute of each part; None where all parts are best computed in one."""
    if opened is None:
        return None
    first, second = parts.each[0]
    most = len(opened) - _WORTH / (first.matrix.size + second.matrix.size)
    counts = np.count_nonzero(opened, 0).tolist()
    if min(counts) > max(0, most):
        return None
    return [
        np.flatnonzero(opened[:, index]) if count <= most else slice(0, len(opened) * bool(count))
        for index, count in enumerate(counts)
    ]


def _before(parts: _Parts, x: Array, chosen: list[_Rows] | None) -> Array:
    """The first products, (rows, parts · size), anything where closed."""
    if chosen is None:
        return parts.joint.first(x)
    size = len(parts.each[0].first.bias)
    y = np.zeros((len(x), size * len(parts.each)), np.float32)
    for index, (part, rows) in enumerate(zip(parts.each, chosen, strict=True)):
        y[rows, index * size : (index + 1) * size] = part.first(x[rows])
    return y


def _after(parts: _Parts, found: Array, opened: _Open, chosen: list[_Rows] | None) -> Array:
    """The second products, of what is 0 where closed."""
    matrix, bias = parts.joint.second
    if chosen is None:
        y = parts.joint.second(found)
        if opened is not None:
            y -= (1 - opened.mean(1, dtype=np.float32))[:, None] * bias
        return y
    size = len(matrix) // len(parts.each)
    y = np.zeros((len(found), len(bias)), np.float32)
    for index, (part, rows) in enumerate(zip(parts.each, chosen, strict=True)):
        _add(y, rows, part.second(found[rows, index * size : (index + 1) * size]), opened, index)
    return y


def _fed(parts: _Parts, x: Array, opened: _Open, y: Array) -> Array:
    """`y` and what the feed-forward adds."""
    chosen = _chosen(parts, opened)
    if chosen is None:
        hidden = _swish(parts.joint.first(x))
        if opened is not None:
            apart = hidden.reshape(len(x), len(parts.each), -1)
            apart *= opened[:, :, None]
        return np.asarray(y + _after(parts, hidden, opened, None))
    for index, (part, rows) in enumerate(zip(parts.each, chosen, strict=True)):
        _add(y, rows, part.second(_swish(part.first(x[rows]))), opened, index)
    return y


def _add(y: Array, rows: _Rows, found: Array, opened: _Open, index: int) -> None:
    """Add to the rows what a part found there; of all rows, to the open ones."""
    if isinstance(rows, slice) and rows.stop and opened is not None:
        found *= opened[:, index, None]
    y[rows] += found


def _swish(x: Array) -> Array:
    """Each value times its own sigmoid."""
    half = x * np.float32(0.5)
    x = np.tanh(half)
    x *= half
    x += half
    return x


def _angles(
    turns: Int64[Array, " half"], clock: Int64[Array, " batch"], time: int
) -> tuple[Float32[Array, "batch time half"], Float32[Array, "batch time half"]]:
    """How far each frame is turned, as `Positions` says."""
    times = clock[:, None] + np.arange(time)
    parts = (times[..., None] % PERIOD * turns) % PERIOD
    angles = parts.astype(np.float32) * np.float32(2 * math.pi / PERIOD)
    return np.cos(angles), np.sin(angles)


def _block(block: Any) -> _Block:
    ask, layers = block.attention.ask, block.forward_layers
    heads = block.attention.heads
    width = ask.out_features // 3
    asked = _linear(ask)
    query = _Linear(np.ascontiguousarray(asked.matrix[:, :width]), asked.bias[:width])
    remember = _Linear(np.ascontiguousarray(asked.matrix[:, width:]), asked.bias[width:])
    gated = hasattr(block, "arbitrator")
    return _Block(
        (_norm(block.before_attention), _norm(block.before_forward)),
        _parts(_Part(query, _linear(block.attention.mix)), heads),
        _parts(
            _Part(_linear(layers.widen), _linear(layers.narrow)), block.parts[1] if gated else 1
        ),
        remember,
        (_linear(block.arbitrator.look), _linear(block.arbitrator.judge)) if gated else None,
    )


def _parts(joint: _Part, count: int) -> _Parts:
    size = len(joint.first.bias) // count
    cuts = [slice(index * size, (index + 1) * size) for index in range(count)]
    share = joint.second.bias / np.float32(count)
    return _Parts(
        tuple(
            _Part(
                _Linear(np.ascontiguousarray(joint.first.matrix[:, cut]), joint.first.bias[cut]),
                _Linear(np.ascontiguousarray(joint.second.matrix[cut]), share),
            )
            for cut in cuts
        ),
        joint,
    )


def _linear(layer: nn.Linear) -> _Linear:
    weight, bias = (each.detach().numpy() for each in (layer.weight, layer.bias))
    return _Linear(np.ascontiguousarray(weight.T), bias)


def _norm(layer: nn.LayerNorm) -> tuple[Array, Array]:
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()
