"""A GRU's recurrence over whole sequences, compiled, with its gradient.

Small GRUs spend their time in the overhead of thousands of tiny operations: in torch's own kernel on a CPU
a sequence costs some three times as much. Here a stream's state stays in the cache through all its steps (its
size is a multiple of four), and the gradient of the weights is one product over all of them.
"""

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

from allears.nn.exponential import tanh


class Recurrence(torch.autograd.Function):
    """Gates from the input (batch, time, 3·size: update, reset, candidate), state, recurrent weights."""

    @staticmethod
    def forward(ctx: Any, gates: Tensor, state: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """All states, (batch, time, size)."""
        states, kept = recur(gates, state, weight, bias)
        ctx.save_for_backward(states, kept, weight)
        after: Tensor = states[:, 1:].contiguous()
        return after

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gradients of the four inputs."""
        states, kept, weight = ctx.saved_tensors
        batch, time, quadruple = kept.shape
        size = quadruple // 4
        gates = kept.new_empty(batch, time, 3 * size)
        recurrent = torch.empty_like(gates)
        first = kept.new_empty(batch, size)
        arrays = upstream[0].contiguous(), states, kept, weight.contiguous()
        _backward(*_arrays(*arrays, gates, recurrent, first))
        flat = recurrent.flatten(0, 1)
        before = states[:, :-1].reshape(-1, size)
        return gates, first, flat.t() @ before, flat.sum(0)


@torch.library.custom_op("allears::recur", mutates_args=())
def recur(gates: Tensor, state: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The state before and all after, (batch, 1 + time, size), and what the gradient needs.

    One operator, so that a graph which is traced from it has one node for it. Raises ValueError for a size that
    is no multiple of four: the loops take four at once.
    """
    batch, time, triple = gates.shape
    size = triple // 3
    if size % 4 or triple != 3 * size:
        raise ValueError(f"gates of {triple}: three times a multiple of four are wanted")
    states = gates.new_empty(batch, time + 1, size)
    states[:, 0] = state
    kept = gates.new_empty(batch, time, 4 * size)
    turned = weight.t().contiguous()
    _forward(*_arrays(gates.contiguous(), turned, bias, states, kept))
    return states, kept


def _arrays(*tensors: Tensor) -> tuple[np.ndarray, ...]:
    return tuple(tensor.detach().numpy() for tensor in tensors)


@njit(fastmath=True, cache=True)  # type: ignore[misc, unused-ignore]
def _forward(gates, turned, bias, states, kept):  # type: ignore[no-untyped-def]
    batch, time, triple = gates.shape
    size = triple // 3
    half = np.float32(0.5)
    product = np.empty(triple, np.float32)
    for stream in range(batch):
        for step in range(time):
            before = states[stream, step]
            after = states[stream, step + 1]
            gate = gates[stream, step]
            keep = kept[stream, step]
            product[:] = bias
            for k in range(0, size, 4):
                a, b, c, d = before[k], before[k + 1], before[k + 2], before[k + 3]
                for j in range(triple):
                    product[j] += (
                        a * turned[k, j]
                        + b * turned[k + 1, j]
                        + c * turned[k + 2, j]
                        + d * turned[k + 3, j]
                    )
            for j in range(size):
                update = half + half * tanh(half * (gate[j] + product[j]))
                reset = half + half * tanh(half * (gate[size + j] + product[size + j]))
                candidate = tanh(gate[2 * size + j] + reset * product[2 * size + j])
                after[j] = candidate + update * (before[j] - candidate)
                keep[j] = update
                keep[size + j] = reset
                keep[2 * size + j] = candidate
                keep[3 * size + j] = product[2 * size + j]


@njit(fastmath=True, cache=True)  # type: ignore[misc, unused-ignore]
def _backward(upstream, states, kept, weight, gates, recurrent, first):  # type: ignore[no-untyped-def]
    batch, time, size = upstream.shape
    one = np.float32(1)
    carry = np.empty(size, np.float32)
    for stream in range(batch):
        carry[:] = 0
        for step in range(time - 1, -1, -1):
            before = states[stream, step]
            keep = kept[stream, step]
            gate = gates[stream, step]
            back = recurrent[stream, step]
            for j in range(size):
                update = keep[j]
                reset = keep[size + j]
                candidate = keep[2 * size + j]
                slope = upstream[stream, step, j] + carry[j]
                to_candidate = slope * (one - update) * (one - candidate * candidate)
                to_update = slope * (before[j] - candidate) * update * (one - update)
                to_reset = to_candidate * keep[3 * size + j] * reset * (one - reset)
                gate[j] = to_update
                gate[size + j] = to_reset
                gate[2 * size + j] = to_candidate
                back[j] = to_update
                back[size + j] = to_reset
                back[2 * size + j] = to_candidate * reset
                carry[j] = slope * update
            for k in range(0, 3 * size, 4):
                a, b, c, d = back[k], back[k + 1], back[k + 2], back[k + 3]
                for j in range(size):
                    carry[j] += (
                        a * weight[k, j]
                        + b * weight[k + 1, j]
                        + c * weight[k + 2, j]
                        + d * weight[k + 3, j]
                    )
        first[stream] = carry
