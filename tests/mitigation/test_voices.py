"""Voices taught against a rival: in every form a constant one is plain training, bit for bit; runs go on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from allears.mitigation.adversary import Contest
from allears.mitigation.refusal import MitigationError
from allears.mitigation.voices import AdversarialVoices
from allears.speaker.ecapa import EcapaConfig
from allears.speaker.task import Lesson, SpeakerTask
from allears.train.loop import run
from allears.train.schedule import Plan
from tests.mitigation.material import same
from tests.speaker.material import voices
from tests.speaker.small import network
from tests.train.material import quiet

CONFIG = EcapaConfig(width=6, pooled=8, bottleneck=4, size=8, scale=3, settled=20)
LESSON = Lesson(speakers=4, seconds=(0.3, 0.4), gently=2, speeds=(1.0,), masked=0.0)
CONTEST = Contest(warmup=1, regions=2, memory=32, hidden=6, width=2, rate=0.1)
PLAN = Plan(5, 5e-3, warmup=2, average=0.5, save_seconds=0.0)
FORMS = ["pairs", "pseudo-labels", "similarity"]


def given(contest=None, form="pairs", lesson=LESSON):
    torch.manual_seed(0)
    model = network(CONFIG).requires_grad_(True)
    if contest is None:
        return SpeakerTask(model, voices(), lesson)
    return AdversarialVoices(model, voices(), lesson, contest, form)


def taught(folder, *args):
    torch.set_num_threads(1)
    task = given(*args)
    run(task, PLAN, folder, show=quiet)
    return {name: value.clone() for name, value in task.model.state_dict().items()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return taught(tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("form", FORMS)
def test_a_constant_rival_is_plain_training_to_the_last_bit(form, plain, tmp_path):
    constant = replace(CONTEST, rate=0.0, warmup=0)
    assert same(taught(tmp_path / "constant", constant, form), plain)
    assert not same(taught(tmp_path / "playing", CONTEST, form), plain)


@pytest.mark.parametrize("form", FORMS)
def test_the_rival_weighs_and_says_how_much(form):
    task = given(replace(CONTEST, warmup=0), form)
    losses, figures = [], []
    for number in range(12):
        batch = task.loss(np.random.default_rng(7), number)
        losses.append(batch.losses.detach())
        figures.append(batch.figures)
    assert losses[0].shape == (8,) and {"right", "seconds"} < figures[0].keys()
    assert figures[-1]["effective"] < 0.999 and figures[-1]["heaviest"] > 1.01
    # The same batch each time: the rival has made it cost more, while the embedder stood still.
    assert losses[-1].mean() > losses[3].mean()
    assert all(each.grad is None for each in task.model.parameters())


class Killed(Exception):  # noqa: N818
    """As if the process had ended."""


def test_killed_in_the_middle_it_ends_as_if_it_had_not_been(tmp_path):
    class Stopped(AdversarialVoices):
        def loss(self, random, number):
            if number == 4:
                raise Killed
            return super().loss(random, number)

    Stopped.__name__ = "AdversarialVoices"
    taught(tmp_path / "whole", CONTEST)
    stopped = given(CONTEST)
    stopped.__class__ = Stopped
    with pytest.raises(Killed):
        run(stopped, PLAN, tmp_path / "killed", show=quiet)
    taught(tmp_path / "killed", CONTEST)
    one, other = (tmp_path / each / "checkpoint.safetensors" for each in ("whole", "killed"))
    assert one.read_bytes() == other.read_bytes()


def test_what_cannot_be_is_refused():
    with pytest.raises(MitigationError, match="no form 'triplets'; choose pairs, "):
        given(CONTEST, "triplets")
    with pytest.raises(MitigationError, match="with the prototypical loss"):
        given(CONTEST, "pairs", replace(LESSON, prototypical=0.0))
