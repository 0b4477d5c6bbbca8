"""From a streaming module to the graph of its step, for any batch and any number of frames (needs `onnx`)."""

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

OPSET = 17


def traced(
    step: nn.Module,
    inputs: Mapping[str, Tensor],
    states: Sequence[Tensor],
    output: str,
    timed: Sequence[str] = (),
) -> onnx.ModelProto:
    """The graph of `step(*inputs, *states) -> (output, *states after)`, all batch first.

    States go in as `state.0`, … and come out as `after.0`, …; what is `timed` has any number of frames.
    """
    before = [f"state.{index}" for index in range(len(states))]
    after = [f"after.{index}" for index in range(len(states))]
    batch = {name: {0: "batch"} for name in (*inputs, output, *before, *after)}
    axes = batch | {name: {0: "batch", 1: f"{name}.time"} for name in timed}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        path = Path(folder) / "step.onnx"
        # Tracing is what keeps an LSTM one operator; the newer export takes minutes, or fails, for most encoders.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            step.eval(), (*inputs.values(), *states), path, dynamo=False, opset_version=OPSET,
            input_names=[*inputs, *before], output_names=[output, *after], dynamic_axes=axes,
        )  # fmt: skip
        return onnx.load_model(path)
