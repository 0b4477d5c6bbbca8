"""The networks of a recogniser's file, run live by onnxruntime, without torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import onnxruntime as ort
from jaxtyping import Float32, Int64

from allears.asr.bundle import GRAPHS, Bundle, read
from allears.asr.networks import State
from allears.asr.recogniser import RecogniserError
from allears.nn.graphfile import operators, types, wanted

_THEIRS = {("com.microsoft", "DynamicQuantizeLSTM")}
"""What int8 needs beyond ONNX' own operators."""
_KINDS = {1: np.dtype(np.float32), 2: np.dtype(np.uint8), 3: np.dtype(np.int8)}
_TYPES = {"tensor(float)": np.dtype(np.float32), "tensor(int64)": np.dtype(np.int64)}
_LARGEST = 1 << 24
"""Numbers in a state of one stream, at most."""


class Step:
    """One graph with its weights: arrays and states in, one array and the states after out.

    Raises ValueError where it is no such graph, or is more than a graph of plain operators.
    """

    def __init__(self, model: bytes, weights: Mapping[str, np.ndarray], threads: int) -> None:
        strange = sorted(
            f"{domain}.{name}" for domain, name in operators(model) - _THEIRS if domain
        )
        if strange:
            raise ValueError(f"asks for operators that are none of ONNX: {', '.join(strange)}")
        chosen = _chosen(model, weights)
        # The session reads them as long as it lives.
        self._values = [ort.OrtValue.ortvalue_from_numpy(each) for each in chosen.values()]
        options = _options(threads)
        options.add_external_initializers(list(chosen), self._values)
        try:
            self._session = ort.InferenceSession(
                model, options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
        except Exception as error:  # theirs have no base of their own
            raise ValueError(_said(error)) from None
        given = self._session.get_inputs()
        self._inputs = [each.name for each in given]
        self._outputs = [each.name for each in self._session.get_outputs()]
        states = [each for each in given if each.name.startswith("state.")]
        self._states = [(_fixed(each.shape[1:]), _TYPES.get(each.type)) for each in states]
        if len(self._outputs) != 1 + len(states) or any(kind is None for _, kind in self._states):
            raise ValueError(
                f"takes {', '.join(self._inputs)} and gives {', '.join(self._outputs)}"
            )

    def initial_state(self, batch: int) -> State:
        """Zeros."""
        return tuple(np.zeros((batch, *shape), kind) for shape, kind in self._states)

    def __call__(self, inputs: Sequence[np.ndarray], state: State = ()) -> tuple[np.ndarray, State]:
        """What comes out, and the state after. Raises RecogniserError where arrays do not fit."""
        try:
            given = dict(zip(self._inputs, (*inputs, *state), strict=True))
            found = self._session.run(self._outputs, given)
        except Exception as error:
            raise RecogniserError(f"the network cannot take this: {_said(error)}") from None
        return found[0], tuple(found[1:])


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
        return self._encoder((mels,), state)

    def predict(
        self, symbols: Int64[np.ndarray, " batch"], state: State
    ) -> tuple[Float32[np.ndarray, "batch joint"], State]:
        """One symbol further."""
        return self._predictor((symbols,), state)

    def join(
        self,
        encoded: Float32[np.ndarray, "batch joint"],
        predicted: Float32[np.ndarray, "batch joint"],
    ) -> Float32[np.ndarray, "batch vocabulary"]:
        """Log-probabilities of the next symbol."""
        return self._joiner((encoded, predicted))[0]


def _options(threads: int) -> ort.SessionOptions:
    """Quick where calls are small, and nothing burns a core while it waits."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _chosen(model: bytes, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the graph asks for, out of `weights`."""
    chosen, kinds = {}, types(model)
    for name, shape in wanted(model).items():
        if name not in weights:
            raise ValueError(f"its weight {name} is missing")
        found = weights[name]
        if found.shape != shape or found.dtype != _KINDS.get(kinds[name]):
            raise ValueError(f"its weight {name} is not of the shape or type asked for")
        chosen[name] = np.asarray(found, order="C")
    return chosen


def _fixed(shape: Sequence[object]) -> tuple[int, ...]:
    """A state's shape, which has no more than the batch to be chosen."""
    sizes = tuple(each for each in shape if isinstance(each, int))
    if len(sizes) != len(shape) or not all(0 <= each <= _LARGEST for each in sizes):
        raise ValueError(f"has a state of {shape}")
    if np.prod(sizes, dtype=np.float64) > _LARGEST:
        raise ValueError(f"has a state of {shape}")
    return sizes


def _refuse(where: str, why: str) -> NoReturn:
    raise RecogniserError(f"{where}: {why}; get it again, or make one with allears export")


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
