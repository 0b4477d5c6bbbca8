"""The training loop: seeded, resumed wherever it was stopped, with a bar that says how long it takes.

A task knows its model, its data and its loss; the loop knows steps, the optimiser and checkpoints.
What a step draws at random depends on the seed and the number of the step alone, so a resumed run is
the run.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import load_file, save
from torch import Tensor, nn

from allears.errors import AllearsError
from allears.outputs import write_whole

_FORMAT = 1


class TrainingError(AllearsError):
    """A checkpoint that does not belong to the run, or a loss that is no number any more."""


class Task(Protocol):
    """What is learnt."""

    @property
    def model(self) -> nn.Module:
        """Everything with weights."""

    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups for AdamW; `lr` in a group multiplies the plan's."""

    def loss(self, random: np.random.Generator, step: int) -> tuple[Tensor, Mapping[str, float]]:
        """The loss of one batch, and figures to show."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast: `steps` in all, of which `warmup` rise; cosine to `floor` · rate."""

    steps: int
    rate: float = 2e-3
    warmup: int = 200
    floor: float = 0.02
    betas: tuple[float, float] = (0.9, 0.98)
    decay: float = 0.0
    clip: float = 1.0
    average: float = 0.999
    seed: int = 0
    save_seconds: float = 60.0

    def factor(self, step: int) -> float:
        """The learning rate of a step, as a share of `rate`."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def run(
    task: Task,
    plan: Plan,
    folder: Path,
    *,
    show: Callable[[str], None] = print,
    until: float = math.inf,
) -> bool:
    """Train to the plan's end, or until `time.monotonic()` passes `until`; whether the end was reached.

    Everything is kept in `folder`: `checkpoint.safetensors`, and `log.jsonl` with the figures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(
        [{**group, "scale": group.get("lr", 1.0), "lr": plan.rate} for group in task.groups()],
        betas=plan.betas, weight_decay=plan.decay,
    )  # fmt: skip
    average = {name: value.detach().clone() for name, value in task.model.state_dict().items()}
    step = _resume(folder, task.model, optimiser, average)
    saved = time.monotonic()
    figures: dict[str, float] = {}
    with _bar() as bar:
        line = bar.add_task("", total=plan.steps, completed=step, figures="")
        while step < plan.steps and time.monotonic() < until:
            _step(task, plan, optimiser, average, step, figures)
            step += 1
            bar.update(line, completed=step, figures=_shown(figures))
            if step % 200 == 0 or step == plan.steps:
                _log(folder, step, figures)
                show(f"{step}/{plan.steps} {_shown(figures)}")
            if time.monotonic() - saved > plan.save_seconds:
                _save(folder, task.model, optimiser, average, step)
                saved = time.monotonic()
    _save(folder, task.model, optimiser, average, step)
    return step >= plan.steps


def averaged(folder: Path) -> dict[str, Tensor]:
    """The moving average of the weights, out of a checkpoint."""
    state = load_file(folder / "checkpoint.safetensors")
    return {name[8:]: value for name, value in state.items() if name.startswith("average.")}


def _step(
    task: Task,
    plan: Plan,
    optimiser: torch.optim.Optimizer,
    average: dict[str, Tensor],
    step: int,
    figures: dict[str, float],
) -> None:
    random = np.random.default_rng((plan.seed, step))
    torch.manual_seed(int(random.integers(2**62)))
    for group in optimiser.param_groups:
        group["lr"] = plan.rate * plan.factor(step) * group["scale"]
    loss, shown = task.loss(random, step)
    if not torch.isfinite(loss):
        raise TrainingError(f"step {step}: the loss is {loss.item()}; lower the rate")
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(task.model.parameters(), plan.clip)
    optimiser.step()
    share = min(plan.average, (1 + step) / (10 + step))
    with torch.no_grad():
        for name, value in task.model.state_dict().items():
            average[name].lerp_(value, 1 - share) if value.is_floating_point() else average[
                name
            ].copy_(value)
    for name, value in {"loss": loss.item(), **shown}.items():
        figures[name] = 0.99 * figures[name] + 0.01 * value if name in figures else value


def _save(
    folder: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: Mapping[str, Tensor],
    step: int,
) -> None:
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value for name, value in state.items()}
    whole = {name: value.detach().contiguous().clone() for name, value in tensors.items()}
    about = {"format": str(_FORMAT), "step": str(step)}
    write_whole(folder / "checkpoint.safetensors", save(whole, about))


def _resume(
    folder: Path, model: nn.Module, optimiser: torch.optim.Optimizer, average: dict[str, Tensor]
) -> int:
    """Where the run was stopped; 0 where it has not begun."""
    path = folder / "checkpoint.safetensors"
    if not path.exists():
        return 0
    state = load_file(path)
    try:
        model.load_state_dict(_under(state, "model."))
    except RuntimeError as error:
        raise TrainingError(f"{path} is of another model: begin in another folder") from error
    average.update(_under(state, "average."))
    kept = optimiser.state_dict()
    kept["state"] = {}
    for name, value in _under(state, "optimiser.").items():
        index, _, field = name.partition(".")
        kept["state"].setdefault(int(index), {})[field] = value
    optimiser.load_state_dict(kept)
    first = next(iter(kept["state"].values()), {"step": torch.zeros(())})
    return int(first["step"])


def _under(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}


def _log(folder: Path, step: int, figures: Mapping[str, float]) -> None:
    with (folder / "log.jsonl").open("a") as log:
        log.write(json.dumps({"step": step, **{k: round(v, 5) for k, v in figures.items()}}) + "\n")


def _shown(figures: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:.4g}" for name, value in figures.items())


def _bar() -> Progress:
    return Progress(
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        transient=True,
    )
