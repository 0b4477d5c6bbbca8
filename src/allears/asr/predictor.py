"""Predictors of a transducer: what the symbols so far let expect. They stream over symbols."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class Predictor(Protocol):
    """`predictor(symbols, state) -> (y, state)`; the blank (0) stands before the first symbol."""

    width: int

    def initial_state(self, batch: int) -> Any:
        """Before anything."""

    def __call__(
        self, symbols: Int[Tensor, "batch positions"], state: Any
    ) -> tuple[Float[Tensor, "batch positions width"], Any]:
        """What is expected after each of these."""


@dataclass(frozen=True, slots=True)
class StatelessConfig:
    """Sees the last `context` symbols only (Ghodsi et al. 2020)."""

    width: int = 256
    context: int = 2
    dropout: float = 0.1


class Stateless(nn.Module):
    """An embedding and a convolution over the last symbols. State: those before, (batch, context − 1)."""

    def __init__(self, config: StatelessConfig, vocabulary: int) -> None:
        super().__init__()
        self.width, self.context = config.width, config.context
        self.embedding = nn.Embedding(vocabulary, config.width)
        self.mixing = nn.Parameter(torch.full((config.context, config.width), config.context**-0.5))
        self.finish = nn.Linear(config.width, config.width)
        self.dropout = nn.Dropout(config.dropout)

    def initial_state(self, batch: int) -> Tensor:
        """Blanks."""
        return torch.zeros(batch, self.context - 1, dtype=torch.int64, device=self.mixing.device)

    def forward(
        self, symbols: Int[Tensor, "batch positions"], state: Int[Tensor, "batch before"]
    ) -> tuple[Float[Tensor, "batch positions width"], Int[Tensor, "batch before"]]:
        """What is expected after each of these."""
        positions = symbols.shape[1]
        whole = torch.cat((state, symbols), 1)
        embedded = self.dropout(self.embedding(whole))
        mixed = sum(
            embedded[:, place : place + positions] * self.mixing[place]
            for place in range(self.context)
        )
        return torch.relu(self.finish(torch.relu(mixed))), whole[:, positions:]


@dataclass(frozen=True, slots=True)
class LstmConfig:
    """Sees all symbols so far, as Graves 2012 has it."""

    width: int = 256
    layers: int = 1
    dropout: float = 0.1


class LstmState(NamedTuple):
    """(batch, layers, width) each."""

    hidden: Tensor
    cell: Tensor


class Lstm(nn.Module):
    """An embedding and an LSTM."""

    def __init__(self, config: LstmConfig, vocabulary: int) -> None:
        super().__init__()
        self.width, self.layers = config.width, config.layers
        self.embedding = nn.Embedding(vocabulary, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.recurrence = nn.LSTM(config.width, config.width, config.layers, batch_first=True)

    def initial_state(self, batch: int) -> LstmState:
        """Zeros."""
        zeros = self.embedding.weight.new_zeros(batch, self.layers, self.width)
        return LstmState(zeros, zeros)

    def forward(
        self, symbols: Int[Tensor, "batch positions"], state: LstmState
    ) -> tuple[Float[Tensor, "batch positions width"], LstmState]:
        """What is expected after each of these."""
        before = state.hidden.transpose(0, 1).contiguous(), state.cell.transpose(0, 1).contiguous()
        found, (hidden, cell) = self.recurrence(self.dropout(self.embedding(symbols)), before)
        return self.dropout(found), LstmState(hidden.transpose(0, 1), cell.transpose(0, 1))


PREDICTORS = {"stateless": (StatelessConfig, Stateless), "lstm": (LstmConfig, Lstm)}
