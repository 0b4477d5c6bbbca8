"""A conversation of two real speakers, learnt by heart."""

import atexit
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

from allears.asr.model import Transducer, TransducerConfig
from allears.asr.task import statistics
from allears.asr.tokens import Characters
from allears.asr.training import CHECKPOINT
from allears.corpus.mixtures.conversation import Conversation
from allears.corpus.mixtures.draw import Place, Plan
from allears.corpus.mixtures.render import Clip, Seeds, render
from allears.corpus.mixtures.turns import Session, Turn
from allears.corpus.sound import RATE
from allears.corpus.text import normalise
from allears.parties import training
from allears.parties.penalty import Punctuality
from allears.parties.task import Lesson
from allears.parties.training import Course
from allears.train import schedule
from tests import once
from tests.asr.material import packed

CHOSEN = (1, 5, 0)
"""Ask not; may justly be considered; and so, my fellow Americans."""
STARTS = 0.3, 1.0, 2.9
"""Seconds: the second begins while the first goes on, the third when both are over."""

TOKENS = Characters()


@cache
def pack():
    folder = Path(tempfile.mkdtemp(prefix="allears-talk-"))
    atexit.register(shutil.rmtree, folder)
    return packed(folder)


def session():
    """Three turns of two speakers, the second within the end of the first."""
    sound = pack()
    places, turns, clips = [], [], []
    for index, start in zip(CHOSEN, STARTS, strict=True):
        said, samples = sound.utterances[index], sound.samples(index)
        first = int(start * RATE)
        places.append(Place(said.speaker, index, first, len(samples)))
        clips.append(Clip(samples, 0, len(samples)))
        turns.append(
            Turn(said.speaker, normalise(said.text), first, first + len(samples), said.name)
        )
    plan = Plan(tuple(places), max(each.end for each in places) + RATE // 2)
    samples, parts = render(plan, clips, Conversation(), Seeds(0, 0))
    return Session("talk", samples, tuple(turns), parts)


def recogniser(seed=0):
    """Of single talkers, taught nothing."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sizes = {"width": 96, "layers": 2, "dropout": 0.0}
        model = Transducer(
            TransducerConfig(
                TOKENS.size, "lstm", sizes, "stateless", {"width": 64, "dropout": 0.0}, joint=64
            )
        )
    mean, deviation = statistics(pack(), model.config.bands)
    model.normalise(torch.from_numpy(mean), torch.from_numpy(deviation))
    return model


LESSON = Lesson(
    seconds=5.0, simply=20, activity=0.1,
    start=Punctuality(30, 10), end=Punctuality(30, 5, 0.3),
)  # fmt: skip


@cache
def learnt():
    """A checkpoint of a model that knows this conversation."""
    lesson = replace(LESSON, separation=1.0)
    plan = schedule.Plan(400, 4e-3, warmup=10, average=0.9)
    course = Course("talk", plan, lesson, separating=1, width=96)

    def learn(folder):
        whole = session()
        with torch.random.fork_rng():
            assert training.teach(course, recogniser(), TOKENS, lambda _: whole, folder)

    return once.made("conversation", learn) / course.name / CHECKPOINT


def louder(talk, factor):
    """The same, at another level."""
    return replace(talk, samples=np.clip(factor * talk.samples, -1, 1).astype(np.float32))
