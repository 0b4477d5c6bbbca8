"""From a trained transducer (torch) to what runs without torch: three step graphs in one file.

Batch and time stay open in the graphs; states go in as `state.0`, … and come out as `after.0`, …, batch first.
"""

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from allears.asr.bundle import About, Bundle, serialise
from allears.asr.model import Transducer
from allears.asr.networks import Networks
from allears.asr.recogniser import RecogniserError
from allears.asr.session import OnnxNetworks
from allears.asr.tokens import Tokens
from allears.asr.torch_networks import TorchNetworks
from allears.nn.states import filled, tensors
from allears.nn.trace import traced
from allears.nn.weightless import parted
from allears.outputs import write_whole

_TOLERANCE = 1e-3
"""Of what is of the order of one: far above rounding, far below another graph."""


def export(model: Transducer, tokens: Tokens, path: Path, *, text: str = "") -> Bundle:
    """Write what `OnnxNetworks` reads. Raises RecogniserError where it would not equal the model."""
    found = bundle(model, tokens, text=text)
    write_whole(path, serialise(found))
    return found


def bundle(model: Transducer, tokens: Tokens, *, text: str = "") -> Bundle:
    """The same before it is a file; `model` stays where and as it is."""
    model = copy.deepcopy(model).float().cpu().eval()
    config = model.config
    about = About(
        config.bands, config.stack, config.joint, config.encoder_kind, text=text,
        branches=model.branches, network=config.plain(),
    )  # fmt: skip
    steps, weights = {}, {}
    for name, graph in graphs(model).items():
        steps[name], weights[name] = parted(graph)
    made = Bundle(about, tokens, steps, weights)
    _compare(OnnxNetworks.of(made), TorchNetworks(model, tokens))
    return made


class _Encoder(nn.Module):
    """Log-mel frames to what the joiner hears."""

    def __init__(self, model: Transducer) -> None:
        super().__init__()
        self.model, self.like = model, model.encoder.initial_state(1)

    def forward(self, mels: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        heard, after = self.model.encode(mels, filled(self.like, iter(state)))
        return (heard, *tensors(after))


class _Predictor(nn.Module):
    """One symbol of each stream to what the joiner expects."""

    def __init__(self, model: Transducer) -> None:
        super().__init__()
        self.model, self.like = model, model.predictor.initial_state(1)

    def forward(self, symbols: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        expected, after = self.model.predict(symbols[:, None], filled(self.like, iter(state)))
        return (expected[:, 0], *tensors(after))


class _Joiner(nn.Module):
    """Both to log-probabilities."""

    def __init__(self, model: Transducer) -> None:
        super().__init__()
        self.joiner = model.joiner

    def forward(self, heard: Tensor, expected: Tensor) -> Tensor:
        logits: Tensor = self.joiner(heard, expected)
        return logits.log_softmax(1)


def graphs(model: Transducer) -> dict[str, onnx.ModelProto]:
    """Its steps as `bundle.GRAPHS`, with weights. Raises RecogniserError where states do not begin as zeros."""
    config, batch = model.config, 2
    mels = torch.zeros(batch, 3 * config.stack, config.bands)
    symbols = torch.zeros(batch, dtype=torch.int64)
    joint = torch.zeros(batch, config.joint)
    heard, said = (
        list(tensors(each.initial_state(batch))) for each in (model.encoder, model.predictor)
    )
    if any(each.any() for each in (*heard, *said)):
        raise RecogniserError("states that do not begin as zeros cannot be exported")
    return {
        "encoder": traced(_Encoder(model), {"mels": mels}, heard, "heard", ["mels", "heard"]),
        "predictor": traced(_Predictor(model), {"symbols": symbols}, said, "expected"),
        "joiner": traced(_Joiner(model), {"heard": joint, "expected": joint}, [], "scores"),
    }


def _compare(made: Networks, reference: Networks) -> None:
    """Chunks of several sizes through both, in batches of several. Raises RecogniserError where they part."""
    random = np.random.default_rng(0)
    for batch, chunks in ((1, (1, 2)), (3, (2, 5, 1))):
        results = []
        mels = [
            random.normal(size=(batch, frames * made.stack, made.bands)).astype(np.float32)
            for frames in chunks
        ]
        symbols = random.integers(1, made.tokens.size, (len(chunks), batch))
        for networks in (made, reference):
            results.append(_heard(networks, mels, symbols))
        for mine, theirs in zip(*results, strict=True):
            if not np.allclose(mine, theirs, atol=_TOLERANCE, rtol=_TOLERANCE):
                worst = np.abs(mine - theirs).max()
                raise RecogniserError(
                    f"the exported graphs are {worst:.2g} off the model; this encoder cannot be exported"
                )


def _heard(networks: Networks, mels: Sequence[np.ndarray], symbols: np.ndarray) -> list[np.ndarray]:
    found = []
    encoder = networks.encoder_state(len(mels[0]))
    predictor = networks.predictor_state(len(mels[0]))
    for each, symbol in zip(mels, symbols, strict=True):
        heard, encoder = networks.encode(each, encoder)
        expected, predictor = networks.predict(symbol, predictor)
        found += [heard, expected, networks.join(heard[:, -1, : expected.shape[1]], expected)]
    return [*found, *encoder, *predictor]
