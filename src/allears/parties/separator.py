"""From one sound to a branch for each of those who talk at once, and all branches through one encoder.

After Sklyar, Piunova and Liu, "Streaming multi-speaker ASR with RNN-T" (ICASSP 2021), and "Separator-transducer-
segmenter" (Interspeech 2022): mixture encoder, separator, and a recognition encoder whose weights the branches
share. Here a branch is what the mixture encoder heard, gated and corrected, so that a recogniser of single
talkers can be cut in two and go on as the first branch of this.
"""

from collections.abc import Mapping
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
    """`mixture` holds the fields of the mixture encoder's own configuration; its width is that of all.

    `separating` layers of LSTM say what belongs to which of `branches`, `recognising` ones hear each.
    """

    inputs: int
    mixture_kind: str = "vgglstm"
    mixture: Mapping[str, Any] = field(default_factory=dict)
    branches: int = 2
    separating: int = 1
    recognising: int = 2
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.branches < 1 or self.separating < 1 or self.recognising < 1:
            raise ValueError("a separator has one branch, and one layer of each kind, or more")


class SeparatorState(NamedTuple):
    """The mixture encoder's, the separator's, and each branch's: (batch, branches, layers, width) twice."""

    mixture: Any
    separating: LstmState
    recognising: LstmState


class Separator(nn.Module):
    """An encoder of several branches: `encoder(x, state) -> (y, state)`, y with one dimension more."""

    def __init__(self, config: SeparatorConfig) -> None:
        super().__init__()
        kind, mixture = ENCODERS[config.mixture_kind]
        whole: Any = mixture(kind(**{"inputs": config.inputs, **config.mixture}))
        self.mixture = whole
        self.width: int = whole.width
        self.branches = config.branches
        self.separating = LstmLayers(self.width, self.width, config.separating, config.dropout)
        self.gates = nn.Linear(self.width, config.branches * self.width)
        self.corrections = nn.Linear(self.width, config.branches * self.width)
        self.recognising = LstmLayers(
            self.width, self.width, config.recognising, config.dropout, follows=True
        )
        self._begin()

    def _begin(self) -> None:
        """At first the first branch has everything, others next to nothing."""
        for each in (self.corrections.weight, self.corrections.bias, self.gates.bias):
            nn.init.zeros_(each)
        nn.init.normal_(self.gates.weight, std=0.1 * self.width**-0.5)
        with torch.no_grad():
            self.gates.bias[: self.width] += _OPEN
            self.gates.bias[self.width :] -= _OPEN

    def initial_state(self, batch: int) -> SeparatorState:
        """Before the first frame."""
        branches = self.recognising.initial_state(batch * self.branches)
        return SeparatorState(
            self.mixture.initial_state(batch),
            self.separating.initial_state(batch),
            _each(branches, lambda part: part.unflatten(0, (batch, self.branches))),
        )

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: SeparatorState
    ) -> tuple[Float[Tensor, "batch branches time width"], SeparatorState]:
        """All frames of `x`."""
        branches, mixture, separating = self.separate(x, state)
        found, recognising = self.recognise(branches, state.recognising)
        return found, SeparatorState(mixture, separating, recognising)

    def separate(
        self, x: Float[Tensor, "batch time inputs"], state: SeparatorState
    ) -> tuple[Float[Tensor, "batch branches time width"], Any, LstmState]:
        """What each branch is to recognise; the state of what heard all, and of what separated it."""
        heard, mixture = self.mixture(x, state.mixture)
        parted, separating = self.separating(heard, state.separating)
        gates = torch.sigmoid(self._branches(self.gates(parted)))
        branches = heard[:, None] * gates + self._branches(self.corrections(parted))
        return branches, mixture, separating

    def recognise(
        self, branches: Float[Tensor, "batch branches time width"], state: LstmState
    ) -> tuple[Float[Tensor, "batch branches time width"], LstmState]:
        """What each branch hears, all by the same weights."""
        before = _each(state, lambda part: part.flatten(0, 1))
        found, after = self.recognising(branches.flatten(0, 1), before)
        sizes = (-1, self.branches)
        return found.unflatten(0, sizes), _each(after, lambda part: part.unflatten(0, sizes))

    def _branches(
        self, x: Float[Tensor, "batch time wide"]
    ) -> Float[Tensor, "batch branches time width"]:
        parts: Tensor = x.unflatten(2, (self.branches, self.width))
        return parts.transpose(1, 2)


def _each(state: LstmState, change: Any) -> LstmState:
    """Both parts of a state, changed alike."""
    return LstmState(*map(change, state))
