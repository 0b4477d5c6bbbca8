"""Convolutions over time and bands, then LSTMs, as in Deep Speech 2 (Amodei et al. 2016) and ESPnet's VGG-LSTM.

A filter that slides over bands, too, hears a voice whose formants lie higher or lower as the same: of few
speakers more is learned. Convolutions look back only, so nothing of the future is heard.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from allears.nn.conv import BandsConv
from allears.nn.lstm import LstmLayers, LstmState


@dataclass(frozen=True, slots=True)
class VggLstmConfig:
    """Stacked frames have `bands` each. A convolution with a stride over 1 steps over frames and halves bands."""

    inputs: int
    width: int = 256
    layers: int = 3
    bands: int = 64
    channels: tuple[int, ...] = (32, 64, 64)
    strides: tuple[int, ...] = (2, 2, 1)
    kernel: int = 3
    dropout: float = 0.1
    residual: bool = True


class VggLstmState(NamedTuple):
    """What each convolution looks back on, (batch, channels, frames, bands), and the LSTMs'."""

    convs: tuple[Tensor, ...]
    lstm: LstmState


class VggLstm(nn.Module):
    """Convolutions, each normalised per frame, a layer that brings them to `width`, then layers of LSTM."""

    def __init__(self, config: VggLstmConfig) -> None:
        super().__init__()
        self.width, self.bands, self.strides = config.width, config.bands, config.strides
        steps, bands = config.inputs // config.bands, config.bands
        convs, norms = [], []
        for (inputs, outputs), stride in zip(
            pairwise((1, *config.channels)), config.strides, strict=True
        ):
            steps //= stride
            convs.append(BandsConv(inputs, outputs, config.kernel, stride, bands, steps))
            norms.append(nn.LayerNorm((outputs, bands)))
            bands //= 2 if stride > 1 else 1
        if steps != 1 or config.inputs % config.bands:
            raise ValueError(
                f"{config.inputs} inputs are no frames of {config.bands} bands for strides {config.strides}"
            )
        self.convs, self.norms = nn.ModuleList(convs), nn.ModuleList(norms)
        self.finish = nn.Linear(config.channels[-1] * bands, config.width)
        self.norm = nn.LayerNorm(config.width)
        self.layers = LstmLayers(
            config.width, config.width, config.layers, config.dropout, residual=config.residual
        )

    def initial_state(self, batch: int) -> VggLstmState:
        """Before the first frame."""
        convs = tuple(conv.initial_state(batch) for conv in self.convs)  # type: ignore[operator]
        return VggLstmState(convs, self.layers.initial_state(batch))

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: VggLstmState
    ) -> tuple[Float[Tensor, "batch time width"], VggLstmState]:
        """All frames of `x`."""
        image, after = x.reshape(x.shape[0], 1, -1, self.bands), []
        layers = zip(self.convs, self.norms, self.strides, state.convs, strict=True)
        for conv, norm, stride, past in layers:
            image, kept = conv(image, past)
            image = torch.relu(norm(image.transpose(1, 2)).transpose(1, 2))
            if stride > 1:
                # As max_pool2d, which is slow in half precision on a processor.
                image = torch.maximum(image[..., ::2], image[..., 1::2])
            after.append(kept)
        heard = self.norm(self.finish(image.transpose(1, 2).flatten(2)))
        y, lstm = self.layers(heard, state.lstm)
        return y, VggLstmState(tuple(after), lstm)
