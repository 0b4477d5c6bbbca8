"""What those that listen may be given."""

import numpy as np
from jaxtyping import Float32

from allears.errors import AllearsError


def checked(samples: object, error: type[AllearsError]) -> Float32[np.ndarray, " samples"]:
    """The same samples, in ±1. Raises `error` for what is no row of finite float32."""
    if not isinstance(samples, np.ndarray) or samples.dtype != np.float32 or samples.ndim != 1:
        what = f"{samples.dtype} {samples.shape}" if isinstance(samples, np.ndarray) else "no array"
        raise error(f"{what} where one row of float32 samples in ±1 is wanted; convert it")
    if not np.isfinite(samples).all():
        raise error("samples that are no numbers (NaN or infinite); give whole audio")
    clipped: np.ndarray = np.clip(samples, -1, 1)
    return clipped
