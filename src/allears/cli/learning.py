"""What each training is made of: its task, how long it takes, and what becomes of its weights."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.progress import Progress, TaskID

from allears.cli.arguments import ArgumentError
from allears.corpus import pack, recordings
from allears.corpus.pack import Pack
from allears.weights.store import Weights

if TYPE_CHECKING:
    from torch import Tensor

    from allears.train.loop import Task

ORIGIN = "allears"


@dataclass(frozen=True, slots=True)
class Lesson:
    """`task` of packs and batch; `finish` the averaged weights to arrays that ship under `kind`."""

    kind: str
    steps: int
    rate: float
    task: Callable[[Sequence[Pack], int], Any]
    finish: Callable[[Any, Mapping[str, Any], Sequence[Pack]], dict[str, np.ndarray]]


def learn(
    lesson: Lesson,
    data: Sequence[Path],
    packs: Path,
    folder: Path,
    *,
    to: Path,
    steps: int | None,
    batch: int,
    seed: int,
    until: float,
) -> bool:
    """Train until done or until the clock passes `until`; whether finished weights were written."""
    if importlib.util.find_spec("torch") is None:
        raise ArgumentError("training needs PyTorch: pip install 'allears[train]'")
    import torch

    from allears.train.loop import Plan, averaged, run

    torch.set_num_threads(1)
    loaded = _packed(data, packs)
    torch.manual_seed(seed)
    task: Task = lesson.task(loaded, batch)
    plan = Plan(steps=steps or lesson.steps, rate=lesson.rate, seed=seed)
    if not run(task, plan, folder, show=lambda _: None, until=until):
        return False
    arrays = lesson.finish(task, averaged(folder), loaded)
    to.parent.mkdir(parents=True, exist_ok=True)
    Weights(lesson.kind, ORIGIN, arrays).save(to)
    return True


def _packed(data: Sequence[Path], packs: Path) -> list[Pack]:
    loaded = []
    for corpus in data:
        utterances = recordings.chosen([corpus], "train")
        folder = packs / corpus.resolve().name
        with Progress(transient=True) as bar:
            line = bar.add_task(f"packing {corpus.name}", total=1.0)
            pack.build(utterances, folder, partial(_tell, bar, line))
        loaded.append(pack.load(folder))
    return loaded


def _tell(bar: Progress, line: TaskID, done: float) -> None:
    bar.update(line, completed=done)


def _joined(packs: Sequence[Pack], name: str) -> np.ndarray:
    return np.concatenate([np.asarray(getattr(each, name)) for each in packs])


def _plain(_task: Any, average: "Mapping[str, Tensor]", _packs: object) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in average.items()}


def _pitch(packs: Sequence[Pack], batch: int) -> Any:
    from allears.audio.pitch_task import PitchTask

    return PitchTask(_joined(packs, "heard"), _joined(packs, "features"), batch)


def _rdovae(packs: Sequence[Pack], batch: int) -> Any:
    from allears.redundancy.task import RdoVaeTask

    return RdoVaeTask(_joined(packs, "features"), batch)


def _rdovae_finished(
    task: Any, average: "Mapping[str, Tensor]", packs: Sequence[Pack]
) -> dict[str, np.ndarray]:
    from allears.redundancy.finish import finished, sequences

    task.model.load_state_dict(average)
    return finished(task.model, sequences(packs[0].features))


def _concealment(packs: Sequence[Pack], batch: int) -> Any:
    from allears.voice.predictor_task import PredictorTask

    return PredictorTask(_joined(packs, "samples"), _joined(packs, "features"), batch)


LESSONS = {
    "pitch": Lesson("pitch", 1500, 3e-3, _pitch, _plain),
    "rdovae": Lesson("rdovae", 22000, 2e-3, _rdovae, _rdovae_finished),
    "concealment": Lesson("concealment", 4000, 1e-3, _concealment, _plain),
}
