"""The networks of a transducer run by torch: the reference, and what judges a model while it trains."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from allears.asr.model import Transducer
from allears.asr.networks import State
from allears.asr.recogniser import RecogniserError
from allears.asr.tokens import Tokens


class TorchNetworks:
    """`networks.Networks` of a model; `model` is put into evaluation."""

    def __init__(self, model: Transducer, tokens: Tokens) -> None:
        self._model, self.tokens = model.eval(), tokens
        self.bands, self.stack = model.config.bands, model.config.stack
        self.branches = model.branches

    def encoder_state(self, batch: int) -> State:
        """Before the first frame."""
        return _flat(self._model.encoder.initial_state(batch))

    def predictor_state(self, batch: int) -> State:
        """Before the first symbol."""
        return _flat(self._model.predictor.initial_state(batch))

    @torch.inference_mode()
    def encode(
        self, mels: Float32[np.ndarray, "batch time bands"], state: State
    ) -> tuple[Float32[np.ndarray, "batch frames joint"], State]:
        """`time` is a multiple of `stack`, else RecogniserError."""
        if mels.shape[1] % self.stack:
            raise RecogniserError(
                f"{mels.shape[1]} frames of 10 ms; the encoder takes multiples of {self.stack}"
            )
        before = _filled(self._model.encoder.initial_state(len(mels)), state)
        found, after = self._model.encode(torch.from_numpy(mels), before)
        return found.numpy(), _flat(after)

    @torch.inference_mode()
    def predict(
        self, symbols: Int64[np.ndarray, " batch"], state: State
    ) -> tuple[Float32[np.ndarray, "batch joint"], State]:
        """One symbol further."""
        before = _filled(self._model.predictor.initial_state(len(symbols)), state)
        found, after = self._model.predict(torch.from_numpy(symbols)[:, None], before)
        return found[:, 0].numpy(), _flat(after)

    @torch.inference_mode()
    def join(
        self,
        encoded: Float32[np.ndarray, "batch joint"],
        predicted: Float32[np.ndarray, "batch joint"],
    ) -> Float32[np.ndarray, "batch vocabulary"]:
        """Log-probabilities of the next symbol."""
        logits = self._model.joiner(torch.from_numpy(encoded), torch.from_numpy(predicted))
        return np.asarray(logits.log_softmax(1).numpy())


def _flat(state: Any) -> State:
    if isinstance(state, Tensor):
        return (state.numpy(),)
    return tuple(array for part in state for array in _flat(part))


def _filled(like: Any, state: Sequence[np.ndarray]) -> Any:
    """`state` in the form of `like`."""
    return _taken(like, iter(state))


def _taken(like: Any, arrays: Iterator[np.ndarray]) -> Any:
    if isinstance(like, Tensor):
        return torch.from_numpy(next(arrays))
    parts = [_taken(part, arrays) for part in like]
    return like._make(parts) if hasattr(like, "_make") else type(like)(parts)
