"""The training loop: seeded, resumed wherever it was stopped, on one processor or many.

A task knows its model, its data and its loss; the loop knows steps, the optimiser and checkpoints. What a
batch draws at random depends on the seed and the number of the batch alone, so a resumed run is the run,
and two processes take the steps of one that accumulates twice as many batches.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from allears.train import checkpoint, parallel
from allears.train.checkpoint import State
from allears.train.log import SECONDS, Log
from allears.train.parallel import World
from allears.train.schedule import Plan
from allears.train.task import Penalty, Stateful, Task, TrainingError, Weighting, mean

_HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}
_SKIPPED = 50
"""Steps without a finite gradient, one after another, that end a run in half precision."""


def run(
    task: Task,
    plan: Plan,
    folder: Path,
    *,
    weighting: Weighting = mean,
    penalty: Penalty | None = None,
    device: str = "cpu",
    show: Callable[[str], None] = print,
    until: float = math.inf,
) -> bool:
    """Train to the plan's end, or until `time.monotonic()` passes `until`; whether the end was reached.

    Minimises `weighting(losses, members)` plus `penalty(model)`. Everything is kept in `folder`:
    `checkpoint.safetensors`, and the figures in `log.jsonl` and as TensorBoard's events. Started by
    `torchrun` it is one of several processes, of which the first writes. Raises TrainingError where `folder`
    holds another run, or the loss or its gradient is no number any more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    world = parallel.join(device)
    kept = {"task": task, "weighting": weighting, "penalty": penalty}
    state = _begin(task, plan, world, kept)
    checkpoint.resume(folder, plan, state)
    steps = _Steps(task, plan, world, state, weighting, penalty)
    saved = time.monotonic()
    with Log(folder, state.step, plan.steps, show, world.first) as log:
        while state.step < plan.steps and not world.any(time.monotonic() > until):
            figures = steps.take()
            log.tell(state.step, figures)
            if world.first and plan.keep and state.step % plan.keep_steps == 0:
                checkpoint.keep(folder, plan, state)
            if world.first and time.monotonic() - saved > plan.save_seconds:
                checkpoint.write(folder, plan, state)
                saved = time.monotonic()
    if world.first:
        checkpoint.write(folder, plan, state)
    world.wait()
    return state.step >= plan.steps


def _begin(task: Task, plan: Plan, world: World, kept: Mapping[str, object]) -> State:
    """A run before its first step."""
    task.model.to(world.device)
    world.begin_alike(task.model)
    optimiser = torch.optim.AdamW(
        [{**group, "scale": group.get("lr", 1.0), "lr": plan.rate} for group in task.groups()],
        betas=plan.betas, weight_decay=plan.decay,
    )  # fmt: skip
    return State(
        type(task).__name__,
        task.model,
        optimiser,
        torch.amp.GradScaler(world.device.type, enabled=plan.precision == "float16"),
        {name: value.detach().clone() for name, value in task.model.state_dict().items()},
        {name: each for name, each in kept.items() if isinstance(each, Stateful)},
    )


@dataclass(slots=True)
class _Steps:
    """The steps of one run, each taken from `state` to the next; `row` were skipped just now."""

    task: Task
    plan: Plan
    world: World
    state: State
    weighting: Weighting
    penalty: Penalty | None
    row: int = 0

    def take(self) -> dict[str, float]:
        """One step: its batches, the gradient of all processes, the weights; the step's figures."""
        optimiser, scaler = self.state.optimiser, self.state.scaler
        for group in optimiser.param_groups:
            group["lr"] = self.plan.rate * self.plan.factor(self.state.step) * group["scale"]
        optimiser.zero_grad(set_to_none=True)
        shown = [self._batch(index) for index in range(self.plan.accumulate)]
        if self.penalty is not None:
            scaler.scale(self.penalty(self.state.model)).backward()
        learnt = [each for group in optimiser.param_groups for each in group["params"]]
        self.world.average_gradients(learnt)
        scaler.unscale_(optimiser)
        finite = bool(torch.isfinite(torch.nn.utils.clip_grad_norm_(learnt, self.plan.clip)))
        if finite:
            scaler.step(optimiser)
            self._follow()
        self._count(finite)
        scaler.update()
        self.state.step += 1
        skipped = {} if self.plan.precision == "float32" else {"skipped": float(not finite)}
        return {**(_figures(shown, self.world.size) if finite else {}), **skipped}

    def _batch(self, index: int) -> Mapping[str, float]:
        """Add the gradient of one batch; its figures."""
        plan, world, step = self.plan, self.world, self.state.step
        number = (step * plan.accumulate + index) * world.size + world.rank
        random = np.random.default_rng((plan.seed, number))
        _seed(int(random.integers(2**62)), world.device)
        half = _HALVES.get(plan.precision)
        with torch.autocast(world.device.type, half, enabled=half is not None):
            batch = self.task.loss(random, number)
        loss = self.weighting(batch.losses.float(), batch.members)
        if half is None and not torch.isfinite(loss):
            raise TrainingError(f"step {step}: the loss is {loss.item()}; lower the rate")
        self.state.scaler.scale(loss / plan.accumulate).backward()
        return {"loss": loss.item(), **batch.figures}

    def _count(self, finite: bool) -> None:
        """Raises TrainingError where steps without a finite gradient are no accident."""
        self.row = 0 if finite else self.row + 1
        self.state.skipped += not finite
        if not finite and (self.plan.precision == "float32" or self.row == _SKIPPED):
            raise TrainingError(
                f"step {self.state.step}: the gradient is no number ({self.row} in a row); lower the rate"
            )

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average towards the weights, faster while the run is young."""
        share = min(self.plan.average, (1 + self.state.step) / (10 + self.state.step))
        for name, value in self.state.model.state_dict().items():
            if value.is_floating_point():
                self.state.average[name].lerp_(value, 1 - share)
            else:
                self.state.average[name].copy_(value)


def _seed(seed: int, device: torch.device) -> None:
    """As `torch.manual_seed`, which without a GPU remembers every call for one that may still come."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def _figures(shown: Sequence[Mapping[str, float]], processes: int) -> dict[str, float]:
    """The figures of a step out of its batches': means, but all the audio, that of other processes too."""
    names = dict.fromkeys(name for each in shown for name in each)
    figures = {}
    for name in names:
        values = [each[name] for each in shown if name in each]
        figures[name] = sum(values) if name == SECONDS else sum(values) / len(values)
    if SECONDS in figures:
        figures[SECONDS] *= processes
    return figures
