"""A streaming network that runs live, without torch: a graph by onnxruntime, weights from elsewhere.

The graph files hold no weights, so one graph serves whichever weights are given it: those that ship, those
a user trained, those of Opus' release. States go in and come out, batch first, as in `layers`; what of them
has further dimensions there is flattened here.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from allears.errors import AllearsError
from allears.nn.graphfile import wanted

_TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64}

State = tuple[np.ndarray, ...]
"""What a network remembers of a batch of streams, batch first."""


class NetworkError(AllearsError):
    """A graph that cannot be run with these weights; the message names both, and what is wrong."""


class Network:
    """`graph` is an ONNX file by `export`; `weights` are arrays by name, of which it takes what it needs."""

    def __init__(self, graph: Path, weights: Mapping[str, np.ndarray], *, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 4
        try:
            model = graph.read_bytes()
            chosen = _chosen(model, weights)
        except (OSError, ValueError) as error:
            raise NetworkError(f"{graph}: {error}; install again") from None
        # The session reads them as long as it lives.
        self._values = [ort.OrtValue.ortvalue_from_numpy(each) for each in chosen.values()]
        options.add_external_initializers(list(chosen), self._values)
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        given, found = self._session.get_inputs(), self._session.get_outputs()
        self._inputs = [each.name for each in given]
        self._states = [
            (each.shape[1:], _TYPES[each.type]) for each in given if each.name.startswith("state.")
        ]
        self.widths = [each.shape[1] for each in given if not each.name.startswith("state.")]
        """Numbers in a row of each input."""
        self._outputs = sum(not each.name.startswith("after.") for each in found)

    def initial_state(self, batch: int) -> State:
        """Zeros: before the first step of `batch` streams."""
        return tuple(np.zeros((batch, *shape), kind) for shape, kind in self._states)

    def __call__(
        self, inputs: Sequence[np.ndarray], state: State = ()
    ) -> tuple[tuple[np.ndarray, ...], State]:
        """Outputs and the state after."""
        given = dict(zip(self._inputs, (*inputs, *state), strict=True))
        results = self._session.run(None, given)
        return tuple(results[: self._outputs]), tuple(results[self._outputs :])


def _chosen(model: bytes, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the graph asks for, out of `weights`."""
    chosen = {}
    for name, shape in wanted(model).items():
        if name not in weights:
            raise ValueError(f"the weights have no {name}")
        if weights[name].shape != shape:
            raise ValueError(f"{name} of the weights is of another shape than {shape}")
        chosen[name] = np.ascontiguousarray(weights[name], np.float32)
    return chosen
