"""A task small enough to be learnt in a second, and what may be added to its loss."""

import sys
from pathlib import Path

import numpy as np
import torch

from allears.train.loop import run
from allears.train.schedule import Plan
from allears.train.task import Batch


class Line:
    """Learns y = 2x − 1, with noise drawn as a real task draws its data; utterances are numbers x."""

    def __init__(self, size=4):
        torch.manual_seed(0)
        self.model = torch.nn.Sequential(
            torch.nn.Linear(1, size), torch.nn.Tanh(), torch.nn.Linear(size, 1)
        )

    def groups(self):
        first, _, last = self.model
        return [
            {"params": list(first.parameters())},
            {"params": list(last.parameters()), "lr": 2.0},
        ]

    def loss(self, random, _number):
        x = torch.from_numpy(random.uniform(-1, 1, (32, 1)).astype(np.float32))
        losses = (self.model(x + 0.01 * torch.randn_like(x)) - (2 * x - 1)).square()[:, 0]
        figures = {"rmse": losses.mean().item() ** 0.5, "seconds": 1.5}
        return Batch(losses, figures, (x[:, 0] > 0).int().tolist())


class Worst:
    """Weighs the members that did badly so far: what it knows changes with every batch."""

    def __init__(self):
        self.known = torch.zeros(2)

    def __call__(self, losses, members):
        groups = torch.tensor(members)
        self.known = self.known.clone()
        for group in range(2):
            self.known[group] += losses.detach()[groups == group].sum()
        return (losses * torch.softmax(self.known / 100, 0)[groups]).mean()

    def state_dict(self):
        return {"known": self.known}

    def load_state_dict(self, state):
        self.known = state["known"]


class Tired:
    """Pulls the weights to zero, the less the longer it has done so."""

    def __init__(self):
        self.times = torch.tensor(1)

    def __call__(self, model):
        self.times = self.times + 1
        return sum(each.square().sum() for each in model.parameters()) * 1e-3 / self.times

    def state_dict(self):
        return {"times": self.times}

    def load_state_dict(self, state):
        self.times = state["times"]


def quiet(_):
    pass


def everything(folder, **settings):
    """A run with all that a checkpoint must keep, kept after every step."""
    torch.set_num_threads(1)
    plan = Plan(**{"steps": 60, "rate": 1e-2, "save_seconds": 0.0, "seed": 7, **settings})
    run(Line(), plan, folder, weighting=Worst(), penalty=Tired(), show=quiet)


def several(folder, accumulate=1):
    """A run that one process takes, or several together."""
    torch.set_num_threads(1)
    plan = Plan(steps=30, rate=1e-2, accumulate=accumulate)
    run(Line(), plan, folder, penalty=Tired(), show=quiet)


if __name__ == "__main__":
    several(Path(sys.argv[1]))
