"""A recogniser that goes on learning: from a checkpoint to a checkpoint, resumed where it was stopped."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float64
from numpy import ndarray

from allears.asr import checkpoint
from allears.asr.balance import balanced
from allears.asr.model import Transducer
from allears.asr.task import Distortion, Lesson, Opening, TransducerTask
from allears.asr.tokens import Tokens
from allears.asr.training import CHECKPOINT
from allears.corpus.sound import Sound
from allears.mitigation.ewc import Part, adapt
from allears.train.average import averaged
from allears.train.loop import run
from allears.train.schedule import Plan
from allears.train.task import Penalty, Weighting, mean

PREFIX = "transducer."
"""Where the loop's model has the transducer's weights, for `ewc.ElasticWeights`."""


def going_on(lesson: Lesson) -> Lesson:
    """The lesson of a model that knows already: nothing is made easy to begin with, and the whole lattice counts.

    The cheap joiner that would say where to look in it is not in a checkpoint.
    """
    return replace(lesson, plainly=0, simply=0, shortly=0, window=0, ctc=0.0)


def tune(
    model: Transducer,
    tokens: Tokens,
    sound: Sound,
    plan: Plan,
    folder: Path,
    *,
    lesson: Lesson = Lesson(),  # noqa: B008  frozen
    part: Part = "all",
    kind: str = checkpoint.KIND,
    distort: Distortion | None = None,
    shares: Sequence[float] | Float64[ndarray, " utterances"] | None = None,
    penalty: Penalty | None = None,
    weighting: Weighting = mean,
    opening: Opening | None = None,
    development: Sound | None = None,
    until: float = float("inf"),
    device: str = "cpu",
) -> Path | None:
    """Teach `model` further; the checkpoint (moving average of the weights), or None where the clock said stop.

    `lesson` is taken as `going_on` has it. Learning makes the blank as likely again as it is in what is learnt; by
    `development`, speech with texts, it is lowered anew. The same call with the model as it was goes on in
    `folder`. Raises what `TransducerTask` and `train.loop.run` raise.
    """
    torch.manual_seed(plan.seed)
    adapt(model, part)
    given = None if shares is None else [float(each) for each in shares]
    task = TransducerTask(
        model, tokens, sound, going_on(lesson),
        seed=plan.seed, distort=distort, shares=given, opening=opening,
    )  # fmt: skip
    done = run(
        task, plan, folder,
        weighting=weighting, penalty=penalty, show=lambda _: None, until=until, device=device,
    )  # fmt: skip
    task.model.load_state_dict(averaged(folder))
    if done and development:
        balanced(model, tokens, development)
    path = folder / CHECKPOINT
    checkpoint.save(model, tokens, path, kind)
    return path if done else None
