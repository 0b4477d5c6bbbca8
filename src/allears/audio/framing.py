"""Framing: samples cut into frames of one size, whole or as a stream."""

import numpy as np
from jaxtyping import Float32


def frames(samples: Float32[np.ndarray, " samples"], size: int) -> Float32[np.ndarray, "n {size}"]:
    """All frames of a signal, the last one padded with zeros; no samples give no frames."""
    _require_size(size)
    return np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)


class Framer:
    """Framing of a stream: chunks of any length in, frames of one size out.

    Args:
        size: samples per frame.
    """

    def __init__(self, size: int) -> None:
        _require_size(size)
        self.size = size
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: Float32[np.ndarray, " samples"]) -> list[Float32[np.ndarray, " frame"]]:
        """The frames that are complete with these samples."""
        # concatenate copies, so a caller may reuse the buffer that it hands in
        pending = np.concatenate([self._rest, samples])
        whole = len(pending) // self.size * self.size
        self._rest = pending[whole:]
        return list(pending[:whole].reshape(-1, self.size))

    def flush(self) -> list[Float32[np.ndarray, " frame"]]:
        """The last frame, padded with zeros, if samples are left over; the framer starts afresh."""
        rest, self._rest = self._rest, np.zeros(0, np.float32)
        return list(frames(rest, self.size))


def _require_size(size: int) -> None:
    if size <= 0:
        raise ValueError(f"a frame has at least one sample, not {size}")
