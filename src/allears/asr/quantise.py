"""A recogniser in fewer bits, kept only where it hears as well (needs `onnx`).

In 16 only the file is smaller. In 8 products are of whole numbers: weights have a scale for each output, and 7 of
the 8 bits, so no processor's sums overflow, and what was measured on one holds on all. What goes in is scaled by
its own extremes, call by call: streams of one batch, and chunks of another length, are no longer equal to the last
bit.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx

from allears.asr.bundle import FLOAT16, INT8, Bundle, serialise
from allears.asr.session import OnnxNetworks
from allears.nn.weightless import parted, whole

RISE = 0.02
"""By which share word errors may rise."""

_PRODUCTS = ["MatMul", "Gemm", "LSTM"]
_PREPARED = ("onnx.quant.pre_process", "onnxruntime.quant")
"""What the library looks for before it says that a model should be prepared."""

Measure = Callable[[OnnxNetworks], float]
"""The word error rate of networks on what they were not trained on."""


def quantised(bundle: Bundle) -> Bundle:
    """The same recogniser with products in 8 bits."""
    graphs, weights = {}, {}
    for name, graph in bundle.graphs.items():
        model = _quantised(whole(graph, bundle.weights[name]))
        graphs[name], weights[name] = parted(model)
    return replace(bundle, about=replace(bundle.about, form=INT8), graphs=graphs, weights=weights)


def halved(bundle: Bundle) -> Bundle:
    """The same recogniser with weights of 16 bits: as fast, half the file.

    Raises ValueError where a weight is beyond them.
    """
    weights = {
        graph: {name: _rounded(each) for name, each in theirs.items()}
        for graph, theirs in bundle.weights.items()
    }
    return replace(bundle, about=replace(bundle.about, form=FLOAT16), weights=weights)


_SMALLER = {INT8: quantised, FLOAT16: halved}


def judged(
    bundle: Bundle,
    measure: Measure,
    sizes: dict[str, int],
    smaller: Sequence[str] = (),
    *,
    rise: float = RISE,
) -> Bundle:
    """The bundle in the first of `smaller` forms in which word errors rise by no more than that share, or as is.

    What was measured of it and of every form up to that one goes into `rates`, the bytes of each into `sizes`.
    """
    rates = {bundle.about.form: measure(OnnxNetworks.of(bundle))}
    most = rates[bundle.about.form] * (1 + rise)
    kept = bundle
    for form in smaller:
        small = _SMALLER[form](bundle)
        sizes[form], rates[form] = len(serialise(small)), measure(OnnxNetworks.of(small))
        if rates[form] <= most:
            kept = small
            break
    return replace(kept, about=replace(kept.about, rates=rates))


def _rounded(weight: np.ndarray) -> np.ndarray:
    if weight.dtype != np.float32:
        return weight
    with np.errstate(over="ignore"):
        found = weight.astype(np.float16).astype(np.float32)
    if not np.isfinite(found).all():
        raise ValueError("a weight is beyond what 16 bits hold")
    return found


def _quantised(model: onnx.ModelProto) -> onnx.ModelProto:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model.metadata_props.add(key=_PREPARED[0], value=_PREPARED[1])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        quantize_dynamic(
            model, path, op_types_to_quantize=_PRODUCTS, per_channel=True, reduce_range=True,
            weight_type=QuantType.QInt8,
        )  # fmt: skip
        return onnx.load_model(path)
