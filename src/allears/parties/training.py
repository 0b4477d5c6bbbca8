"""One training of a separator-transducer, resumed where it was stopped, and the checkpoint it ends in."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import torch

from allears.asr.model import Transducer
from allears.asr.tokens import Tokens
from allears.asr.training import CHECKPOINT
from allears.parties import checkpoint
from allears.parties.model import before
from allears.parties.targets import marked
from allears.parties.task import ConversationTask, Draw, Learning, Lesson
from allears.train.average import averaged
from allears.train.loop import run
from allears.train.schedule import Plan
from allears.train.task import TrainingError


@dataclass(frozen=True, slots=True)
class Course:
    """What a recogniser of single talkers becomes, and how: see `model.before` and `task.Lesson`."""

    name: str
    plan: Plan
    lesson: Lesson = field(default_factory=Lesson)
    branches: int = 2
    separating: int = 2
    width: int = 384


def teach(
    course: Course,
    recogniser: Transducer,
    tokens: Tokens,
    draw: Draw,
    folder: Path,
    *,
    until: float = float("inf"),
    device: str = "cpu",
    begin: Path | None = None,
) -> Path | None:
    """Train from a recogniser and its symbols; the checkpoint, or None where the clock said stop too early.

    With `begin`, the folder of another training, it goes on with that one's weights: of the recogniser's with
    what only training needs, of one of conversations with all but the marks it did not know. Raises
    TrainingError where that was of another model.
    """
    torch.set_num_threads(1)
    # As in `asr.training`.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    torch.manual_seed(course.plan.seed)
    symbols = marked(tokens, course.lesson.form)
    model = before(
        recogniser, symbols.size,
        branches=course.branches, separating=course.separating, width=course.width,
    )  # fmt: skip
    task = ConversationTask(model, symbols, draw, course.lesson)
    if begin is not None:
        _go_on(task.model, begin)
    place = folder / course.name
    done = run(task, course.plan, place, show=lambda _: None, until=until, device=device)
    task.model.load_state_dict(averaged(place))
    path = place / CHECKPOINT
    checkpoint.save(model, symbols, path)
    return path if done else None


def _go_on(learning: Learning, folder: Path) -> None:
    """Take the weights another training ended with; rows of symbols that it did not have stay as they are."""
    weights = averaged(folder)
    if not any(name.startswith("taught.") for name in weights):
        # Of a recogniser, which has become the model already: see `before`.
        heads = {name: each for name, each in weights.items() if not name.startswith("transducer.")}
        weights = {f"taught.{name}": each for name, each in heads.items()}
    own, symbols = learning.state_dict(), learning.taught.transducer.config.vocabulary
    for name, value in weights.items():
        target = own.get(name, value.new_zeros(0))
        rows = target[: len(value)] if value.dim() and len(target) == symbols else target
        if rows.shape != value.shape:
            raise TrainingError(f"{folder}: was a training of another model; {name} does not fit")
        rows.copy_(value)
