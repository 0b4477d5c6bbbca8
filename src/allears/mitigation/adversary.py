"""The adversary of a training: it looks for samples that are served badly, and the learner must heed them.

Lahoti et al., "Fairness without demographics through adversarially reweighted learning", NeurIPS 2020; for voices
arXiv 2207.07776. Of each sample it hears the embedding and in which region of their space that is, says f(x) from
0 to 1, and the sample weighs λ = 1 + f(x) / mean f of its batch. It climbs the loss that the learner goes down.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from allears.mitigation.refusal import MitigationError
from allears.mitigation.regions import Regions
from allears.train.checkpoint import load_optimiser, optimiser_tensors, under

_LEAST = 1e-3
"""What f is at least: only ratios matter, so it may sink until nothing is left to divide by."""


@dataclass(frozen=True, slots=True)
class Contest:
    """How the adversary plays: not at all in the first `warmup` batches, then before the learner, every so often.

    `regions` it is told of (0: none), found among the last `memory` embeddings of the warm-up, `following` them
    (`Regions`), each by `width` numbers that are learnt; `hidden` units; Adam at `rate`. With rate 0 it stays what
    it begins as: one that weighs all alike. It moves in each `every`th batch.
    """

    warmup: int = 500
    every: int = 1
    rate: float = 1e-3
    regions: int = 16
    memory: int = 4096
    following: float = 0.99
    width: int = 8
    hidden: int = 64
    seed: int = 0


class Adversary(nn.Module):
    """f(x): two layers over the direction of an embedding and its region. It begins by saying the same of all."""

    def __init__(self, size: int, contest: Contest) -> None:
        super().__init__()
        inside = size + (contest.width if contest.regions else 0)
        self.table = nn.Embedding(contest.regions, contest.width) if contest.regions else None
        self.hidden = nn.Linear(inside, contest.hidden)
        self.say = nn.Linear(contest.hidden, 1)
        nn.init.zeros_(self.say.weight)
        nn.init.zeros_(self.say.bias)

    def forward(
        self, embeddings: Float[Tensor, "crops size"], regions: Int[Tensor, " crops"] | None
    ) -> Float[Tensor, " crops"]:
        """λ of each, above 1; all alike where f is."""
        heard = nn.functional.normalize(embeddings, dim=1)
        if self.table is not None:
            heard = torch.cat((heard, self.table(regions)), 1)
        said = torch.sigmoid(self.say(torch.relu(self.hidden(heard))))[:, 0]
        return 1 + normalised(_LEAST + said)


class Rival:
    """An adversary at play against any learner; stateful as `train.task.Stateful`, with nothing drawn at random.

    `effective` is the effective sample size of the last batch as a share of it, `heaviest` its greatest weight
    through their mean. Several processes (`torchrun`) have each their own.
    """

    def __init__(self, size: int, contest: Contest) -> None:
        if contest.regions < 0 or contest.every < 1 or contest.warmup < 0:
            raise MitigationError(f"{contest} cannot be played; regions, warmup ≥ 0 and every ≥ 1")
        self._contest = contest
        # The learner's own draws are the same whether or not there is a rival.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(contest.seed)
            self._net = Adversary(size, contest)
        self._optimiser = torch.optim.Adam(self._net.parameters(), contest.rate)
        self._regions = Regions(contest.regions, contest.memory, contest.following, contest.seed)
        self._batches = 0
        self.effective = self.heaviest = 1.0

    def weigh(
        self,
        embeddings: Float[Tensor, "crops size"],
        objective: Callable[[Float[Tensor, " crops"]], Tensor],
    ) -> Float[Tensor, " crops"]:
        """The weights of a batch, which the learner takes as they are; during the warm-up they are 1.

        `objective` is what the learner minimises (shape ()), by the weights; none of its gradients reaches the
        learner.
        """
        embeddings = embeddings.detach().float()
        self._batches += 1
        if self._warming(embeddings):
            return self._seen(embeddings.new_ones(len(embeddings)))
        self._onto(embeddings.device)
        regions = self._regions.of(embeddings) if self._contest.regions else None
        if self._batches % self._contest.every == 0:
            with torch.enable_grad():
                self._climb(objective(self._net(embeddings, regions)))
        with torch.no_grad():
            weights: Tensor = self._net(embeddings, regions)
        if regions is not None:
            self._regions.follow(embeddings, regions)
        return self._seen(weights)

    def state_dict(self) -> Mapping[str, Tensor]:
        """The network, its optimiser, the regions, and how long it has played."""
        parts = {
            "network": self._net.state_dict(),
            "optimiser": optimiser_tensors(self._optimiser),
            "regions": self._regions.state_dict(),
        }
        found = {
            f"{part}.{name}": each for part, all_ in parts.items() for name, each in all_.items()
        }
        return {**found, "batches": torch.tensor(self._batches)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """What `state_dict` gave."""
        self._net.load_state_dict(under(state, "network"))
        load_optimiser(self._optimiser, under(state, "optimiser"))
        self._regions.load_state_dict(under(state, "regions"))
        self._batches = int(state["batches"])

    def _warming(self, embeddings: Tensor) -> bool:
        """Whether this batch still is of the warm-up, which ends no sooner than regions can be found."""
        contest = self._contest
        if contest.regions and not self._regions.found:
            self._regions.gather(embeddings)
            return self._batches <= contest.warmup or not self._regions.find()
        return self._batches <= contest.warmup

    def _climb(self, objective: Tensor) -> None:
        weights = list(self._net.parameters())
        slopes = torch.autograd.grad(objective, weights)
        for weight, slope in zip(weights, slopes, strict=True):
            weight.grad = -slope
        self._optimiser.step()

    def _onto(self, device: torch.device) -> None:
        """Where the learner is; the first time only."""
        if self._net.say.weight.device != device:
            kept = optimiser_tensors(self._optimiser)
            self._net.to(device)
            load_optimiser(self._optimiser, kept)

    def _seen(self, weights: Tensor) -> Tensor:
        self.effective = effective_sample_size(weights) / len(weights)
        self.heaviest = float(weights.max() / weights.mean())
        return weights


def normalised(weights: Float[Tensor, " crops"]) -> Float[Tensor, " crops"]:
    """The same of mean 1; exactly 1 where all are alike, however a mean of them would be rounded."""
    one = weights[0].detach()
    return weights / (one + (weights - one).mean())


def effective_sample_size(weights: Float[Tensor, " crops"]) -> float:
    """(Σλ)² / Σλ² (Kish 1965): how many samples of equal weight tell as much."""
    wide = weights.detach().double()
    return float(wide.sum() ** 2 / wide.square().sum())
