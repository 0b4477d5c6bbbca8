"""Voices taught against a rival end in a checkpoint, begun anew or going on, and resumed where stopped."""

from dataclasses import replace

import pytest
import torch

from allears.mitigation.adversary import Contest
from allears.mitigation.voice_training import teach_voices
from allears.speaker import checkpoint
from allears.speaker.ecapa import EcapaConfig
from allears.speaker.task import Lesson
from allears.speaker.training import Course, teach
from allears.train.schedule import Plan
from tests.mitigation.material import same
from tests.speaker.material import voices
from tests.speaker.small import network

CONFIG = EcapaConfig(width=6, pooled=8, bottleneck=4, size=8, scale=3, settled=20)
LESSON = Lesson(speakers=4, seconds=(0.3, 0.4), gently=2, speeds=(1.0,), masked=0.0)
COURSE = Course("small", CONFIG, Plan(4, 5e-3, warmup=2, average=0.5, seed=5), LESSON)
CONTEST = Contest(warmup=1, regions=2, memory=32, hidden=6, width=2, rate=0.1)


def weights(path):
    return checkpoint.load(path).state_dict()


def taught(folder, contest=CONTEST, course=COURSE, **options):
    return weights(teach_voices(course, voices(), folder, contest, **options))


@pytest.fixture(scope="module")
def playing(tmp_path_factory):
    return taught(tmp_path_factory.mktemp("playing"))


def test_without_a_contest_or_with_a_constant_rival_it_is_the_training_of_voices(tmp_path, playing):
    plain = weights(teach(COURSE, voices(), tmp_path / "teach", distort=None))
    assert same(taught(tmp_path / "none", None), plain)
    assert same(taught(tmp_path / "constant", replace(CONTEST, rate=0.0)), plain)
    assert not same(playing, plain)


def test_stopped_at_once_it_goes_on_to_the_same_end(tmp_path, playing):
    assert teach_voices(COURSE, voices(), tmp_path, CONTEST, until=0.0) is None
    assert same(taught(tmp_path), playing)


def test_a_network_goes_on_from_where_it_was(tmp_path, playing):
    still = replace(COURSE, plan=replace(COURSE.plan, rate=0.0))
    before = {name: value.clone() for name, value in network(CONFIG).state_dict().items()}
    after = taught(tmp_path / "still", course=still, model=network(CONFIG))
    learnt = {name for name, _ in network(CONFIG).named_parameters()}
    assert all(torch.equal(after[name], before[name]) for name in learnt)
    assert torch.equal(after["mean"], before["mean"])
    further = taught(tmp_path / "further", model=network(CONFIG))
    assert not torch.equal(further["embed.weight"], before["embed.weight"])
    assert not same(further, playing)
