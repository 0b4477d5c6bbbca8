"""From a trained network of voices (torch) to what runs without torch: one graph and its weights.

Batch and time stay open in the graph; states go in as `state.0`, … and come out as `after.0`, …, batch first.
"""

import copy

import numpy as np
import onnx
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from allears.nn.states import filled, tensors
from allears.nn.step import Step
from allears.nn.trace import traced
from allears.nn.weightless import parted
from allears.speaker.bundle import About, Bundle
from allears.speaker.ecapa import Ecapa
from allears.speaker.refusal import SpeakerError

_TOLERANCE = 1e-3
"""Of what is of the order of one: far above rounding, far below another graph."""


def bundle(
    model: Ecapa,
    *,
    cohort: Float32[np.ndarray, "voices size"] | None = None,
    text: str = "",
) -> Bundle:
    """Graph, weights and cohort (none by default), not calibrated; `model` stays where and as it is.

    Raises SpeakerError where the graph would not equal the model.
    """
    model = copy.deepcopy(model).float().cpu().eval()
    config = model.config
    graph, weights = parted(_traced(model))
    _compare(Step(graph, weights, 1), model)
    voices = np.zeros((0, config.size), np.float32) if cohort is None else cohort
    about = About(config.bands, config.stack, config.size, text=text)
    return Bundle(about, graph, weights, voices)


class _Flat(nn.Module):
    """A chunk, with states as a graph has them."""

    def __init__(self, model: Ecapa) -> None:
        super().__init__()
        self.model, self.like = model, model.initial_state(1)

    def forward(self, mels: Tensor, weights: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        embedding, after = self.model(mels, filled(self.like, iter(state)), weights)
        return (embedding, *tensors(after))


def _traced(model: Ecapa) -> onnx.ModelProto:
    config, batch = model.config, 2
    frames = 5 * config.stack
    given = {
        "mels": torch.zeros(batch, frames, config.bands),
        "weights": torch.ones(batch, frames),
    }
    states = list(tensors(model.initial_state(batch)))
    return traced(_Flat(model), given, states, "embedding", list(given))


def _compare(step: Step, model: Ecapa) -> None:
    """Chunks of several sizes through both, in batches of several. Raises SpeakerError where they part."""
    random = np.random.default_rng(0)
    for batch, chunks in ((1, (1, 12)), (3, (12, 3, 1))):
        state, expected = step.initial_state(batch), model.initial_state(batch)
        for size in chunks:
            frames = size * model.config.stack
            shape = batch, frames, model.config.bands
            mels = random.normal(size=shape).astype(np.float32)
            weights = random.random((batch, frames)).astype(np.float32)
            found, state = step((mels, weights), state)
            with torch.no_grad():
                theirs, expected = model(
                    torch.from_numpy(mels), expected, torch.from_numpy(weights)
                )
            apart = np.abs(found - theirs.numpy()).max()
            if not apart < _TOLERANCE * max(1.0, float(theirs.abs().max())):
                raise SpeakerError(
                    f"the exported graph is {apart:.2g} off the model; it cannot be exported"
                )
