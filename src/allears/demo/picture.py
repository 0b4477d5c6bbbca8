"""Waveform and spectrogram as small grids of bytes, for a page to draw.

The spectrogram is a mel one (O'Shaughnessy's mel scale, triangular bands up to 8 kHz, a 25 ms Hann
window every 10 ms): fine enough in time to show one 20 ms frame, and the same for every rate, so
that takes at different rates can be laid under each other.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64, Int8, UInt8

COLUMN_S = 0.005  # one waveform column
HOP_S = 0.010
WINDOW_S = 0.025
BANDS = 80
TOP_HZ = 8000.0
RANGE_DB = 65.0  # what is quieter than the loudest cell by more than this is drawn as nothing
FLOOR_DB = -200.0


def envelope(
    samples: Float32[np.ndarray, " samples"], rate: int, peak: float = 1.0
) -> Int8[np.ndarray, "columns 2"]:
    """The lowest and highest sample of every 5 ms, with `peak` drawn as 127.

    Rounded outwards, so that the drawn shape never hides a sample that the speech had.
    """
    step = rate * COLUMN_S
    starts = np.round(np.arange(int(np.ceil(len(samples) / step))) * step).astype(np.intp)
    starts = starts[starts < len(samples)]
    scale = 127 / peak if peak > 0 else 0.0
    lowest = np.floor(np.minimum.reduceat(samples, starts) * scale)
    highest = np.ceil(np.maximum.reduceat(samples, starts) * scale)
    return np.stack([lowest, highest], axis=1).clip(-127, 127).astype(np.int8)


def band_edges() -> Float64[np.ndarray, " edges"]:
    """Frequencies in Hz, evenly spaced in mel; band k rises from k to k + 1 and falls to k + 2."""
    top = 2595 * np.log10(1 + TOP_HZ / 700)
    edges: Float64[np.ndarray, " edges"] = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    return edges


def spectrogram(
    samples: Float32[np.ndarray, " samples"], rate: int
) -> Float32[np.ndarray, "frames bands"]:
    """Power in decibels per mel band, frame k centred on k × 10 ms, 0 dB about a full-scale tone."""
    length = round(rate * WINDOW_S)
    # The lowest bands are 22 Hz wide: zero padding puts at least one bin into each.
    size = 1 << int(np.ceil(np.log2(rate * 0.064)))
    window = np.hanning(length).astype(np.float32)
    padded = np.pad(samples, (length // 2, length))
    frames = 1 + int(len(samples) / (rate * HOP_S))
    starts = np.round(np.arange(frames) * rate * HOP_S).astype(np.intp)
    pieces = padded[starts[:, None] + np.arange(length)] * window
    power = (np.abs(np.fft.rfft(pieces, size)) * (2 / window.sum())) ** 2

    frequencies = np.fft.rfftfreq(size, 1 / rate)
    low, centre, high = (band_edges()[k : BANDS + k, None] for k in range(3))
    weights = np.minimum(
        (frequencies - low) / (centre - low), (high - frequencies) / (high - centre)
    ).clip(0)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    decibels: Float32[np.ndarray, "frames bands"] = (
        10 * np.log10(np.maximum(power @ weights.T, 10 ** (FLOOR_DB / 10)))
    ).astype(np.float32)
    return decibels


def levels(
    decibels: Float32[np.ndarray, "frames bands"], ceiling_db: float
) -> UInt8[np.ndarray, "frames bands"]:
    """Decibels as bytes: 255 at the ceiling, 0 at 65 dB below it and under."""
    scaled = np.round(255 * (1 + (decibels - ceiling_db) / RANGE_DB))
    grid: UInt8[np.ndarray, "frames bands"] = scaled.clip(0, 255).astype(np.uint8)
    return grid


def pictures(
    takes: Sequence[tuple[Float32[np.ndarray, " _"], int]],
) -> list[tuple[Int8[np.ndarray, "_ 2"], UInt8[np.ndarray, "_ bands"]]]:
    """Envelope and spectrogram of every take (samples, rate), on one scale so that they compare."""
    peak = max(float(np.abs(samples).max()) for samples, _ in takes)
    decibels = [spectrogram(samples, rate) for samples, rate in takes]
    ceiling_db = max(-100.0, *(float(grid.max()) for grid in decibels))  # silence stays blank
    return [
        (envelope(samples, rate, peak), levels(grid, ceiling_db))
        for (samples, rate), grid in zip(takes, decibels, strict=True)
    ]
