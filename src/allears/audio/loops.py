"""The loops of `bark`, `pitch` and `features`, compiled: for a few frames, arrays are mostly overhead.

numba takes longer to import than `allears inspect` to start, so this is imported when the first samples are
analysed. Every frame is computed on its own, so that nothing depends on how the signal is cut.
"""

import math
from typing import no_type_check

import numpy as np
from numba import njit

_AROUND = 2
"""Bins on either side of the strongest that count in the pitch."""


@njit(cache=True)
@no_type_check
def floored(levels):
    """In place, (frames, bands): no band further below the loudest before it, or its neighbour, than is heard."""
    for frame in range(levels.shape[0]):
        loudest = follow = -2.0
        for band in range(levels.shape[1]):
            value = max(levels[frame, band], loudest - 8.0, follow - 2.5)
            loudest = max(loudest, value)
            follow = max(follow - 2.5, value)
            levels[frame, band] = value


@njit(cache=True)
@no_type_check
def predictors(lags, coefficients):
    """Levinson's and Durbin's recursion, (frames, 1 + order) to (frames, order)."""
    order = coefficients.shape[1]
    for frame in range(lags.shape[0]):
        lag, known = lags[frame], coefficients[frame]
        known[:] = 0.0
        error = lag[0]
        for n in range(order):
            # Prediction that has gained 30 dB is not refined.
            if error <= 1e-3 * lag[0]:
                break
            missing = lag[n + 1]
            for k in range(n):
                missing += known[k] * lag[n - k]
            reflection = -missing / error
            for k in range((n + 1) // 2):
                low, high = known[k], known[n - 1 - k]
                known[k] = low + reflection * high
                known[n - 1 - k] = high + reflection * low
            known[n] = reflection
            error *= 1.0 - reflection * reflection


@njit(cache=True, fastmath=True)
@no_type_check
def residuals(emphasised, predictor, residual, hop):
    """What predictors (batch, frames, order) leave of the hops around the frames' centres."""
    batch, frames, order = predictor.shape
    for row in range(batch):
        for frame in range(frames):
            begin = frame * hop
            out = residual[row, begin : begin + hop]
            now = begin + hop // 2
            out[:] = emphasised[row, now : now + hop]
            for lag in range(0, order, 4):
                a, b = predictor[row, frame, lag], predictor[row, frame, lag + 1]
                c, d = predictor[row, frame, lag + 2], predictor[row, frame, lag + 3]
                past = emphasised[row, now - lag - 4 : now - lag - 1 + hop]
                for k in range(hop):
                    out[k] += a * past[k + 3] + b * past[k + 2] + c * past[k + 1] + d * past[k]


@njit(cache=True, fastmath=True)
@no_type_check
def correlations(excitation, found, hop):
    """Each hop with its past, over the mean of their energies: (batch, extended) to (batch, frames, lags)."""
    batch, frames, lags = found.shape
    longest = excitation.shape[1] - frames * hop
    products, energies = np.empty(lags, np.float32), np.empty(lags, np.float32)
    for row in range(batch):
        for frame in range(frames):
            x = excitation[row, frame * hop : frame * hop + longest + hop]
            now = x[longest:]
            products[:] = 0
            for k in range(0, hop, 4):
                a, b, c, d = now[k], now[k + 1], now[k + 2], now[k + 3]
                past = x[k : k + 3 + lags]
                for lag in range(lags):
                    products[lag] += (
                        a * past[lag] + b * past[lag + 1] + c * past[lag + 2] + d * past[lag + 3]
                    )
            energy = before = 0.0
            for k in range(hop):
                energy += np.float64(now[k]) * now[k]
                before += np.float64(x[k]) * x[k]
            for lag in range(lags):
                energies[lag] = 1.0 + energy + before
                gone, come = np.float64(x[lag]), np.float64(x[lag + hop])
                before += come * come - gone * gone
            for lag in range(lags):
                found[row, frame, lag] = np.float32(2) * products[lag] / energies[lag]


@njit(cache=True)
@no_type_check
def turned(bins, found):
    """Each bin's turn since the frame before, and its level.

    From (batch, 1 + frames, bins) to (batch, frames, 3·bins − 2).
    """
    batch, frames, _ = found.shape
    for row in range(batch):
        for frame in range(frames):
            for place in range(bins.shape[2]):
                now, before = bins[row, frame + 1, place], bins[row, frame, place]
                power = now.real * now.real
                if place:
                    power += now.imag * now.imag
                    turn = now * before.conjugate()
                    size = math.sqrt(1e-15 + turn.real * turn.real + turn.imag * turn.imag)
                    found[row, frame, 3 * place - 2] = turn.real / size
                    found[row, frame, 3 * place - 1] = turn.imag / size
                level = (10.0 * math.log10(1e-15 + power) - 6.0) / 64.0
                found[row, frame, 3 * place] = min(max(level, -1.0), 1.0)


@njit(cache=True, fastmath=True)
@no_type_check
def periodic(smooth, periods, found, hop):
    """The cosine between each hop and what lies a period before, which is warped to favour the high values."""
    batch, frames = periods.shape
    longest = smooth.shape[1] - frames * hop
    for row in range(batch):
        for frame in range(frames):
            at = longest + frame * hop
            now = smooth[row, at : at + hop]
            past = smooth[row, at - periods[row, frame] : at - periods[row, frame] + hop]
            common, one, other = np.float32(0), np.float32(0), np.float32(0)
            for k in range(hop):
                common += now[k] * past[k]
                one += now[k] * now[k]
                other += past[k] * past[k]
            cosine = common / math.sqrt(1.0 + np.float64(one) * other)
            warped = math.log1p(math.exp(5.0 * cosine)) / math.log1p(math.exp(5.0))
            found[row, frame] = warped - 0.5


@njit(cache=True)
@no_type_check
def peaks(logits, count, found):
    """The mean of the bins around the strongest of `count`, by their probability: (frames, bins) to (frames)."""
    for frame in range(logits.shape[0]):
        row = logits[frame]
        best = 0
        for place in range(1, count):
            if row[place] > row[best]:
                best = place
        total = mean = 0.0
        for place in range(max(best - _AROUND, 0), min(best + _AROUND, count - 1) + 1):
            weight = math.exp(row[place] - row[best])
            total += weight
            mean += weight * place
        found[frame] = mean / total
