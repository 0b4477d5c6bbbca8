"""Averages of weights: the one that followed the training, and that of several of its moments."""

from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from allears.train.checkpoint import NAME, difference, under
from allears.train.task import TrainingError


def averaged(folder: Path) -> dict[str, Tensor]:
    """The moving average of the weights, out of the checkpoint in `folder`."""
    return under(load_file(folder / NAME), "average")


def last(folder: Path, count: int | None = None) -> list[Path]:
    """The weights of earlier steps kept in `folder`, oldest first: all, or the `count` newest."""
    paths = sorted(folder.glob("step-*.safetensors"))
    return paths if count is None else paths[max(0, len(paths) - count) :]


def averaged_of(paths: Sequence[Path]) -> dict[str, Tensor]:
    """The mean of the weights in several checkpoints; what is counted in whole numbers is the newest's.

    Raises TrainingError where there are none, or where they are of different models.
    """
    if not paths:
        raise TrainingError("no checkpoints to average: train with a plan that keeps some")
    weights = [under(load_file(path), "model") for path in paths]
    for path, each in zip(paths, weights, strict=True):
        if other := difference(weights[0], each):
            raise TrainingError(f"{path} is of another model than {paths[0]}: {other}")
    newest = weights[-1]
    return {
        name: sum((each[name].double() for each in weights), value.new_zeros(()).double())
        .div(len(weights))
        .to(value.dtype)
        if value.is_floating_point()
        else value
        for name, value in newest.items()
    }
