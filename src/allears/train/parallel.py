"""Several processes that train one model (`torchrun`): batches of their own, one gradient for all.

Each has the whole model; after its batches the gradients are averaged, so that all take the same step. What
a model, a weighting or a penalty counts of batches by itself (buffers, states) stays each process's own, and
checkpoints keep the first one's; `World.average` makes it one.
"""

import atexit
import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True, slots=True)
class World:
    """This process among `size`; alone, nothing here does anything."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and tells."""
        return self.rank == 0

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """The mean over all processes. A weight without a gradient in one of them counts as 0 there."""
        if self.size == 1:
            return
        learnt = list(parameters)
        there = torch.tensor([float(each.grad is not None) for each in learnt], device=self.device)
        flat = torch.cat([_gradient(each).flatten() for each in learnt] + [there])
        self.average(flat)
        *means, present = flat.split([each.numel() for each in learnt] + [len(learnt)])
        for each, value, some in zip(learnt, means, present.tolist(), strict=True):
            each.grad = value.view_as(each) if some else None

    def average(self, value: Tensor) -> None:
        """Put the mean of all processes' `value` in its place."""
        if self.size > 1:
            distributed.all_reduce(value)
            value /= self.size

    def begin_alike(self, model: nn.Module) -> None:
        """Give every process the first one's weights."""
        if self.size > 1:
            for value in model.state_dict().values():
                distributed.broadcast(value, 0)

    def any(self, here: bool) -> bool:
        """Whether it is so in some process."""
        if self.size == 1:
            return here
        flag = torch.tensor(float(here), device=self.device)
        self.average(flag)
        return flag.item() > 0

    def wait(self) -> None:
        """Until every process has come here."""
        if self.size > 1:
            distributed.barrier()


def join(device: str) -> World:
    """The world that the environment tells of, as `torchrun` sets it; alone without one."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    place = torch.device(device)
    if size == 1:
        return World(place)
    if place.type == "cuda":
        place = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(place)
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if place.type == "cuda" else "gloo")
        atexit.register(distributed.destroy_process_group)
    return World(place, distributed.get_rank(), size)


def _gradient(parameter: nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
