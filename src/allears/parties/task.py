"""What training a separator-transducer is: conversations made on the fly, and losses of what its branches say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int
from torch import Tensor, nn

from allears.asr import tail
from allears.asr.lattice import Penalties
from allears.asr.taught import Taught, rows
from allears.asr.tokens import Tokens
from allears.audio import mel
from allears.corpus.augment import spec_augment
from allears.corpus.mixtures.turns import Session
from allears.parties.model import SeparatorTransducer
from allears.parties.penalty import Punctuality, penalties
from allears.parties.targets import Form, Script, said, scripts
from allears.train.task import Batch

_POOL, _POOLED = 4, 17
"""Batches whose conversations are drawn together, and what their drawing is seeded by beside their number."""

Draw = Callable[[int], Session]
"""The conversation of a number, from 0 on."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """How branches are taught.

    `seconds` of audio in a batch, more or less. `window`, `simply`, `ctc` and `fastemit` as for single talkers
    (`asr.task.Lesson`). `activity` is the weight of a loss by which each branch says in every frame whether its
    talker speaks; `separation` of one by which it is given the log-mel frames of the conversation without the
    others' talkers; of the first `separately` batches that is all there is to learn. `start` and `end` are what
    marks cost that come early or late. With `permuted` turns go to whichever branch they fit best (permutation-
    invariant training), else where `assignment` says.
    """

    form: Form = Form.TURNS
    seconds: float = 80.0
    window: int = 6
    simply: int = 200
    ctc: float = 0.3
    fastemit: float = 0.0
    activity: float = 0.0
    separation: float = 0.0
    separately: int = 0
    start: Punctuality = field(default_factory=Punctuality)
    end: Punctuality = field(default_factory=Punctuality)
    permuted: bool = False


class Learning(nn.Module):
    """A model, and what only its training needs: the cheap joiner, and what says whether a talker speaks."""

    def __init__(self, model: SeparatorTransducer) -> None:
        super().__init__()
        self.taught = Taught(model)
        self.speaking = nn.Linear(model.config.joint, 1)


class ConversationTask:
    """A task for `train.loop.run`; `draw` makes conversations, whose texts `tokens` can write.

    `tokens` has the marks of the lesson's form (`targets.marked`).
    """

    def __init__(
        self, model: SeparatorTransducer, tokens: Tokens, draw: Draw, lesson: Lesson
    ) -> None:
        if model.config.vocabulary != tokens.size:
            raise ValueError(
                f"a model of {model.config.vocabulary} symbols where there are {tokens.size}"
            )
        self.model = Learning(model)
        self._whole, self._tokens, self._draw, self._lesson = model, tokens, draw, lesson
        self._step = model.config.stack * mel.HOP / mel.RATE

    def groups(self) -> list[dict[str, Any]]:
        """Weight decay for matrices only."""
        matrices = [each for each in self.model.parameters() if each.dim() > 1]
        others = [each for each in self.model.parameters() if each.dim() <= 1]
        return [{"params": matrices}, {"params": others, "weight_decay": 0.0}]

    def loss(self, random: np.random.Generator, number: int) -> Batch:
        """Nats per symbol of each conversation of batch `number`."""
        sessions = self._sessions(number)
        lesson, branches = self._lesson, self._whole.branches
        mels = [self._mels(each.samples, random) for each in sessions]
        frames = torch.tensor([len(each) // self._whole.config.stack for each in mels])
        told = [scripts(each.turns, self._tokens, lesson.form, branches) for each in sessions]
        padded = _padded(mels).to(self._whole.mean.device)
        separated = self._whole.separate(padded)
        figures = {"seconds": sum(len(each) for each in mels) * mel.HOP / mel.RATE}
        losses = torch.zeros(len(mels), device=padded.device)
        if lesson.separation:
            apart = self._apart(separated, told, sessions, frames, random)
            losses = losses + lesson.separation * apart
            figures["separation"] = float(apart.detach().mean())
        if number < lesson.separately:
            return Batch(losses, figures)
        heard = self._whole.recognise(separated)
        symbols = max(1.0, sum(map(said, told)) / len(told))
        losses = losses + self._spoken(heard, told, frames, number) / symbols
        if lesson.activity:
            active = self._active(heard.view(-1, *heard.shape[2:]), told, sessions, frames)
            losses = losses + lesson.activity * active
            figures["activity"] = float(active.detach().mean())
        return Batch(losses, figures)

    def _apart(
        self,
        separated: Float[Tensor, "batch branches frames inputs"],
        told: Sequence[Sequence[Script]],
        sessions: Sequence[Session],
        frames: Int[Tensor, " batch"],
        random: np.random.Generator,
    ) -> Float[Tensor, " batch"]:
        """Squares of how far frames of branches are from those of their talkers alone, in deviations of speech."""
        alone = [
            self._mels(_alone(session, script, random), random, masked=False)
            for each, session in zip(told, sessions, strict=True)
            for script in each
        ]
        wanted = self._whole.frames(_padded(alone).to(separated.device))
        squares = (separated.float() - wanted.unflatten(0, separated.shape[:2])) ** 2
        valid = torch.arange(separated.shape[2]) < frames[:, None]
        valid = valid.to(separated.device)
        found: Tensor = (squares.mean((1, 3)) * valid).sum(1) / valid.sum(1)
        return found

    def _sessions(self, number: int) -> list[Session]:
        """Conversations of about `seconds` together, alike in length: of what `_POOL` batches draw together.

        A batch is as long as its longest for all; drawn each for itself, two fifths would be nothing.
        """
        random = np.random.default_rng((_POOLED, number // _POOL))
        pool: list[Session] = []
        while len(pool) < _POOL or seconds(pool) < _POOL * self._lesson.seconds:
            pool.append(self._draw(int(random.integers(2**31))))
        pool.sort(key=lambda each: each.duration)
        turn = int(random.permutation(_POOL)[number % _POOL])
        first, last = _cuts(np.array([each.duration for each in pool]))[turn : turn + 2]
        return pool[first:last]

    def _mels(
        self,
        samples: Float32[np.ndarray, " samples"],
        random: np.random.Generator,
        masked: bool = True,
    ) -> Float32[np.ndarray, "frames bands"]:
        quiet = tail.AMPLITUDE * random.standard_normal(int(tail.TAIL_S * mel.RATE))
        samples = np.concatenate((samples, quiet.astype(np.float32)))
        mels = mel.whole(samples, self._whole.config.bands)
        if masked:
            mels = spec_augment(mels, random, longest=15, widest=8)
        return mels[: len(mels) // self._whole.config.stack * self._whole.config.stack]

    def _spoken(
        self,
        heard: Float[Tensor, "batch branches frames joint"],
        told: Sequence[Sequence[Script]],
        frames: Int[Tensor, " batch"],
        number: int,
    ) -> Float[Tensor, " batch"]:
        """Nats of each conversation: those of its branches."""
        branches = heard.shape[1]
        orders = list(permutations(range(branches))) if self._lesson.permuted else [None]
        found = []
        for order in orders:
            ordered = [[each[b] for b in order] if order else list(each) for each in told]
            flat = [script for each in ordered for script in each]
            rowwise = self._rows(heard.flatten(0, 1), flat, frames, branches, number)
            found.append(rowwise.view(-1, branches).sum(1))
        return torch.stack(found).amin(0)

    def _rows(
        self,
        heard: Float[Tensor, "rows frames joint"],
        told: Sequence[Script],
        frames: Int[Tensor, " batch"],
        branches: int,
        number: int,
    ) -> Float[Tensor, " rows"]:
        """Nats of each branch of each conversation."""
        lesson = self._lesson
        targets = rows([each.symbols for each in told])
        symbols = torch.tensor([len(each.symbols) for each in told])
        taken = penalties(
            told, heard.shape[1], targets.shape[1], self._step, lesson.start, lesson.end
        )
        return self.model.taught.losses(
            heard, targets.to(heard.device), frames.repeat_interleave(branches), symbols,
            window=lesson.window, share=1.0 if number >= lesson.simply else 0.1, ctc=lesson.ctc,
            fastemit=lesson.fastemit, penalties=None if taken is None else Penalties(label=taken),
        )  # fmt: skip

    def _active(
        self,
        heard: Float[Tensor, "rows frames joint"],
        told: Sequence[Sequence[Script]],
        sessions: Sequence[Session],
        frames: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Nats a frame of saying who speaks, over both branches."""
        truth = torch.zeros(heard.shape[:2], device=heard.device)
        valid = torch.zeros_like(truth)
        branches = self._whole.branches
        for place, (each, session) in enumerate(zip(told, sessions, strict=True)):
            for branch, script in enumerate(each):
                row = place * branches + branch
                valid[row, : int(frames[place])] = 1
                for turn in script.turns:
                    begin, end = session.turns[turn].start, session.turns[turn].end
                    truth[row, round(begin / self._step) : round(end / self._step)] = 1
        scores = self.model.speaking(heard)[..., 0].float()
        found = nn.functional.binary_cross_entropy_with_logits(scores, truth, reduction="none")
        each_row = (found * valid).sum(1) / valid.sum(1)
        return each_row.view(-1, branches).mean(1)


