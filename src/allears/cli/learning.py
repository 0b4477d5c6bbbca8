"""What each training is made of: its stages, how long they take, and what becomes of the weights."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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

ORIGIN = "allears"


@dataclass(frozen=True, slots=True)
class Stage:
    """A task made of packs, the batch and the averaged weights of the stage before; a plan's settings."""

    name: str
    task: Callable[[Sequence[Pack], int, "Mapping[str, Tensor]"], Any]
    plan: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lesson:
    """Stages one after another; `finish` makes of the last one's average the arrays of a `kind`."""

    kind: str
    stages: tuple[Stage, ...]
    finish: Callable[[Any, "Mapping[str, Tensor]", Sequence[Pack]], dict[str, np.ndarray]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user may want otherwise: `steps` of every stage, and when the clock says stop."""

    steps: int | None
    batch: int
    seed: int
    until: float


def learn(
    lesson: Lesson, data: Sequence[Path], packs: Path, folder: Path, to: Path, wish: Wish
) -> bool:
    """Train until done or until the clock says stop; whether finished weights were written."""
    if importlib.util.find_spec("torch") is None:
        raise ArgumentError("training needs PyTorch: pip install 'allears[train]'")
    import torch

    from allears.train.average import averaged
    from allears.train.loop import run
    from allears.train.schedule import Plan

    torch.set_num_threads(1)
    loaded = _packed(data, packs)
    before: Mapping[str, Tensor] = {}
    for stage in lesson.stages:
        torch.manual_seed(wish.seed)
        task = stage.task(loaded, wish.batch, before)
        plan = Plan(seed=wish.seed, **stage.plan)
        plan = replace(plan, steps=wish.steps or plan.steps)
        place = folder / stage.name
        if not run(task, plan, place, show=lambda _: None, until=wish.until):
            return False
        before = averaged(place)
    to.parent.mkdir(parents=True, exist_ok=True)
    Weights(lesson.kind, ORIGIN, lesson.finish(task, before, loaded)).save(to)
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


def _pitch(packs: Sequence[Pack], batch: int, _before: object) -> Any:
    from allears.audio.pitch_task import PitchTask

    return PitchTask(_joined(packs, "heard"), _joined(packs, "features"), batch)


def _rdovae(packs: Sequence[Pack], batch: int, _before: object) -> Any:
    from allears.redundancy.task import RdoVaeTask

    return RdoVaeTask(_joined(packs, "features"), batch)


def _rdovae_finished(
    task: Any, average: "Mapping[str, Tensor]", packs: Sequence[Pack]
) -> dict[str, np.ndarray]:
    from allears.redundancy.finish import finished, sequences

    task.model.load_state_dict(average)
    return finished(task.model, sequences(packs[0].features))


def _concealment(packs: Sequence[Pack], batch: int, _before: object) -> Any:
    from allears.voice.predictor_task import PredictorTask

    return PredictorTask(_joined(packs, "samples"), _joined(packs, "features"), batch)


def _vocoder(packs: Sequence[Pack], batch: int, _before: object) -> Any:
    from allears.voice.vocoder_task import VocoderTask

    return VocoderTask(packs, batch)


def _against(packs: Sequence[Pack], batch: int, before: "Mapping[str, Tensor]") -> Any:
    from allears.voice.vocoder_task import AdversarialTask

    task = AdversarialTask(packs, batch)
    task.net.load_state_dict(before)
    return task


def _vocoder_finished(
    _task: Any, average: "Mapping[str, Tensor]", _packs: object
) -> dict[str, np.ndarray]:
    own = "generator."
    return {
        name.removeprefix(own): value.numpy()
        for name, value in average.items()
        if name.startswith(own)
    }


_VOICE = {"rate": 2e-3, "betas": (0.8, 0.99), "average": 0.998}

LESSONS = {
    "pitch": Lesson(
        "pitch", (Stage("all", _pitch, {"steps": 1500, "rate": 3e-3, "warmup": 100}),), _plain
    ),
    "rdovae": Lesson(
        "rdovae", (Stage("all", _rdovae, {"steps": 15_000, "rate": 2e-3}),), _rdovae_finished
    ),
    "concealment": Lesson(
        "concealment",
        (Stage("all", _concealment, {"steps": 6000, "rate": 1e-3, "warmup": 100}),),
        _plain,
    ),
    "vocoder": Lesson(
        "harmonic",
        (
            Stage("alone", _vocoder, {"steps": 6000, "warmup": 100, "floor": 0.1, **_VOICE}),
            Stage("against", _against,
                  {"steps": 3600, "warmup": 50, "floor": 0.03, **_VOICE, "rate": 1e-3}),
        ),
        _vocoder_finished,
    ),
}  # fmt: skip
"""What suits a laptop: some two hours in all on one core with 8 hours of speech."""
