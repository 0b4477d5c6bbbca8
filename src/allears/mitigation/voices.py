"""Adversarial reweighting of a training of voices (arXiv 2207.07776), in the three forms of the paper.

A loss of pairs has no samples to weigh, and the paper gives three ways to have both. Here: "pairs", its best,
weighs each pair by the sum of its two crops' weights inside the angular prototypical loss. In the others a crop's
cost is its speaker's whole loss, which accumulates the similarities of the query with all prototypes, and that is
weighed: in "pseudo-labels" by an adversary that hears the embedding and its k-means region in place of a label, in
"similarity" (accumulated pairwise similarity) by one that hears the embedding alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from allears.corpus.sound import Sound
from allears.mitigation.adversary import Contest, Rival, normalised
from allears.mitigation.refusal import MitigationError
from allears.mitigation.reweighting import figures
from allears.speaker.ecapa import Ecapa
from allears.speaker.task import Distortion, Lesson, SpeakerTask
from allears.train.task import Batch

Form = Literal["pairs", "pseudo-labels", "similarity"]


class AdversarialVoices:
    """A task for `train.loop.run`: a `SpeakerTask` and its rival, whose state checkpoints keep.

    The adversary moves first, on the losses of the batch with the embedder as it is; then the embedder is taught
    by these weights as they are. Figures have the "effective" sample size, as a share of the batch, and the
    "heaviest" weight. Raises MitigationError for a form there is not, or a lesson without the prototypical loss.
    """

    def __init__(
        self,
        model: Ecapa,
        sound: Sound,
        lesson: Lesson,
        contest: Contest,
        form: Form = "pairs",
        *,
        distort: Distortion | None = None,
    ) -> None:
        if form not in get_args(Form):
            raise MitigationError(f"no form {form!r}; choose {', '.join(get_args(Form))}")
        if not lesson.prototypical:
            raise MitigationError("reweighting wants a lesson with the prototypical loss")
        if form == "similarity":
            contest = replace(contest, regions=0)
        self._form = form
        self.rival = Rival(model.config.size, contest)
        pairing = self._pairs if form == "pairs" else self._overheard
        self._task = SpeakerTask(model, sound, lesson, distort=distort, pairing=pairing)
        self._embeddings = torch.zeros(0, 0)

    @property
    def model(self) -> nn.Module:
        """What a `SpeakerTask` teaches; the adversary is no part of it."""
        return self._task.model

    def groups(self) -> list[dict[str, Any]]:
        """Those of a `SpeakerTask`."""
        return self._task.groups()

    def loss(self, random: np.random.Generator, number: int) -> Batch:
        """Nats of each crop of batch `number`, weighed."""
        batch = self._task.loss(random, number)
        losses = batch.losses
        if self._form != "pairs":
            hard = losses.detach()
            weights = self.rival.weigh(
                self._embeddings, lambda given: (normalised(given) * hard).mean()
            )
            losses = normalised(weights) * losses
        return Batch(losses, {**batch.figures, **figures(self.rival)}, batch.members)

    def state_dict(self) -> Mapping[str, Tensor]:
        """The rival's."""
        return self.rival.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """What `state_dict` gave."""
        self.rival.load_state_dict(state)

    def _pairs(
        self, embeddings: Float[Tensor, "speakers crops size"], _members: Sequence[int]
    ) -> Float[Tensor, "speakers crops"]:
        """The weights of crops, of which `AngularPrototypical` makes those of pairs."""
        shape = embeddings.shape[:2]

        def cost(weights: Float[Tensor, " crops"]) -> Tensor:
            found: Tensor = self._task.model.prototypical(embeddings, weights.view(shape))
            return found.mean()

        return self.rival.weigh(embeddings.flatten(0, 1), cost).view(shape)

    def _overheard(
        self, embeddings: Float[Tensor, "speakers crops size"], _members: Sequence[int]
    ) -> Float[Tensor, "speakers crops"]:
        """Embeddings are remembered for the weights of losses; those of pairs are all alike."""
        self._embeddings = embeddings.flatten(0, 1)
        return embeddings.new_ones(embeddings.shape[:2])
