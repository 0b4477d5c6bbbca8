"""A recogniser of tones, small and quick: who speaks is a pitch, what is said is how long it lasts."""

from functools import cache
from pathlib import Path

import numpy as np
import torch

from allears.asr.model import Transducer, TransducerConfig
from allears.asr.task import Lesson, TransducerTask
from allears.asr.tokens import Characters
from allears.corpus.recordings import Utterance
from allears.corpus.sound import RATE, Sound
from allears.train.loop import run
from allears.train.schedule import Plan

TOKENS = Characters("ab'")
PITCHES = {"low": 300.0, "high": 1400.0}
LESSON = Lesson(fastemit=0.0, plainly=10**6, window=0, simply=0, shortly=0, seconds=4.0)
PLAN = Plan(6, 1e-3, warmup=2, average=0.5, decay=0.1, save_seconds=1e9, seed=1)


@cache
def tones(each=4):
    """Utterances of two speakers: "a" is 0.3 s of their tone, "b" a second one an octave higher."""
    random = np.random.default_rng(0)
    parts, utterances = [], []
    for number in range(2 * each):
        speaker = list(PITCHES)[number % 2]
        text = "".join(random.choice(["a", "b"], 1 + number % 3))
        time = np.arange(int(0.3 * RATE)) / RATE
        whole = [
            np.sin(2 * np.pi * PITCHES[speaker] * (1 if each == "a" else 2) * time) for each in text
        ]
        noisy = 0.3 * np.concatenate(whole) + 0.01 * random.standard_normal(len(time) * len(text))
        parts.append((noisy * 32767).astype(np.int16))
        utterances.append(Utterance(Path("tone.wav"), speaker, text, "train"))
    bounds = np.concatenate(([0], np.cumsum([len(part) for part in parts])))
    return Sound(np.concatenate(parts), bounds, tuple(utterances))


def transducer(dropout=0.1):
    """A model that has learnt nothing yet."""
    torch.manual_seed(0)
    encoder = {"width": 12, "layers": 1, "dropout": dropout}
    config = TransducerConfig(
        TOKENS.size, "lstm", encoder, predictor={"width": 12}, joint=12, bands=16
    )
    model = Transducer(config)
    model.normalise(torch.full((16,), -8.0), torch.full((16,), 3.0))
    return model


def task(model=None, sound=None, lesson=LESSON, **options):
    given = tones() if sound is None else sound
    model = model or transducer()
    torch.manual_seed(0)
    return TransducerTask(model, TOKENS, given, lesson, seed=0, **options)


def trained(folder, given, plan=PLAN, **options):
    """Weights by name after a run."""
    torch.set_num_threads(1)
    run(given, plan, folder, show=lambda _: None, **options)
    return {name: value.clone() for name, value in given.model.state_dict().items()}


def same(one, other):
    """Whether all tensors are those of the other, to the last bit; of different names none is."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
