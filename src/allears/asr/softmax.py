"""Passes over logits: each node's sum, and the slopes of its softmax.

In single precision on the CPU they are compiled, one pass where torch takes five; in double precision and on other
devices they are torch's operations.
"""

import math
from typing import no_type_check

import numpy as np
import torch
from jaxtyping import Float, Int
from numba import njit
from torch import Tensor

from allears.nn.exponential import exponential

_NEVER = np.float32(1e-14)
"""A node that paths go through so seldom has no gradient: single precision loses it beside the others'."""
_KEEPS_NAN = {"reassoc", "contract"}
"""What the compiler may do so that loops vectorise, and a NaN is still one."""


def read(
    logits: Float[Tensor, "frames width vocabulary"],
    tokens: Int[Tensor, "frames width"],
    blank: int,
    sums: Float[Tensor, "frames width"],
    log_probabilities: tuple[Float[Tensor, "frames width"], Float[Tensor, "frames width"]],
) -> bool:
    """Whether all logits are finite; into `sums` log Σ e^logits, and what the blank's and the token's logits
    are beyond it, in double precision and on the CPU, into `log_probabilities`."""
    highest = logits.amax(2)
    if _compiled(logits):
        arrays = (logits.contiguous(), highest, tokens, sums, *log_probabilities)
        return bool(_read(blank, *(each.flatten(0, 1).numpy() for each in arrays)))
    sums.copy_(torch.logsumexp(logits, 2))
    own = logits.gather(2, tokens[..., None].to(logits.device))[..., 0]
    for out, value in zip(log_probabilities, (logits[..., blank], own), strict=True):
        out.copy_(value.double() - sums.double())
    return bool(torch.isfinite(highest).all() & torch.isfinite(logits.amin()))


def slopes(
    logits: Float[Tensor, "frames width vocabulary"],
    sums: Float[Tensor, "frames width"],
    shares: Float[Tensor, "frames width 2"],
    tokens: Int[Tensor, "frames width"],
    blank: int,
    out: Float[Tensor, "frames width vocabulary"],
) -> None:
    """softmax · (both shares), less the first share at the blank and the second at each node's token."""
    if not _compiled(logits):
        torch.sub(logits, sums[..., None], out=out).exp_().mul_(shares.sum(2, keepdim=True))
        out[..., blank] -= shares[..., 0]
        out.scatter_add_(2, tokens[..., None].to(out.device), -shares[..., 1:])
        return
    contiguous = (each.contiguous() for each in (logits, sums, shares, tokens))
    arrays = (each.flatten(0, 1).numpy() for each in contiguous)
    _slopes(*arrays, blank, out.flatten(0, 1).numpy())


def _compiled(logits: Tensor) -> bool:
    return logits.dtype == torch.float32 and logits.device.type == "cpu"


@njit(fastmath=_KEEPS_NAN, cache=True)
@no_type_check
def _read(blank, logits, highest, tokens, sums, to_blank, to_label):
    spoilt = np.float32(0)
    for node in range(len(logits)):
        row, high = logits[node], highest[node]
        total = np.float32(0)
        for k in range(len(row)):
            total += exponential(row[k] - high)
            spoilt += row[k] * np.float32(0)
        sums[node] = high + np.float32(math.log(total))
        to_blank[node] = np.float64(row[blank]) - np.float64(sums[node])
        to_label[node] = np.float64(row[tokens[node]]) - np.float64(sums[node])
    return spoilt == 0


@njit(fastmath=True, cache=True)
@no_type_check
def _slopes(logits, sums, shares, tokens, blank, out):
    for node in range(len(logits)):
        row, slope, total = logits[node], out[node], sums[node]
        first, second = shares[node, 0], shares[node, 1]
        both = first + second
        if abs(both) < _NEVER:
            slope[:] = 0
            continue
        for k in range(len(row)):
            slope[k] = both * exponential(row[k] - total)
        slope[blank] -= first
        slope[tokens[node]] -= second
