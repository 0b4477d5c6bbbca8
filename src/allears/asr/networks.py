"""The three networks of a transducer as search sees them: arrays in, arrays out, whatever runs them.

States are tuples of arrays, batch first (`nn.batch` joins and parts them).
"""

from typing import Protocol

import numpy as np
from jaxtyping import Float32, Int64

from allears.asr.tokens import Tokens

State = tuple[np.ndarray, ...]

BLANK = 0
"""The symbol that says: next frame. Also what the predictor hears before the first symbol."""


class Networks(Protocol):
    """Encoder, predictor and joiner; what goes between them is as the joiner wants it."""

    @property
    def tokens(self) -> Tokens:
        """The symbols' texts."""

    @property
    def bands(self) -> int:
        """Log-mel bands (`audio.mel`) the encoder hears."""

    @property
    def stack(self) -> int:
        """Log-mel frames of 10 ms to a frame of the encoder."""

    @property
    def branches(self) -> int:
        """Of how many talkers at once they tell; what each says stands side by side in what is encoded."""

    def encoder_state(self, batch: int) -> State:
        """Before the first frame."""

    def encode(
        self, mels: Float32[np.ndarray, "batch time bands"], state: State
    ) -> tuple[Float32[np.ndarray, "batch frames joint"], State]:
        """`time` is a multiple of `stack`, else RecogniserError."""

    def predictor_state(self, batch: int) -> State:
        """Before the first symbol."""

    def predict(
        self, symbols: Int64[np.ndarray, " batch"], state: State
    ) -> tuple[Float32[np.ndarray, "batch joint"], State]:
        """One symbol further."""

    def join(
        self,
        encoded: Float32[np.ndarray, "batch joint"],
        predicted: Float32[np.ndarray, "batch joint"],
    ) -> Float32[np.ndarray, "batch vocabulary"]:
        """Log-probabilities of the next symbol."""
