"""What is computed along a transducer's lattice (Graves 2012), compiled, in double precision.

All arrays are of one utterance and (frames, width): node (t, j) stands for frame t with starts[t] + j symbols
emitted. A blank arc leads to the same symbol of the next frame, a label arc to the next symbol of the same frame.
Windows begin at symbol 0, end at the last, never go back, and overlap; so paths lead from the first node to the
last, and out of it by its blank.
"""

import math
from typing import no_type_check

import numpy as np
from numba import njit


@njit(cache=True, inline="always")
@no_type_check
def _either(one, other):
    """log(e^one + e^other)."""
    high, low = max(one, other), min(one, other)
    return high + math.log1p(math.exp(low - high)) if low > -math.inf else high


@njit(cache=True)
@no_type_check
def _arrivals(blank, label, starts):
    """The log-probability of coming to each node."""
    frames, width = blank.shape
    arrival = np.empty((frames, width))
    for t in range(frames):
        back = starts[t] - starts[t - 1] if t else 0
        for j in range(width):
            value = 0.0 if t == 0 and j == 0 else -math.inf
            if t and j + back < width:
                value = arrival[t - 1, j + back] + blank[t - 1, j + back]
            if j:
                value = _either(value, arrival[t, j - 1] + label[t, j - 1])
            arrival[t, j] = value
    return arrival


@njit(cache=True)
@no_type_check
def occupy(blank, label, starts):
    """The log-probability of all paths; in place, the arcs' log-probabilities become their occupancies.

    An arc's occupancy is the share of the paths, by probability, that lead over it.
    """
    frames, width = blank.shape
    arrival = _arrivals(blank, label, starts)
    total = arrival[-1, -1] + blank[-1, -1]
    leaving, following = np.empty(width), np.empty(width)
    for t in range(frames - 1, -1, -1):
        last = t == frames - 1
        ahead = 0 if last else starts[t + 1] - starts[t]
        for j in range(width - 1, -1, -1):
            over_blank = over_label = -math.inf
            if last and j == width - 1:
                over_blank = blank[t, j]
            elif not last and j >= ahead:
                over_blank = blank[t, j] + following[j - ahead]
            if j < width - 1:
                over_label = label[t, j] + leaving[j + 1]
            leaving[j] = _either(over_blank, over_label)
            before = arrival[t, j] - total
            blank[t, j] = math.exp(before + over_blank)
            label[t, j] = math.exp(before + over_label)
        leaving, following = following, leaving
    return total


@njit(cache=True)
@no_type_check
def best_path(blank, label, starts, emitted):
    """The log-probability of the best path; `emitted` becomes the frame of each symbol on it.

    Of equally good ways to a node that with the earlier symbol is taken.
    """
    frames, width = blank.shape
    arrival = np.empty((frames, width))
    by_label = np.zeros((frames, width), np.bool_)
    for t in range(frames):
        back = starts[t] - starts[t - 1] if t else 0
        for j in range(width):
            value = 0.0 if t == 0 and j == 0 else -math.inf
            if t and j + back < width:
                value = arrival[t - 1, j + back] + blank[t - 1, j + back]
            if j and arrival[t, j - 1] + label[t, j - 1] > value:
                value = arrival[t, j - 1] + label[t, j - 1]
                by_label[t, j] = True
            arrival[t, j] = value
    t, u = frames - 1, len(emitted)
    while u:
        if by_label[t, u - starts[t]]:
            u -= 1
            emitted[u] = t
        else:
            t -= 1
    return arrival[-1, -1] + blank[-1, -1]


@njit(cache=True)
@no_type_check
def windows(occupancy, width, starts):
    """The windows of `width` that keep the most of an occupancy (frames, 1 + symbols), into `starts`.

    They overlap in one node at least. There must be frames enough for them to come to the last symbol.
    """
    frames, nodes = occupancy.shape
    places = nodes - width + 1
    kept = np.full((frames, places), -math.inf)
    steps = np.zeros((frames, places), np.int64)
    for t in range(frames):
        within = occupancy[t, :width].sum()
        for place in range(places):
            if place:
                within += occupancy[t, place + width - 1] - occupancy[t, place - 1]
            best = 0.0 if t == 0 and place == 0 else -math.inf
            for step in range(min(width - 1, place) + 1 if t else 0):
                if kept[t - 1, place - step] > best:
                    best = kept[t - 1, place - step]
                    steps[t, place] = step
            kept[t, place] = best + within
    place = places - 1
    for t in range(frames - 1, -1, -1):
        starts[t] = place
        place -= steps[t, place]
