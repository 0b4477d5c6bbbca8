"""A streaming network that runs live, without torch: a graph by onnxruntime, weights from elsewhere.

The graph files hold no weights, so one graph serves whichever weights are given it: those that ship, those
a user trained, those of Opus' release. States go in and come out, batch first, as in `layers`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from allears.errors import AllearsError

State = tuple[np.ndarray, ...]
"""What a network remembers of a batch of streams, batch first."""


class NetworkError(AllearsError):
    """A graph that cannot be run with these weights; the message names what is missing."""


class Network:
    """`graph` is an ONNX file by `export`; `weights` are arrays by name."""

    def __init__(self, graph: Path, weights: Mapping[str, np.ndarray], *, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3
        # Numbers too small to matter make a processor some hundred times slower in silence.
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        values = {name: np.ascontiguousarray(value, np.float32) for name, value in weights.items()}
        self._values = [ort.OrtValue.ortvalue_from_numpy(value) for value in values.values()]
        options.add_external_initializers(list(values), self._values)
        try:
            self._session = ort.InferenceSession(
                graph.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has no common class of its errors
            raise NetworkError(f"{graph.name}: does not run with these weights ({error})") from None
        self._inputs = [each.name for each in self._session.get_inputs()]
        shapes = {each.name: each.shape for each in self._session.get_inputs()}
        self._states = [shapes[name][1:] for name in self._inputs if name.startswith("state.")]
        self._outputs = len(self._session.get_outputs()) - len(self._states)

    def initial_state(self, batch: int) -> State:
        """Zeros: before the first step of `batch` streams."""
        return tuple(np.zeros((batch, *shape), np.float32) for shape in self._states)

    def __call__(
        self, inputs: Sequence[np.ndarray], state: State = ()
    ) -> tuple[tuple[np.ndarray, ...], State]:
        """Outputs and the state after."""
        given = dict(zip(self._inputs, (*inputs, *state), strict=True))
        results = self._session.run(None, given)
        return tuple(results[: self._outputs]), tuple(results[self._outputs :])


def join(states: Sequence[State]) -> State:
    """States of several batches as those of one."""
    return tuple(np.concatenate(parts) for parts in zip(*states, strict=True))


def split(state: State) -> list[State]:
    """The state of each stream in a batch, as a batch of one."""
    return [tuple(part[index : index + 1] for part in state) for index in range(len(state[0]))]
