"""From a recogniser's file back to the transducer it was made of, so that it can learn on (needs torch and onnx).

Where a weight went is found by sending numbers through the same export instead of weights. What was rounded stays
rounded. Of two tensors that are equal, as some are before anything was learnt, the export keeps one: such a model
is not restored.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from allears.asr import bundle as recogniser_file
from allears.asr import checkpoint
from allears.asr.bundle import Bundle
from allears.asr.export import graphs
from allears.asr.model import Transducer, TransducerConfig
from allears.asr.recogniser import RecogniserError
from allears.asr.tokens import Tokens
from allears.nn.weightless import parted

MOST = 1 << 24
"""Weights that can be told apart by whole numbers in 32 bits."""
_ROUNDED = "_quantized", "_scale", "_zero_point"
"""Names of a weight in 8 bits, of its scales and of its zeros."""


def load(path: Path) -> tuple[Transducer, Tokens]:
    """The model of a checkpoint or of a recogniser's file. Raises RecogniserError for anything else."""
    if checkpoint.kind_of(path) != recogniser_file.KIND:
        return checkpoint.load(path)
    made = recogniser_file.read(path)
    try:
        return restored(made)
    except RecogniserError as error:
        raise RecogniserError(
            f"{path}: {error}; give the checkpoint it was exported from"
        ) from None


def restored(bundle: Bundle) -> tuple[Transducer, Tokens]:
    """The model a bundle was made of. Raises RecogniserError where it does not say, or other graphs come of it."""
    if not bundle.about.network:
        raise RecogniserError("does not say what it was made of")
    try:
        model = Transducer(TransducerConfig(**dict(bundle.about.network)))
        values = torch.full((_size(model),), torch.nan)
        for graph, numbers in _sent(model).items():
            weights = _weights(bundle.weights[graph])
            for name, places in numbers.items():
                weight = weights[name]
                if weight.shape != places.shape:
                    weight = weight.swapaxes(-1, -2)
                values[torch.from_numpy(places)] = torch.tensor(weight)
        _fill(model, values)
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        why = " ".join(str(error).split())
        raise RecogniserError(f"is not what its description makes ({why})") from None
    missing = [name for name, each in model.state_dict().items() if each.isnan().any()]
    if missing:
        raise RecogniserError(f"lacks {', '.join(missing[:3])} of what it was made of")
    return model.eval(), bundle.tokens


def _size(model: Transducer) -> int:
    size: int = sum(each.numel() for each in model.state_dict().values())
    if size > MOST:
        raise ValueError(f"{size} weights are more than the {MOST} that can be told apart")
    return size


def _sent(model: Transducer) -> dict[str, dict[str, np.ndarray]]:
    """What stands in each weight of each graph, as the place it has among all of the model's."""
    _fill(model, torch.arange(_size(model)).float())
    found = {}
    for graph, made in graphs(model).items():
        numbers = {name: (each, each.astype(np.int64)) for name, each in parted(made)[1].items()}
        if any((each != whole).any() for each, whole in numbers.values()):
            raise ValueError("its graphs hold what was computed of weights")
        found[graph] = {name: whole for name, (_, whole) in numbers.items()}
    return found


def _fill(model: Transducer, values: torch.Tensor) -> None:
    """Make the model's weights these, one after another."""
    state = model.state_dict()
    parts = values.split([each.numel() for each in state.values()])
    model.load_state_dict(
        {name: part.view_as(state[name]) for name, part in zip(state, parts, strict=True)}
    )


def _weights(kept: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All in 32 bits, under the names they have there."""
    rounded, scale, zero = _ROUNDED
    found = {name: each for name, each in kept.items() if not name.endswith(_ROUNDED)}
    for name, each in kept.items():
        if name.endswith(rounded):
            plain = name.removesuffix(rounded)
            # A scale and a zero for each output, which is the last of a weight's dimensions.
            scales, zeros = (kept[plain + end].astype(np.float32) for end in (scale, zero))
            found[plain] = (each.astype(np.float32) - zeros[..., None, :]) * scales[..., None, :]
    return found
