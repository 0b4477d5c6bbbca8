"""Adversarial reweighting of any task: the losses of utterances, weighed by who they are of.

As a `weighting` of `train.loop.run` it sees losses and the numbers of utterances, so what the adversary hears of
each (the embedding of its voice, say) is given beforehand. Where embeddings are what is learnt: `voices`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from allears.mitigation.adversary import Contest, Rival, normalised
from allears.mitigation.refusal import MitigationError
from allears.train.task import Batch, Task


class AdversarialWeighting:
    """The mean of losses, each times its weight through the mean weight of its batch.

    `features` of every utterance of the corpus, in its order. An adversary that weighs all alike leaves the mean,
    to the last bit. Raises MitigationError for features that are no numbers, and in training for losses of nobody.
    """

    def __init__(self, features: Float32[np.ndarray, "utterances size"], contest: Contest) -> None:
        if features.ndim != 2 or not np.isfinite(features).all():
            raise MitigationError(
                f"features {features.shape} with values that are no numbers; give a row for each utterance"
            )
        self._features = torch.from_numpy(features.astype(np.float32))
        self.rival = Rival(features.shape[1], contest)

    def __call__(self, losses: Tensor, members: Sequence[int] | None) -> Tensor:
        """`losses` of utterances `members`, shape (utterances,), to what is minimised."""
        if members is None or losses.shape != (len(members),):
            raise MitigationError("reweighting wants a loss of each utterance; this task has none")
        hard = losses.detach()
        features = self._features[list(members)].to(losses.device)
        weights = self.rival.weigh(features, lambda given: (normalised(given) * hard).mean())
        return (normalised(weights) * losses).mean()

    def state_dict(self) -> Mapping[str, Tensor]:
        """The rival's."""
        return self.rival.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """What `state_dict` gave."""
        self.rival.load_state_dict(state)


class Reweighted:
    """A task that shows of its weighting, beside its own figures, how it was in the batch before.

    For tasks without a state of their own.
    """

    def __init__(self, task: Task, weighting: AdversarialWeighting) -> None:
        self._task, self._weighting = task, weighting

    @property
    def model(self) -> nn.Module:
        """The task's."""
        return self._task.model

    def groups(self) -> list[dict[str, Any]]:
        """The task's."""
        return self._task.groups()

    def loss(self, random: np.random.Generator, number: int) -> Batch:
        """The task's, and the rival's figures."""
        batch = self._task.loss(random, number)
        return batch._replace(figures={**batch.figures, **figures(self._weighting.rival)})


def figures(rival: Rival) -> dict[str, float]:
    """What is shown of the weights of a batch: "effective" sample size as a share, and the "heaviest"."""
    return {"effective": rival.effective, "heaviest": rival.heaviest}
