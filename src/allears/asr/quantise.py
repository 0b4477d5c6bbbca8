"""A recogniser's products in whole numbers of 8 bits, kept only where it hears as well (needs `onnx`).

Weights have a scale for each output, and 7 bits of the 8: so no processor's sums overflow, and what was measured
on one holds on all. What goes in is scaled by its own extremes, call by call: streams of one batch, and chunks of
another length, are no longer equal to the last bit.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx

from allears.asr.bundle import Bundle, serialise
from allears.asr.networks import Networks
from allears.asr.session import OnnxNetworks
from allears.nn.weightless import parted, whole

RISE = 0.02
"""By which share word errors may rise."""

_PRODUCTS = ["MatMul", "Gemm", "LSTM"]
_PREPARED = ("onnx.quant.pre_process", "onnxruntime.quant")
"""What the library looks for before it says that a model should be prepared."""

Measure = Callable[[Networks], float]
"""The word error rate of networks on what they were not trained on."""


def quantised(bundle: Bundle) -> Bundle:
    """The same recogniser with products in 8 bits."""
    graphs, weights = {}, {}
    for name, graph in bundle.graphs.items():
        model = _quantised(whole(graph, bundle.weights[name]))
        graphs[name], weights[name] = parted(model)
    return replace(bundle, about=replace(bundle.about, int8=True), graphs=graphs, weights=weights)


def gated(bundle: Bundle, measure: Measure, *, rise: float = RISE) -> Bundle:
    """`quantised` if word errors rise by no more than that share, else as it was; `rates` say what came out."""
    small = quantised(bundle)
    rates = {
        "float": measure(OnnxNetworks.of(bundle)),
        "int8": measure(OnnxNetworks.of(small)),
    }
    kept = small if rates["int8"] <= rates["float"] * (1 + rise) else bundle
    return replace(kept, about=replace(kept.about, rates=rates))


def judged(bundle: Bundle, measure: Measure, sizes: dict[str, int], *, int8: bool) -> Bundle:
    """The bundle as it is to be kept, with what was measured: in 8 bits, if that is wished for and hears as well.

    The bytes of the form in 8 bits go into `sizes`.
    """
    if int8:
        sizes["int8"] = len(serialise(quantised(bundle)))
        return gated(bundle, measure)
    rates = {"float": measure(OnnxNetworks.of(bundle))}
    return replace(bundle, about=replace(bundle.about, rates=rates))


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
