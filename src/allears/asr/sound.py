"""What a stream may be given."""

import numpy as np
from jaxtyping import Float32

from allears.asr.recogniser import RecogniserError


def checked(samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " samples"]:
    """The same, in ±1. Raises RecogniserError for what is no row of finite float32."""
    if not isinstance(samples, np.ndarray) or samples.dtype != np.float32 or samples.ndim != 1:
        what = f"{samples.dtype} {samples.shape}" if isinstance(samples, np.ndarray) else "no array"
        raise RecogniserError(f"{what} where one row of float32 samples in ±1 is wanted")
    if not np.isfinite(samples).all():
        raise RecogniserError("samples that are no numbers (NaN or infinite)")
    clipped: np.ndarray = np.clip(samples, -1, 1)
    return clipped
