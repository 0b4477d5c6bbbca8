"""What is learnt, and what the loop minimises: losses of utterances, weighted, and a penalty on the model."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn

from allears.errors import AllearsError


class TrainingError(AllearsError):
    """A checkpoint that does not belong to the run, or a loss that is no number any more."""


class Batch(NamedTuple):
    """What one batch costs.

    `losses` of its utterances, shape (utterances,), or one for all of them, shape (). `figures` to show;
    one named "seconds" says how much audio the batch holds, and is shown as throughput too. `members`: the
    number that each utterance has in the corpus, None where there are no utterances to tell apart.
    """

    losses: Tensor
    figures: Mapping[str, float]
    members: Sequence[int] | None = None


class Task(Protocol):
    """What is learnt. One that is `Stateful` too has that state kept in checkpoints."""

    @property
    def model(self) -> nn.Module:
        """Everything with weights; what batches hold belongs on the same device."""

    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups for AdamW; `lr` in a group multiplies the plan's."""

    def loss(self, random: np.random.Generator, number: int, /) -> Batch:
        """The losses of batch `number`: no two batches of a run share it, whichever process draws them.

        Where a step is one batch of one process it is the number of the step.
        """


class Weighting(Protocol):
    """How the losses of a batch become the one (shape ()) that is minimised."""

    def __call__(self, losses: Tensor, members: Sequence[int] | None, /) -> Tensor:
        """`losses` and `members` as in `Batch`, of one batch of one process."""


class Penalty(Protocol):
    """What is added to the loss of a step for what the model has become (shape ())."""

    def __call__(self, model: nn.Module, /) -> Tensor:
        """Once a step; gradients flow to the model's weights."""


@runtime_checkable
class Stateful(Protocol):
    """What a checkpoint keeps of a task, a weighting or a penalty that has both methods."""

    def state_dict(self) -> Mapping[str, Tensor]:
        """Tensors by name."""

    def load_state_dict(self, state: Mapping[str, Tensor], /) -> Any:
        """What `state_dict` gave, on the CPU."""


def mean(losses: Tensor, _members: Sequence[int] | None) -> Tensor:
    """The weighting that treats all utterances alike."""
    return losses.mean()
