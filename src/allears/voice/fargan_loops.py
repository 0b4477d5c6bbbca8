"""One stream of FARGAN, compiled: for a single row a graph's nodes cost more than what they compute.

The same network as `fargan`, whose graph serves batches.
"""

from collections.abc import Mapping
from typing import no_type_check

import numpy as np
from numba import njit

from allears.audio.bark import HOP, PRE_EMPHASIS
from allears.audio.pitch import LAGS, MAX_PERIOD, MIN_PERIOD
from allears.nn.exponential import exponential, sigmoid, tanh
from allears.nn.products import Kind, Products, applied, products

_SIZE = HOP // 4
_CONDITION = 80
_AROUND = 2
_SEEN = _SIZE + 2 * _AROUND
_TAP = _CONDITION + _SEEN + _SIZE
_EMPHASIS = np.float32(PRE_EMPHASIS)
_ONE, _SOFTEST = np.float32(1), np.float32(1e-5)

PERIODS = "condition.period.weight"
"""The table of what is told of a period."""

_LAYERS = {
    "condition.dense": Kind.TANH,
    "condition.conv.weight": Kind.TANH,
    "condition.output": Kind.TANH,
    "subframe.gain": Kind.PLAIN,
    "subframe.conv.weight": Kind.TANH,
    "subframe.glu.gate": Kind.GATE,
    "subframe.pitch_gates": Kind.PLAIN,
    "subframe.skip": Kind.TANH,
    "subframe.skip_glu.gate": Kind.GATE,
    "subframe.output": Kind.TANH,
}
# Of numpy's type: for each number of Python's own all would be compiled anew.
_DENSE, _CONDITION_CONV, _CONDITIONS, _GAIN, _CONV, _GLU, _GATES, _SKIP, _SKIP_GLU, _OUTPUT = (
    np.arange(10)
)
_GRUS = {
    "subframe.grus.%d.input": Kind.PLAIN,
    "subframe.grus.%d.recurrent": Kind.PLAIN,
    "subframe.glus.%d.gate": Kind.GATE,
}
_INPUT, _RECURRENT, _GRU_GLU = np.arange(10, 13)


def layers(weights: Mapping[str, np.ndarray]) -> Products:
    """Of weights as the torch network names them."""
    grus = {name % index: kind for index in range(3) for name, kind in _GRUS.items()}
    return products(weights, _LAYERS | grus)


@njit(fastmath=True, cache=True)
@no_type_check
def step(net, periods, features, period, state, samples):
    """10 ms from 20 features and the period in samples; the arrays of `state` become those after.

    They are those of the graph, batches of one. All in one function, since what it would be made of is compiled
    anew for each that calls it.
    """
    before, past, last, known, seen = state[:5]
    grus = state[5:]
    given = np.empty(len(features) + periods.shape[1], np.float32)
    _put(features, given, 0)
    _put(periods[min(max(period - MIN_PERIOD, 0), LAGS - 1)], given, len(features))
    taps = _slid(known[0], applied(net, _DENSE, given))
    conditions = applied(net, _CONDITIONS, applied(net, _CONDITION_CONV, taps))
    spoken = np.empty(MAX_PERIOD + HOP, np.float32)
    _put(past[0], spoken, 0)
    x = np.empty(_TAP, np.float32)
    around, newest = x[_CONDITION : _CONDITION + _SEEN], x[_CONDITION + _SEEN :]
    skipped = np.empty(net.places[_SKIP, 1], np.float32)
    for now in range(MAX_PERIOD, MAX_PERIOD + HOP, _SIZE):
        begin = (now - MAX_PERIOD) // _SIZE * _CONDITION
        condition = conditions[begin : begin + _CONDITION]
        gain = exponential(applied(net, _GAIN, condition)[0])
        _put(condition, x, 0)
        _look_back(spoken, now, before[0, 0], _ONE / (gain + _SOFTEST), around, newest)
        first = applied(net, _GLU, applied(net, _CONV, _slid(seen[0], x)))
        gates = applied(net, _GATES, first)
        given, begin = first, 0
        for index in range(3):
            gru = grus[index][0]
            kept = applied(net, _RECURRENT + 3 * index, gru)
            given = _joined(given, gates[index], around, newest)
            _recur(applied(net, _INPUT + 3 * index, given), kept, gru)
            given = applied(net, _GRU_GLU + 3 * index, gru)
            _put(given, skipped, begin)
            begin += len(given)
        _put(_joined(first, gates[3], around, newest), skipped, begin)
        hidden = applied(net, _SKIP_GLU, applied(net, _SKIP, skipped))
        _put(gain * applied(net, _OUTPUT, hidden), spoken, now)
    before[0, 0] = period
    _put(spoken[HOP:], past[0], 0)
    for k in range(HOP):
        last[0, 0] = spoken[MAX_PERIOD + k] + _EMPHASIS * last[0, 0]
        samples[k] = last[0, 0]


@njit(fastmath=True)
@no_type_check
def _slid(known, newest):
    """The inputs of a convolution; `known`, those before, become the newest."""
    taps = np.empty(len(known) + len(newest), np.float32)
    _put(known, taps, 0)
    _put(newest, taps, len(known))
    _put(taps[len(newest) :], known, 0)
    return taps


@njit(fastmath=True)
@no_type_check
def _look_back(spoken, now, period, louder, around, newest):
    """What lies one period back (what is not spoken yet, two), and the subframe before; both in ±1."""
    period = min(max(period, MIN_PERIOD), MAX_PERIOD - 1)
    for k in range(_SEEN):
        place = now - _AROUND - period + k
        if place >= now:
            place -= period
        around[k] = min(max(spoken[max(place, now - MAX_PERIOD)] * louder, -_ONE), _ONE)
    for k in range(_SIZE):
        newest[k] = min(max(spoken[now - _SIZE + k] * louder, -_ONE), _ONE)


@njit(fastmath=True)
@no_type_check
def _joined(given, gate, around, newest):
    """What is given, the pitch through its gate, and the subframe before."""
    size = len(given)
    whole = np.empty(size + 2 * _SIZE, np.float32)
    _put(given, whole, 0)
    gate = sigmoid(gate)
    for k in range(_SIZE):
        whole[size + k] = gate * around[_AROUND + k]
    _put(newest, whole, size + _SIZE)
    return whole


@njit(fastmath=True)
@no_type_check
def _put(part, whole, at):
    """A loop, since a slice that is assigned takes long to compile."""
    for k in range(len(part)):
        whole[at + k] = part[k]


@njit(fastmath=True)
@no_type_check
def _recur(gates, kept, state):
    """A GRU's state after, in place; its gates are update, reset, candidate."""
    size = len(state)
    for k in range(size):
        update = sigmoid(gates[k] + kept[k])
        reset = sigmoid(gates[size + k] + kept[size + k])
        candidate = tanh(gates[2 * size + k] + reset * kept[2 * size + k])
        state[k] = candidate + update * (state[k] - candidate)
