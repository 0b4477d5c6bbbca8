"""Checkpoints: all that a run is, in one safetensors file that is whole or not there.

`checkpoint.safetensors` holds weights, their moving average, the optimiser and what else has a state.
`step-<number>.safetensors` beside it hold the weights alone, as they were.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from allears.outputs import write_whole
from allears.train.schedule import Plan
from allears.train.task import Stateful, TrainingError

_FORMAT = 2
NAME = "checkpoint.safetensors"


@dataclass(slots=True)
class State:
    """A run between two steps: `step` taken, of which `skipped` changed nothing.

    `kept` are the task, the weighting and the penalty, by these names, where they are stateful.
    """

    kind: str
    model: nn.Module
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    average: dict[str, Tensor]
    kept: Mapping[str, Stateful]
    step: int = 0
    skipped: int = 0


def write(folder: Path, plan: Plan, state: State) -> None:
    """Keep all of `state` in `folder`, in place of what was kept before."""
    tensors = _with("model", state.model.state_dict())
    tensors |= _with("average", state.average)
    tensors |= _with("optimiser", optimiser_tensors(state.optimiser))
    scaler = state.scaler.state_dict()
    tensors |= _with("scaler", {k: torch.tensor(v, dtype=torch.float64) for k, v in scaler.items()})
    for name, each in state.kept.items():
        tensors |= _with(name, each.state_dict())
    _write(folder / NAME, tensors, plan, state)


def keep(folder: Path, plan: Plan, state: State) -> None:
    """Keep the weights of this step too, and of such as are there the plan's last `keep`."""
    name = f"step-{state.step:09}.safetensors"
    _write(folder / name, _with("model", state.model.state_dict()), plan, state)
    for path in sorted(folder.glob("step-*.safetensors"))[: -plan.keep]:
        path.unlink()


def resume(folder: Path, plan: Plan, state: State) -> None:
    """Make `state` what `folder` keeps; nothing where it keeps nothing.

    Raises TrainingError where that belongs to another run.
    """
    path = folder / NAME
    if not path.exists():
        return
    try:
        tensors = load_file(path)
        with safe_open(path, "pt") as file:
            about = _about(file.metadata() or {})
    except SafetensorError as error:
        raise TrainingError(f"{path}: no checkpoint ({error}); begin in another folder") from None
    weights = under(tensors, "model")
    _belongs(folder, plan, state, about, weights)
    state.model.load_state_dict(weights)
    for name, value in under(tensors, "average").items():
        state.average[name].copy_(value)
    load_optimiser(state.optimiser, under(tensors, "optimiser"))
    if scaler := under(tensors, "scaler"):
        whole = {"growth_interval", "_growth_tracker"}
        state.scaler.load_state_dict(
            {k: int(v) if k in whole else float(v) for k, v in scaler.items()}
        )
    for name, each in state.kept.items():
        if found := under(tensors, name):
            each.load_state_dict(found)
    state.step, state.skipped = int(about["step"]), int(about.get("skipped", 0))


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimiser, as a checkpoint has it."""
    states = optimiser.state_dict()["state"]
    return {
        f"{index}.{name}": value for index, state in states.items() for name, value in state.items()
    }


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser the state that `optimiser_tensors` gave."""
    kept = optimiser.state_dict()
    kept["state"] = {}
    for name, value in tensors.items():
        index, _, field = name.partition(".")
        kept["state"].setdefault(int(index), {})[field] = value
    optimiser.load_state_dict(kept)


def _write(path: Path, tensors: Mapping[str, Tensor], plan: Plan, state: State) -> None:
    whole = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    about = {
        "format": _FORMAT, "kind": state.kind, "step": state.step, "skipped": state.skipped,
        "plan": asdict(plan),
    }  # fmt: skip
    # One entry alone: the order of several would differ from file to file.
    write_whole(path, save(whole, {"about": json.dumps(about)}))


def _about(metadata: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(metadata["about"]) if "about" in metadata else dict(metadata)
    return found


def _belongs(
    folder: Path, plan: Plan, state: State, about: Mapping[str, Any], weights: Mapping[str, Tensor]
) -> None:
    kind = about.get("kind", state.kind)
    seed = about.get("plan", {}).get("seed", plan.seed)
    if int(about.get("format", 0)) > _FORMAT:
        run = f"format {about['format']}, this is format {_FORMAT}"
    elif kind != state.kind:
        run = f"a {kind}, this is a {state.kind}"
    elif other := difference(weights, state.model.state_dict()):
        run = f"another model ({other})"
    elif seed != plan.seed:
        run = f"seed {seed}, this is seed {plan.seed}"
    else:
        return
    raise TrainingError(f"{folder} holds a run of {run}: begin in another folder")


def difference(there: Mapping[str, Tensor], here: Mapping[str, Tensor]) -> str | None:
    """What the first weight that is not of one shape is in both, in words; None where all are alike."""
    for name in sorted({*there, *here}):
        was, now = (
            str(tuple(each[name].shape)) if name in each else "not there" for each in (there, here)
        )
        if was != now:
            return f"{name} was {was}, is {now}"
    return None


def _with(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors of one part of a checkpoint, by their names there."""
    cut = len(prefix) + 1
    return {k[cut:]: value for k, value in tensors.items() if k.startswith(f"{prefix}.")}
