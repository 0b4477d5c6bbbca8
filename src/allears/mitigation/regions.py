"""Regions of the space of embeddings, while the embeddings themselves are being learnt.

Spherical k-means finds them once, among the last embeddings seen; then each centre follows what comes near it, so
that a region keeps its number for as long as the training lasts.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from allears.fairness.cohorts.kmeans import SphericalKMeans

_LEAST = 4
"""Embeddings a region to be found among, at least."""


class Regions:
    """At most `count` regions, found among the last `memory` embeddings.

    A batch leaves a share `following` of each centre that it comes near, and moves the rest.

    What is gathered is kept on the CPU until they are found. `state_dict` has all there is.
    """

    def __init__(self, count: int, memory: int, following: float, seed: int) -> None:
        self._count, self._most, self._following, self._seed = count, memory, following, seed
        self._gathered: Tensor = torch.zeros(0, 0)
        self._centres: Tensor = torch.zeros(0, 0)

    @property
    def found(self) -> bool:
        """Whether there are regions already."""
        return len(self._centres) > 0

    def gather(self, embeddings: Float[Tensor, "crops size"]) -> None:
        """Remember these until regions are looked for."""
        units = nn.functional.normalize(embeddings.detach(), dim=1).cpu()
        several = [self._gathered, units] if len(self._gathered) else [units]
        self._gathered = torch.cat(several)[-self._most :]

    def find(self) -> bool:
        """Look for regions among what was gathered; whether that was enough."""
        if len(self._gathered) < _LEAST * self._count:
            return False
        means = SphericalKMeans(self._count, seed=self._seed).fit(self._gathered.numpy())
        self._centres = torch.from_numpy(means.centres_.copy())
        self._gathered = torch.zeros(0, 0)
        return True

    def of(self, embeddings: Float[Tensor, "crops size"]) -> Int[Tensor, " crops"]:
        """The region of each, of which there must be some."""
        self._centres = self._centres.to(embeddings.device)
        units = nn.functional.normalize(embeddings.detach(), dim=1)
        return (units @ self._centres.t()).argmax(1)

    def follow(
        self, embeddings: Float[Tensor, "crops size"], regions: Int[Tensor, " crops"]
    ) -> None:
        """Move each centre a little towards those that are its own; one that has none stays."""
        units = nn.functional.normalize(embeddings.detach(), dim=1)
        whose = nn.functional.one_hot(regions, len(self._centres)).to(units)
        means = (whose.t() @ units) / whose.sum(0).clamp(min=1)[:, None]
        moved = self._following * self._centres + (1 - self._following) * means
        there = (whose.sum(0) > 0)[:, None]
        self._centres = torch.where(there, nn.functional.normalize(moved, dim=1), self._centres)

    def state_dict(self) -> Mapping[str, Tensor]:
        """As a checkpoint keeps it."""
        return {"gathered": self._gathered, "centres": self._centres}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """What `state_dict` gave."""
        self._gathered, self._centres = state["gathered"], state["centres"]
