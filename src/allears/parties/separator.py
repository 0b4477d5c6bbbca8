"""From one sound to a branch for each of those who talk at once, and all branches through one encoder.

After Sklyar, Piunova and Liu, "Streaming multi-speaker ASR with RNN-T" (ICASSP 2021), and "Separator-transducer-
segmenter" (Interspeech 2022): a separator, and a recognition encoder whose weights the branches share. As in SURT
(Lu et al. 2021, Raj et al. 2023) it is what a recogniser is given that is separated: a branch is the mixture's
log-mel frames where its talker is to be heard, and quiet elsewhere. So the encoder of any recogniser of single
talkers stands behind it as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from allears.asr.encoders.kinds import ENCODERS
from allears.nn.lstm import LstmLayers, LstmState

_OPEN = 3.0
"""Gates of the first branch begin this open, those of others as closed."""


@dataclass(frozen=True, slots=True)
class SeparatorConfig:
    """`encoder` holds the fields of the recogniser's encoder, whose kind is `encoder_kind`.

    `separating` layers of LSTM, `width` wide, say what belongs to which of `branches`.
    """

    inputs: int
    encoder_kind: str = "vgglstm"
    encoder: Mapping[str, Any] = field(default_factory=dict)
    branches: int = 2
    separating: int = 2
    width: int = 384
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.branches < 1 or self.separating < 1 or self.width < 1:
            raise ValueError("a separator has a branch, a layer and a unit, or more")


class SeparatorState(NamedTuple):
    """The separator's, and each branch's of the recogniser's encoder: (batch, branches, ...) each."""

    separating: LstmState
    recognising: Any


class Separator(nn.Module):
    """An encoder of several branches: `encoder(x, state) -> (y, state)`, y with one dimension more.

    `quiet` is the frame in which nobody speaks.
    """

    def __init__(self, config: SeparatorConfig) -> None:
        super().__init__()
        kind, encoder = ENCODERS[config.encoder_kind]
        whole: Any = encoder(kind(**{"inputs": config.inputs, **config.encoder}))
        self.recogniser = whole
        self.width: int = whole.width
        self.inputs, self.branches = config.inputs, config.branches
        self.separating = LstmLayers(config.inputs, config.width, config.separating, config.dropout)
        self.gates = nn.Linear(config.width, config.branches * config.inputs)
        self.quiet: Tensor
        self.register_buffer("quiet", torch.zeros(config.inputs))
        self._begin()

    def _begin(self) -> None:
        """At first the first branch has everything, others next to nothing."""
        nn.init.normal_(self.gates.weight, std=0.1 * self.gates.in_features**-0.5)
        nn.init.constant_(self.gates.bias, -_OPEN)
        nn.init.constant_(self.gates.bias[: self.inputs], _OPEN)

    def initial_state(self, batch: int) -> SeparatorState:
        """Before the first frame."""
        branches = self.recogniser.initial_state(batch * self.branches)
        return SeparatorState(
            self.separating.initial_state(batch),
            _each(branches, lambda part: part.unflatten(0, (batch, self.branches))),
        )

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: SeparatorState
    ) -> tuple[Float[Tensor, "batch branches frames width"], SeparatorState]:
        """All frames of `x`."""
        branches, separating = self.separate(x, state.separating)
        found, recognising = self.recognise(branches, state.recognising)
        return found, SeparatorState(separating, recognising)

    def separate(
        self, x: Float[Tensor, "batch time inputs"], state: LstmState
    ) -> tuple[Float[Tensor, "batch branches time inputs"], LstmState]:
        """What each branch is to recognise."""
        parted, state = self.separating(x, state)
        gates = torch.sigmoid(self.gates(parted)).unflatten(2, (self.branches, self.inputs))
        return self.quiet + gates.transpose(1, 2) * (x - self.quiet)[:, None], state

    def recognise(
        self, branches: Float[Tensor, "batch branches time inputs"], state: Any
    ) -> tuple[Float[Tensor, "batch branches frames width"], Any]:
        """What each branch hears, all by the same weights."""
        before = _each(state, lambda part: part.flatten(0, 1))
        found, after = self.recogniser(branches.flatten(0, 1), before)
        sizes = (-1, self.branches)
        return found.unflatten(0, sizes), _each(after, lambda part: part.unflatten(0, sizes))


def _each(state: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """All parts of a state, changed alike."""
    if isinstance(state, Tensor):
        return change(state)
    parts = [_each(part, change) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
