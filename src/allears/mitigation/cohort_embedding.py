"""A recogniser that is told who speaks, as far as that is known: two numbers for each cohort, which are learnt.

Dheram et al., arXiv 2207.11345 (2-D cohort embedding). A linear map of them is added to every frame that the
encoder hears, which is what appending them to the frame would come to behind a linear layer. Cohort 0 is
"unknown": what streams begin with, and what training says instead of the truth in a share of utterances.

The cohort is part of the encoder's state, so that it goes wherever states go: `asr.export` writes it into the
graphs, live streams begin unknown, and whoever knows better writes its number into the first part of a state
(`Known`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor, nn

from allears.asr import checkpoint
from allears.asr.encoders.kinds import ENCODERS
from allears.asr.model import Transducer
from allears.asr.networks import Networks, State
from allears.asr.tokens import Tokens
from allears.mitigation.refusal import MitigationError

KIND = "cohort transducer"
"""What a checkpoint of one says it is."""
ENCODER = "cohort"
"""The encoder's kind in a configuration; its fields are those of `CohortConfig`."""
UNKNOWN = 0
SIZE = 2


@dataclass(frozen=True, slots=True)
class CohortConfig:
    """An encoder of a kind of `ENCODERS` by its fields, told of cohorts of these names beside the unknown."""

    inputs: int
    kind: str
    inside: Mapping[str, Any]
    cohorts: Sequence[str] = field(default_factory=tuple)


class CohortState(NamedTuple):
    """The number of the cohort of each stream, (batch,), and the encoder's own."""

    cohort: Tensor
    inside: Any


class CohortEncoder(nn.Module):
    """An encoder, and what is added to its frames by cohort; nothing, before it is taught."""

    def __init__(self, config: CohortConfig) -> None:
        super().__init__()
        make, encoder = ENCODERS[config.kind]
        made: Any = encoder(make(**{"inputs": config.inputs, **config.inside}))
        self.inside, self.width = made, made.width
        self.table = nn.Embedding(len(config.cohorts) + 1, SIZE)
        self.map = nn.Linear(SIZE, config.inputs, bias=False)
        nn.init.zeros_(self.map.weight)

    def initial_state(self, batch: int) -> CohortState:
        """Before the first frame; nobody is known."""
        device = self.map.weight.device
        unknown = torch.zeros(batch, dtype=torch.int64, device=device)
        return CohortState(unknown, self.inside.initial_state(batch))

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: CohortState
    ) -> tuple[Float[Tensor, "batch time width"], CohortState]:
        """All frames of `x`."""
        told = self.map(self.table(state.cohort))
        found, after = self.inside(x + told[:, None], state.inside)
        return found, CohortState(state.cohort, after)


class CohortTransducer(Transducer):
    """A transducer whose encoder is a `CohortEncoder`."""

    def _encoder(self) -> CohortEncoder:
        inputs = self.config.bands * self.config.stack
        return CohortEncoder(CohortConfig(**{"inputs": inputs, **self.config.encoder}))

    @property
    def cohorts(self) -> tuple[str, ...]:
        """Their names, by number from 1 on."""
        return tuple(self.config.encoder["cohorts"])


def told(recogniser: Transducer, cohorts: Sequence[str]) -> CohortTransducer:
    """A model that knows these cohorts and begins as this recogniser: it says the same, to the last bit.

    Raises MitigationError where it has been told of cohorts already, or there are none or the same twice.
    """
    config = recogniser.config
    if config.encoder_kind not in ENCODERS:
        raise MitigationError(f"an encoder {config.encoder_kind!r} cannot be told of cohorts")
    if not cohorts or len(set(cohorts)) < len(cohorts):
        raise MitigationError(f"cohorts {', '.join(cohorts) or 'none'}; name each once")
    fields = {"kind": config.encoder_kind, "inside": dict(config.encoder), "cohorts": list(cohorts)}
    made = CohortTransducer(replace(config, encoder_kind=ENCODER, encoder=fields))
    values = made.state_dict()
    for name, value in recogniser.state_dict().items():
        values[name.replace("encoder.", "encoder.inside.", 1)].copy_(value)
    return made.train(recogniser.training)


def load(path: Path) -> tuple[CohortTransducer, Tokens]:
    """What `asr.checkpoint.save` wrote of one as `KIND`. Raises RecogniserError as `asr.checkpoint.read`."""
    return checkpoint.read(path, KIND, CohortTransducer, "allears mitigate")


class Telling:
    """What `asr.task.TransducerTask` tells the encoder before it hears utterances: each one's cohort.

    `cohorts` by utterance of the corpus, `UNKNOWN` where nobody knows. In a share `dropped` of all cases it says
    unknown although it knows: else nobody could be recognised whose cohort is not known.
    """

    def __init__(self, cohorts: Int64[np.ndarray, " utterances"], dropped: float = 0.3) -> None:
        if not 0 <= dropped <= 1:
            raise MitigationError(f"a share of {dropped} unknown; give one from 0 to 1")
        self._cohorts, self._dropped = cohorts, dropped

    def __call__(
        self, state: CohortState, members: Sequence[int], random: np.random.Generator
    ) -> CohortState:
        """The state in which these utterances begin."""
        kept = random.random(len(members)) >= self._dropped
        cohorts = np.where(kept, self._cohorts[list(members)], UNKNOWN)
        return state._replace(cohort=torch.from_numpy(cohorts).to(state.cohort))


def numbers(
    cohorts: Sequence[str], labels: Sequence[str | None]
) -> Int64[np.ndarray, " utterances"]:
    """The number of each label; of none, and of one that is no cohort, `UNKNOWN`."""
    place = {name: number for number, name in enumerate(cohorts, 1)}
    return np.array([place.get(each or "", UNKNOWN) for each in labels], np.int64)


@dataclass(frozen=True, slots=True)
class Known:
    """The networks of a `CohortTransducer`, whoever runs them, for streams that are all of cohort `number`."""

    inside: Networks
    number: int

    @property
    def tokens(self) -> Tokens:
        """As of `Networks`, and so is all that follows."""
        return self.inside.tokens

    @property
    def bands(self) -> int:
        """Log-mel bands."""
        return self.inside.bands

    @property
    def stack(self) -> int:
        """Log-mel frames to a frame of the encoder."""
        return self.inside.stack

    @property
    def branches(self) -> int:
        """Talkers at once."""
        return self.inside.branches

    def encoder_state(self, batch: int) -> State:
        """Before the first frame, the cohort being known."""
        cohort, *rest = self.inside.encoder_state(batch)
        return (np.full_like(cohort, self.number), *rest)

    def encode(
        self, mels: Float32[np.ndarray, "batch time bands"], state: State
    ) -> tuple[Float32[np.ndarray, "batch frames joint"], State]:
        """What is heard."""
        return self.inside.encode(mels, state)

    def predictor_state(self, batch: int) -> State:
        """Before the first symbol."""
        return self.inside.predictor_state(batch)

    def predict(
        self, symbols: Int64[np.ndarray, " batch"], state: State
    ) -> tuple[Float32[np.ndarray, "batch joint"], State]:
        """One symbol further."""
        return self.inside.predict(symbols, state)

    def join(
        self,
        encoded: Float32[np.ndarray, "batch joint"],
        predicted: Float32[np.ndarray, "batch joint"],
    ) -> Float32[np.ndarray, "batch vocabulary"]:
        """Log-probabilities of the next symbol."""
        return self.inside.join(encoded, predicted)
