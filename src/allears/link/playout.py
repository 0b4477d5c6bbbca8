"""The few milliseconds between decoding and the ear: samples in pieces, out in frames of 20 ms.

Pieces come in whatever length a packet has, and playing faster or slower changes that length again.
Each keeps its label.
"""

from collections import deque

import numpy as np
from jaxtyping import Float32

from allears.link import stretch
from allears.link.frame import FRAME_SECONDS, Label


class Playout:
    """A queue of labelled samples at `rate` Hz."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self.frame_size = int(rate * FRAME_SECONDS)
        self._pieces: deque[tuple[Float32[np.ndarray, " samples"], Label]] = deque()
        self.size = 0

    def push(self, samples: Float32[np.ndarray, " samples"], label: Label) -> None:
        """Append a piece."""
        self._pieces.append((samples, label))
        self.size += len(samples)

    def pop(self) -> tuple[Float32[np.ndarray, " frame_size"], Label]:
        """Take one frame, labelled as most of its samples are. There must be one."""
        first, label = self._pieces[0]
        if len(first) == self.frame_size:  # by far the usual case
            self._pieces.popleft()
            self.size -= self.frame_size
            return first, label
        return self._gather()

    def shorten(self) -> int:
        """Take out one period of the voice, if one is found; returns how many samples went."""
        return self._stretch(stretch.shorten)

    def lengthen(self) -> int:
        """Put in one period of the voice, if one is found; returns how many samples came."""
        return self._stretch(stretch.lengthen)

    def _gather(self) -> tuple[Float32[np.ndarray, " frame_size"], Label]:
        parts, shares = [], dict.fromkeys(Label, 0)
        missing = self.frame_size
        while missing:
            samples, label = self._pieces.popleft()
            if len(samples) > missing:
                self._pieces.appendleft((samples[missing:], label))
                samples = samples[:missing]
            parts.append(samples)
            shares[label] += len(samples)
            missing -= len(samples)
        self.size -= self.frame_size
        return np.concatenate(parts), max(shares, key=shares.__getitem__)

    def _stretch(self, change: stretch.Change) -> int:
        before = self.size
        whole = np.concatenate([samples for samples, _ in self._pieces])
        changed = change(whole, self._rate)
        difference = len(changed) - len(whole)
        if difference == 0:
            return 0
        self._relabel(changed, difference)
        self.size = len(changed)
        return abs(before - self.size)

    def _relabel(self, changed: Float32[np.ndarray, " samples"], difference: int) -> None:
        """Cut `changed` as the pieces were cut; the first ones grow or shrink by `difference`."""
        lengths = [(len(samples), label) for samples, label in self._pieces]
        self._pieces.clear()
        at = 0
        for length, label in lengths:
            kept = max(0, length + difference)
            difference += length - kept
            if kept:
                self._pieces.append((changed[at : at + kept], label))
                at += kept
