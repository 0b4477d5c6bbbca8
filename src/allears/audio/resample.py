"""Sample rate conversion by the SoX resampler (soxr, "HQ": 20-bit precision, linear phase)."""

import numpy as np
import soxr  # type: ignore[import-untyped]
from jaxtyping import Float32

QUALITY = "HQ"


def resample(
    samples: Float32[np.ndarray, " samples"], from_rate: int, to_rate: int
) -> Float32[np.ndarray, " resampled"]:
    """The same sound at another rate in Hz, round(samples · to_rate / from_rate) long.

    The filter's delay is compensated: output n stands for time n / to_rate. Equal rates give back
    the same array. Raises `ValueError` for rates that are not positive.
    """
    _require_rates(from_rate, to_rate)
    if from_rate == to_rate:
        return samples
    resampled: np.ndarray = soxr.resample(samples, from_rate, to_rate, quality=QUALITY)
    return resampled


class Resampler:
    """Resampling of a stream, chunk by chunk; the chunks joined equal `resample` of the whole.

    Output comes late, never shifted: soxr works in blocks, so it lags its input by up to 41 ms
    between 16, 44.1 and 48 kHz, and by up to 180 ms to or from 8 kHz, until `last` flushes it. A
    resampler serves one stream; after `last` it takes no more.

    Args:
        from_rate: samples per second in.
        to_rate: samples per second out. Equal rates pass chunks through at once.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        _require_rates(from_rate, to_rate)
        self._stream = (
            None
            if from_rate == to_rate
            else soxr.ResampleStream(from_rate, to_rate, 1, "float32", quality=QUALITY)
        )

    def __call__(
        self, chunk: Float32[np.ndarray, " samples"], last: bool = False
    ) -> Float32[np.ndarray, " resampled"]:
        """What is ready after this chunk; with `last`, all that remains."""
        if self._stream is None:
            return chunk
        resampled: np.ndarray = self._stream.resample_chunk(chunk, last)
        return resampled


def _require_rates(from_rate: int, to_rate: int) -> None:
    if from_rate <= 0 or to_rate <= 0:
        raise ValueError(f"rates are positive, not {from_rate} and {to_rate} Hz")
