"""A transducer whole: log-mel frames are stacked and normalised, and three networks say what was spoken."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from allears.asr.encoders.kinds import ENCODERS
from allears.asr.joiner import Joiner
from allears.asr.predictor import PREDICTORS


@dataclass(frozen=True, slots=True)
class TransducerConfig:
    """`encoder` and `predictor` hold the fields of their kinds' own configurations."""

    vocabulary: int
    encoder_kind: str = "lstm"
    encoder: Mapping[str, Any] = field(default_factory=dict)
    predictor_kind: str = "stateless"
    predictor: Mapping[str, Any] = field(default_factory=dict)
    joint: int = 256
    bands: int = 64
    stack: int = 4

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return found


class Transducer(nn.Module):
    """Encoder, predictor and joiner by a configuration; the closed dictionaries say which there are."""

    branches = 1
    """Of how many talkers at once it tells."""

    def __init__(self, config: TransducerConfig) -> None:
        super().__init__()
        self.config = config
        predictor_config, predictor = PREDICTORS[config.predictor_kind]
        self.encoder: Any = self._encoder()
        expected: Any = predictor(predictor_config(**config.predictor), config.vocabulary)
        self.predictor: Any = expected
        self.joiner = Joiner(self.encoder.width, expected.width, config.joint, config.vocabulary)
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(config.bands))
        self.register_buffer("scale", torch.ones(config.bands))

    def _encoder(self) -> Any:
        """What hears stacked frames."""
        config = self.config
        encoder_config, encoder = ENCODERS[config.encoder_kind]
        inputs = config.bands * config.stack
        return encoder(encoder_config(**{"inputs": inputs, **config.encoder}))

    def normalise(self, mean: Float[Tensor, " bands"], deviation: Float[Tensor, " bands"]) -> None:
        """Frames of this mean and deviation become such of 0 and 1."""
        self.mean.copy_(mean)
        self.scale.copy_(1 / deviation)

    def encode(
        self, mels: Float[Tensor, "batch time bands"], state: Any
    ) -> tuple[Float[Tensor, "batch frames joint"], Any]:
        """What is heard, as the joiner wants it; `time` is a multiple of `stack`."""
        encoded, state = self.encoder(self._frames(mels), state)
        return self.joiner.heard(encoded), state

    def _frames(
        self, mels: Float[Tensor, "batch time bands"]
    ) -> Float[Tensor, "batch frames inputs"]:
        """Normalised and stacked."""
        batch, time, bands = mels.shape
        stack = self.config.stack
        return ((mels - self.mean) * self.scale).reshape(batch, time // stack, stack * bands)

    def predict(
        self, symbols: Int[Tensor, "batch positions"], state: Any
    ) -> tuple[Float[Tensor, "batch positions joint"], Any]:
        """What is expected after each symbol, as the joiner wants it."""
        predicted, state = self.predictor(symbols, state)
        return self.joiner.expected(predicted), state

    def forward(
        self, mels: Float[Tensor, "batch time bands"], targets: Int[Tensor, "batch symbols"]
    ) -> Float[Tensor, "batch frames positions vocabulary"]:
        """Logits of every node of the lattice; what pads targets may be any symbol."""
        batch = len(mels)
        encoded, _ = self.encode(mels, self.encoder.initial_state(batch))
        before = nn.functional.pad(targets, (1, 0))
        predicted, _ = self.predict(before, self.predictor.initial_state(batch))
        logits: Tensor = self.joiner(encoded[:, :, None], predicted[:, None])
        return logits
