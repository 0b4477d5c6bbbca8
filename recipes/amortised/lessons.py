"""What is trained: one Transformer, and from its weights, for equally many steps, all that are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from allears.asr import checkpoint
from allears.asr.arbitration import Arbitration, Thrift
from allears.asr.encoders.amortised import Amortised
from allears.asr.model import Transducer
from allears.asr.task import Distortion, Lesson, TransducerTask, statistics
from allears.asr.tokens import Tokens
from allears.asr.training import Course
from allears.corpus.sound import Sound
from allears.train.average import averaged
from allears.train.loop import run
from allears.train.schedule import Plan, Precision

BASE, UNGATED = "base", "ungated"


@dataclass(frozen=True, slots=True)
class Size:
    """How large everything is; `first` steps make the base, `steps` each that follows from it."""

    encoder: dict[str, Any]
    slices: int
    targets: tuple[float, ...]
    windows: tuple[int, ...]
    symbols: int
    first: int
    steps: int
    lesson: Lesson
    rate: float
    device: str = "cpu"
    precision: Precision = "bfloat16"


LAPTOP = Size(
    {"width": 192, "layers": 6, "heads": 4, "size": 48, "past": 128}, 4,
    (0.7, 0.55, 0.4, 0.3), (32, 8, 2), 128, 2500, 600,
    Lesson(seconds=40.0, longest_s=10.0, shortly=700, plainly=900), 1e-3,
)  # fmt: skip
FULL = Size(
    {"width": 512, "layers": 14, "heads": 8, "size": 64, "past": 128}, 8,
    (0.7, 0.55, 0.4, 0.3), (32, 8, 2), 2500, 120_000, 40_000, Lesson(seconds=1200.0), 1e-3, "cuda",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """A course; `past` is the window, `target` the cost wanted of an amortised one."""

    course: Course
    past: int
    target: float | None = None

    @property
    def name(self) -> str:
        """As its folder is called."""
        return self.course.name


def runs(size: Size) -> list[Run]:
    """The base first; then the ungated, the amortised and the windows, each from the base's weights."""
    past = size.encoder["past"]
    follow = replace(_plan(size, size.steps), rate=size.rate / 3, warmup=min(100, size.steps // 5))
    later = replace(size.lesson, plainly=0, simply=0, shortly=0)
    gated = {**size.encoder, "slices": size.slices}
    found = [
        Run(
            Course(BASE, "transformer", size.encoder, _plan(size, size.first), lesson=size.lesson),
            past,
        ),
        Run(Course(UNGATED, "transformer", size.encoder, follow, lesson=later), past),
    ]
    for target in size.targets:
        name = f"amortised-{round(100 * target)}"
        found.append(Run(Course(name, "amortised", gated, follow, lesson=later), past, target))
    for window in size.windows:
        windowed = {**size.encoder, "past": window}
        course = Course(f"window-{window}", "transformer", windowed, follow, lesson=later)
        found.append(Run(course, window))
    return found


def teach(
    each: Run,
    sound: Sound,
    shares: Sequence[float],
    tokens: Tokens,
    folder: Path,
    *,
    distort: Distortion | None,
    until: float = float("inf"),
    device: str = "cpu",
) -> Path | None:
    """Train, or go on; the checkpoint (moving average of the weights), or None where `until` came first."""
    course, place = each.course, folder / each.name
    torch.set_num_threads(1)
    torch.manual_seed(course.plan.seed)
    model = Transducer(course.config(tokens.size))
    if each.name == BASE:
        mean, deviation = statistics(sound, model.config.bands)
        model.normalise(torch.from_numpy(mean), torch.from_numpy(deviation))
    extra = None
    if isinstance(model.encoder, Amortised):
        extra = Arbitration(model.encoder, Thrift(course.plan.steps, each.target))
    task = TransducerTask(
        model, tokens, sound, course.lesson,
        seed=course.plan.seed, distort=distort, shares=shares, extra=extra,
    )  # fmt: skip
    if each.name != BASE:
        begin_as(task.model, averaged(folder / BASE))
    if not run(task, course.plan, place, show=lambda _: None, until=until, device=device):
        return None
    path = place / "model.safetensors"
    task.model.load_state_dict(averaged(place))
    checkpoint.save(model.cpu(), tokens, path)
    return path


def begin_as(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give a model these weights; what they lack, which is arbitrators, stays as it is."""
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if unexpected or any("arbitrator" not in name for name in missing):
        raise ValueError(f"the base is another model: {[*missing, *unexpected][:3]}")


def _plan(size: Size, steps: int) -> Plan:
    return Plan(
        steps=steps, rate=size.rate, warmup=min(300, steps // 5), precision=size.precision,
        decay=0.01, average=0.998,
    )  # fmt: skip
