"""A step graph with its weights, run live by onnxruntime: arrays and states in, an array and states after out."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime as ort

from allears.nn.graphfile import operators, types, wanted

State = tuple[np.ndarray, ...]

_THEIRS = {("com.microsoft", "DynamicQuantizeLSTM")}
"""What int8 needs beyond ONNX' own operators."""
_KINDS = {1: np.dtype(np.float32), 2: np.dtype(np.uint8), 3: np.dtype(np.int8)}
_TYPES = {"tensor(float)": np.dtype(np.float32), "tensor(int64)": np.dtype(np.int64)}
_LARGEST = 1 << 24
"""Numbers in a state of one stream, at most."""


class Step:
    """Takes inputs, then states named `state.0`, …; gives one output, then the states after, batch first.

    Raises ValueError where the graph is none, or more than one of plain operators.
    """

    def __init__(self, model: bytes, weights: Mapping[str, np.ndarray], threads: int = 1) -> None:
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
        """What comes out, and the state after. Raises ValueError where arrays do not fit."""
        try:
            given = dict(zip(self._inputs, (*inputs, *state), strict=True))
            found = self._session.run(self._outputs, given)
        except Exception as error:
            raise ValueError(f"the network cannot take this: {_said(error)}") from None
        return found[0], tuple(found[1:])


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


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
