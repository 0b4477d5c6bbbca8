"""What embeddings of voices are taught by: those of one speaker near each other, those of others far.

Lengths of embeddings do not matter to either loss, only the angles between them.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional


class AngularPrototypical(nn.Module):
    """Which speaker's mean is it that each speaker's last embedding is nearest to?

    Chung et al., "In defence of metric learning for speaker recognition", Interspeech 2020: cosines of queries and
    prototypes, times a scale and plus an offset that are learnt, are the logits.
    """

    def __init__(self, scale: float = 10.0, offset: float = -5.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.offset = nn.Parameter(torch.tensor(offset))

    def forward(
        self,
        embeddings: Float[Tensor, "speakers crops size"],
        weights: Float[Tensor, "speakers crops"] | None = None,
    ) -> Float[Tensor, " speakers"]:
        """Nats of each speaker's query, two crops or more of each; the last is the query.

        A pair's weight is that of its query and of its prototype together, through the mean of all pairs'. A
        speaker's own pair weighs the loss, another's how likely it is taken for it: in each the loss rises.
        Weights that are all alike change nothing, to the last bit.
        """
        query = functional.normalize(embeddings[:, -1], dim=1)
        prototype = functional.normalize(embeddings[:, :-1].mean(1), dim=1)
        logits = (query @ prototype.t()) * self.scale.clamp(min=1e-6) + self.offset
        right = torch.arange(len(logits), device=logits.device)
        if weights is None:
            return functional.cross_entropy(logits, right, reduction="none")
        pairs = pair_weights(weights)
        own = pairs.diagonal()
        others = pairs.clamp(min=1e-12).log()
        logits = logits + others - torch.diag(others.diagonal())
        return own * functional.cross_entropy(logits, right, reduction="none")


def pair_weights(
    weights: Float[Tensor, "speakers crops"],
) -> Float[Tensor, "queries prototypes"]:
    """Of every query (last crop) with every prototype (mean of the others): sums of both, of mean 1."""
    sums = weights[:, -1, None] + weights[:, :-1].mean(1)
    one = sums[0, 0].detach()
    # Sums that are all alike have exactly this mean, however a mean of them would be rounded.
    return sums / (one + (sums - one).mean())


class AngularMargin(nn.Module):
    """Additive angular margin softmax over all speakers that are trained on.

    Deng et al., "ArcFace: Additive angular margin loss for deep face recognition", CVPR 2019. Angles beyond
    π − margin, where the cosine would rise again, go on in a straight line.
    """

    def __init__(self, size: int, classes: int, margin: float = 0.2, scale: float = 30.0) -> None:
        super().__init__()
        self.margin, self.scale = margin, scale
        self.weight = nn.Parameter(nn.init.xavier_normal_(torch.empty(classes, size)))

    def forward(
        self,
        embeddings: Float[Tensor, "crops size"],
        speakers: Int[Tensor, " crops"],
        share: float = 1.0,
    ) -> Float[Tensor, " crops"]:
        """Nats of each crop, with so much of the margin."""
        cosines = functional.linear(
            functional.normalize(embeddings, dim=1), functional.normalize(self.weight, dim=1)
        )
        logits = torch.scatter(
            cosines, 1, speakers[:, None], self._narrowed(cosines, speakers, share * self.margin)
        )
        return functional.cross_entropy(self.scale * logits, speakers, reduction="none")

    def _narrowed(self, cosines: Tensor, speakers: Tensor, margin: float) -> Tensor:
        """The cosine of the angle to the right speaker, a margin wider."""
        cosine = cosines.gather(1, speakers[:, None])
        sine = (1 - cosine**2).clamp(min=1e-9).sqrt()
        wider = cosine * math.cos(margin) - sine * math.sin(margin)
        beyond = cosine - margin * math.sin(margin)
        return torch.where(cosine > -math.cos(margin), wider, beyond)
