"""What every recogniser is to the rest of the house, ours or anybody's."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Float32

from allears.asr.events import Result
from allears.errors import AllearsError


class RecogniserError(AllearsError):
    """A recogniser that is not there, or cannot do what is asked; the message says the remedy."""


class Stream(Protocol):
    """One stretch of audio being listened to."""

    def accept(self, samples: Float32[np.ndarray, " samples"]) -> Sequence[Result]:
        """What changed by hearing more: 16 kHz, ±1, any number of samples."""

    def finish(self) -> Sequence[Result]:
        """The last words; nothing is accepted after."""


class Recogniser(Protocol):
    """Makes streams."""

    def stream(self) -> Stream:
        """A new stream, which begins at 0 s."""
