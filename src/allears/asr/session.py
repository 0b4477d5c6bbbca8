"""The networks of a recogniser's file, run live by onnxruntime, without torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
from jaxtyping import Float32, Int64

from allears.asr.bundle import GRAPHS, Bundle, read
from allears.asr.networks import State
from allears.asr.recogniser import RecogniserError
from allears.nn.step import Step


class OnnxNetworks:
    """`networks.Networks` out of a file by `export`.

    Raises RecogniserError naming the file and the remedy.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._open(read(path), str(path), threads)

    @classmethod
    def of(cls, bundle: Bundle, threads: int = 1) -> "OnnxNetworks":
        """The same before it is a file."""
        made = cls.__new__(cls)
        made._open(bundle, bundle.about.text or "the recogniser", threads)
        return made

    def _open(self, bundle: Bundle, where: str, threads: int) -> None:
        self.about, self.tokens = bundle.about, bundle.tokens
        self.bands, self.stack = bundle.about.bands, bundle.about.stack
        self.branches = bundle.about.branches
        steps = []
        for graph in GRAPHS:
            try:
                steps.append(Step(bundle.graphs[graph], bundle.weights[graph], threads))
            except (ValueError, MemoryError) as error:
                _refuse(where, f"graph.{graph} cannot be run: {error}")
        self._encoder, self._predictor, self._joiner = steps
        try:
            self._try()
        except (RecogniserError, ValueError, MemoryError) as error:
            _refuse(where, str(error))

    def _try(self) -> None:
        """One frame through all three: what is no recogniser shows now, and not in a call."""
        mels = np.zeros((1, self.stack, self.bands), np.float32)
        before = self.encoder_state(1), self.predictor_state(1)
        heard, encoder = self.encode(mels, before[0])
        expected, predictor = self.predict(np.zeros(1, np.int64), before[1])
        joint, branches = self.about.joint, self.about.branches
        if heard.shape != (1, 1, branches * joint) or expected.shape != (1, joint):
            raise ValueError("its graphs do not fit its description")
        if self.join(heard[:, 0, :joint], expected).shape != (1, self.tokens.size):
            raise ValueError("its graphs do not fit its symbols")
        for old, new in zip((*before[0], *before[1]), (*encoder, *predictor), strict=True):
            if (old.shape, old.dtype) != (new.shape, new.dtype):
                raise ValueError("its states do not last")

    def encoder_state(self, batch: int) -> State:
        """Before the first frame."""
        return self._encoder.initial_state(batch)

    def predictor_state(self, batch: int) -> State:
        """Before the first symbol."""
        return self._predictor.initial_state(batch)

    def encode(
        self, mels: Float32[np.ndarray, "batch time bands"], state: State
    ) -> tuple[Float32[np.ndarray, "batch frames joint"], State]:
        """`time` is a multiple of `stack`, at least one, and numbers are finite, else RecogniserError."""
        if mels.ndim != 3 or mels.shape[2] != self.bands:
            raise RecogniserError(f"frames of shape {mels.shape}; there are {self.bands} bands")
        if not mels.shape[1] or mels.shape[1] % self.stack:
            raise RecogniserError(
                f"{mels.shape[1]} frames of 10 ms; the encoder takes multiples of {self.stack}"
            )
        if not np.isfinite(mels).all():
            raise RecogniserError("some of the frames are not finite; give audio within ±1")
        return _run(self._encoder, (mels,), state)

    def predict(
        self, symbols: Int64[np.ndarray, " batch"], state: State
    ) -> tuple[Float32[np.ndarray, "batch joint"], State]:
        """One symbol further."""
        return _run(self._predictor, (symbols,), state)

    def join(
        self,
        encoded: Float32[np.ndarray, "batch joint"],
        predicted: Float32[np.ndarray, "batch joint"],
    ) -> Float32[np.ndarray, "batch vocabulary"]:
        """Log-probabilities of the next symbol."""
        return _run(self._joiner, (encoded, predicted))[0]


def _run(step: Step, inputs: Sequence[np.ndarray], state: State = ()) -> tuple[np.ndarray, State]:
    """Raises RecogniserError where arrays do not fit."""
    try:
        return step(inputs, state)
    except ValueError as error:
        raise RecogniserError(str(error)) from None


def _refuse(where: str, why: str) -> NoReturn:
    raise RecogniserError(f"{where}: {why}; get it again, or make one with allears export")
