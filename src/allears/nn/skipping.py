"""What a Transformer's block needs beside products, compiled, and of attention only what is wanted.

Arrays are contiguous and of single precision.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from allears.nn.exponential import exponential

_EPSILON = np.float32(1e-5)
_NOTHING = np.float32(-1e30)


@njit(fastmath=True, cache=True)
@no_type_check
def normed(x, weight, bias):
    """Each row less its mean and through its deviation (Ba et al. 2016)."""
    rows, width = x.shape
    y = np.empty_like(x)
    for i in range(rows):
        total = square = np.float32(0)
        for j in range(width):
            total += x[i, j]
        mean = total / np.float32(width)
        for j in range(width):
            square += (x[i, j] - mean) * (x[i, j] - mean)
        scale = np.float32(1) / np.sqrt(square / np.float32(width) + _EPSILON)
        for j in range(width):
            y[i, j] = (x[i, j] - mean) * scale * weight[j] + bias[j]
    return y


@njit(cache=True)
@no_type_check
def rotated(x, cosine, sine):
    """Heads of (batch, time, heads, size) turned, in place, by angles of (batch, time, size / 2)."""
    batch, time, heads, size = x.shape
    half = size // 2
    for b in range(batch):
        for t in range(time):
            for h in range(heads):
                for j in range(half):
                    one, other = x[b, t, h, j], x[b, t, h, half + j]
                    x[b, t, h, j] = one * cosine[b, t, j] - other * sine[b, t, j]
                    x[b, t, h, half + j] = one * sine[b, t, j] + other * cosine[b, t, j]


@njit(fastmath=True, cache=True)
@no_type_check
def attended(query, keys, values, clock, opened):
    """What open heads find, (batch, time, heads, size); nothing where they are closed.

    Of `keys` and `values`, (batch, heads, past + time, size), frame t looks at t … past + t, if there were such.
    """
    batch, time, heads, size = query.shape
    past = keys.shape[2] - time
    found = np.zeros((batch, time, heads, size), np.float32)
    weights = np.empty(past + 1, np.float32)
    scale = np.float32(1 / np.sqrt(size))
    for b in range(batch):
        for h in range(heads):
            for t in range(time):
                if not opened[b, t, h]:
                    continue
                first = max(t, past - clock[b])
                count = past + t + 1 - first
                asked, answer = query[b, t, h], found[b, t, h]
                most = _NOTHING
                for i in range(count):
                    key = keys[b, h, first + i]
                    score = np.float32(0)
                    for j in range(size):
                        score += asked[j] * key[j]
                    weights[i] = score * scale
                    most = max(most, weights[i])
                total = np.float32(0)
                for i in range(count):
                    weights[i] = exponential(weights[i] - most)
                    total += weights[i]
                for i in range(count):
                    share = weights[i] / total
                    value = values[b, h, first + i]
                    for j in range(size):
                        answer[j] += share * value[j]
    return found
