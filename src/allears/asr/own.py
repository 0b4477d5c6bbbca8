"""A recogniser of one's own: from manifests to a checkpoint, and how well it hears."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from allears.asr import checkpoint, material
from allears.asr.judging import Errors, judge
from allears.asr.material import Chosen
from allears.asr.task import Lesson
from allears.asr.torch_networks import TorchNetworks
from allears.asr.training import (
    CHARACTERS,
    CHECKPOINT,
    course_of,
    harder,
    keep_pieces,
    parameters,
    symbols,
    teach,
    usable,
)  # fmt: skip
from allears.corpus.recordings import Utterance
from allears.train.schedule import Plan


@dataclass(frozen=True, slots=True)
class Wish:
    """What to learn from and be judged by, and what is to come of it.

    `symbols` and `noise` as `training` takes them; texts that cannot be written are left out where that is wished.
    """

    data: Sequence[Path]
    encoder: str
    parameters: int
    plan: Plan
    lesson: Lesson
    development: Sequence[Path] = ()
    symbols: str = CHARACTERS
    noise: Path | None = None
    network: bool = False
    leave_out: bool = False
    device: str = "cpu"


class Outcome(NamedTuple):
    """The checkpoint, its parameters, what was not learnt from, and the errors where it was judged.

    `path` is None where the clock said stop before the end.
    """

    path: Path | None
    parameters: int
    left_out: int
    too_long: int
    errors: Errors | None


def train(
    wish: Wish,
    folder: Path,
    packs: Path,
    *,
    until: float = float("inf"),
    packing: Callable[[float], None] | None = None,
) -> Outcome:
    """Train in `folder` until done, or until `time.monotonic()` passes `until`; the same wish goes on.

    Raises an AllearsError for what cannot be used, before anything is written that is not whole.
    """
    usable(wish.device)
    course_of(wish.encoder, wish.parameters, 2, wish.plan, wish.lesson)
    chosen = material.training(wish.data, leave_out=wish.leave_out)
    aside = _aside(wish, chosen.utterances)
    kept = folder / f"{wish.symbols.replace(':', '-')}.model"
    tokens = symbols(wish.symbols, chosen.utterances, kept)
    course = course_of(wish.encoder, wish.parameters, tokens.size, wish.plan, wish.lesson)
    distort = harder(wish.noise, network=wish.network)
    sound = material.packed(chosen.utterances, packs, packing)
    judged = material.packed(aside.utterances, packs, packing) if aside.utterances else None
    if not wish.symbols.endswith(kept.suffix):
        keep_pieces(tokens, kept)
    path = teach(
        course, sound, None, tokens, folder, distort=distort, until=until, device=wish.device
    )
    errors = None
    if path and judged:
        errors = judge(TorchNetworks(*checkpoint.load(folder / CHECKPOINT)), judged)
    return Outcome(
        path,
        parameters(course.config(tokens.size)),
        chosen.left_out + aside.left_out,
        int(np.count_nonzero(sound.durations > wish.lesson.longest_s)),
        errors,
    )


def _aside(wish: Wish, taught: Sequence[Utterance]) -> Chosen:
    if not wish.development:
        return Chosen([], 0)
    return material.development(wish.development, taught, leave_out=wish.leave_out)
