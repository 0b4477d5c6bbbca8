"""Playing a little faster or slower without a change of pitch or a click.

One period of the voice is taken out or put in by cross-fading the signal with itself, one period
later (the waveform-similarity overlap-add of Verhelst and Roelands, ICASSP 1993, for one period).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

SHORTEST, LONGEST = 0.0025, 0.010
"""Periods that are looked for, in seconds: voices of 100 to 400 Hz, or multiples of their period."""

SIMILAR = 0.7
"""The least normalised correlation of a signal with itself, one period on, for a cross-fade."""

QUIET = 1e-3
"""Root mean square in ±1 below which a cross-fade is heard by nobody, similar or not."""

FADE_SECONDS = 0.005
"""Length of the cross-fade between two unrelated signals."""

Samples = Float32[np.ndarray, " _"]
Change = Callable[[Samples, int], Samples]
"""`shorten` or `lengthen`."""


def shorten(samples: Samples, rate: int) -> Samples:
    """`samples` without one period near their beginning, or as they were where none is alike.

    First and last samples stay what they were, so both seams are seamless.
    """
    period = _period(samples, rate)
    if period is None:
        return samples
    blended = fade(samples[:period], samples[period : 2 * period])
    return np.concatenate((blended, samples[2 * period :]))


def lengthen(samples: Samples, rate: int) -> Samples:
    """`samples` with one period near their beginning twice, or as they were where none is alike."""
    period = _period(samples, rate)
    if period is None:
        return samples
    blended = fade(samples[period : 2 * period], samples[:period])
    return np.concatenate((samples[:period], blended, samples[period:]))


def fade(old: Samples, new: Samples) -> Samples:
    """From all `old` to all `new` over their common length, linearly."""
    weight = np.linspace(0, 1, len(new), dtype=np.float32)
    blended: Samples = old + (new - old) * weight
    return blended


def splice(tail: Samples, samples: Samples) -> Samples:
    """`samples`, faded into from `tail`, which is what would have been heard instead."""
    size = min(len(tail), len(samples))
    return np.concatenate((fade(tail[:size], samples[:size]), samples[size:]))


def _period(samples: Samples, rate: int) -> int | None:
    """The lag in samples at which the beginning looks most like itself, if it does."""
    shortest = int(SHORTEST * rate)
    longest = min(int(LONGEST * rate), len(samples) // 2)
    if longest <= shortest:
        return None
    window = longest
    head = samples[:window].astype(np.float64)
    lagged = samples[shortest : shortest + window + longest - shortest].astype(np.float64)
    products = np.correlate(lagged, head, "valid")
    squares = np.concatenate(((0.0,), np.cumsum(lagged**2)))
    energies = squares[window : window + len(products)] - squares[: len(products)]
    own = float(head @ head)
    if max(own, float(energies.max())) < QUIET**2 * window:
        return longest
    similarity = products / np.sqrt(own * energies + 1e-12)
    best = int(np.argmax(similarity))
    return shortest + best if similarity[best] >= SIMILAR else None