def _alone(
    session: Session, script: Script, random: np.random.Generator
) -> Float32[np.ndarray, " samples"]:
    """A conversation without the turns of other branches, in quiet. Raises ValueError where they are not known."""
    if len(session.parts) != len(session.turns):
        raise ValueError(f"{session.name}: what each turn adds to the sound is not known")
    quiet = tail.AMPLITUDE * random.standard_normal(len(session.samples))
    sound = session.samples + quiet.astype(np.float32)
    for turn, part in enumerate(session.parts):
        if turn not in script.turns:
            sound[part.first : part.first + len(part.samples)] -= part.samples
    return sound


def _cuts(durations: Float64[np.ndarray, " pool"]) -> list[int]:
    """Where to cut rising durations so that each of `_POOL` parts has about as much, and none has nothing."""
    middles = np.cumsum(durations) - durations / 2
    order = np.arange(1, _POOL)
    found = np.searchsorted(middles, durations.sum() / _POOL * order)
    spare = np.clip(found - order, 0, len(durations) - _POOL)
    return [0, *(np.maximum.accumulate(spare) + order).tolist(), len(durations)]


def seconds(sessions: Sequence[Session]) -> float:
    """All together."""
    return sum(each.duration for each in sessions)


def _padded(mels: Sequence[np.ndarray]) -> Tensor:
    return nn.utils.rnn.pad_sequence([torch.from_numpy(each) for each in mels], batch_first=True)
