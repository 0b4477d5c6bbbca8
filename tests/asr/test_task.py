"""The task of a transducer: utterances cost what each costs alone; a run that is killed ends the same."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from allears.asr.model import Transducer, TransducerConfig
from allears.asr.task import Lesson, TransducerTask, statistics
from allears.asr.tokens import Characters, TokenError
from allears.audio import mel
from allears.corpus.augment import Level
from allears.corpus.text import normalise
from allears.train.loop import run
from allears.train.schedule import Plan
from tests.asr.material import FOUR, packed
from tests.train.material import quiet

TOKENS = Characters()
ALL = Lesson(window=0, seconds=1000.0, fastemit=0.0)
# One quiet for every utterance: what is drawn for it must not tell a batch from an utterance alone.
STILL = SimpleNamespace(standard_normal=np.ones, random=lambda: 0.0)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("sound"), FOUR)


def task(sound, lesson=ALL, **options):
    torch.manual_seed(0)
    config = TransducerConfig(
        TOKENS.size, "lstm", {"width": 16, "layers": 1}, predictor={"width": 16}, joint=16, bands=16
    )
    return TransducerTask(Transducer(config), TOKENS, sound, lesson, seed=0, **options)


def alone(sound, index):
    first, last = sound.bounds[index : index + 2]
    bounds = np.array([0, last - first])
    return replace(
        sound, data=sound.data[first:last], bounds=bounds, utterances=(sound.utterances[index],)
    )


def nats(given, number=0):
    """The nats of each utterance of a batch, by its place in the corpus."""
    given.model.eval()
    with torch.no_grad():
        batch = given.loss(STILL, number)
    symbols = [
        len(TOKENS.encode(normalise(given._sound.utterances[each].text))) for each in batch.members
    ]
    losses = (batch.losses * np.mean(symbols)).tolist()
    return dict(zip(batch.members, losses, strict=True))


@pytest.mark.parametrize("window", [0, 6])
def test_each_utterance_costs_what_it_costs_alone(sound, window):
    lesson = replace(ALL, window=window)
    together = nats(task(sound, lesson))
    assert sorted(together) == [0, 1, 2, 3]
    for index, found in together.items():
        assert found == pytest.approx(nats(task(alone(sound, index), lesson))[0], rel=1e-4)


def test_a_window_as_wide_as_the_text_is_no_window(sound):
    full = nats(task(sound))
    wide = task(sound, replace(ALL, window=1000, simply=1))
    early, late = nats(wide, 0), nats(wide, 1)
    for index, found in full.items():
        assert (late[index] - early[index]) / 0.9 == pytest.approx(found, rel=1e-4)


def test_a_narrow_window_costs_no_less(sound):
    costs = []
    for window in (6, 1000):
        given = task(sound, replace(ALL, window=window, simply=1))
        early, late = nats(given, 0), nats(given, 1)
        costs.append([(late[each] - early[each]) / 0.9 for each in range(4)])
    assert all(narrow >= wide - 1e-3 for narrow, wide in zip(*costs, strict=True))
    assert costs[0] != pytest.approx(costs[1])


def test_members_are_those_that_can_be_learnt_from(sound):
    untold = replace(sound.utterances[1], text="!")
    others = replace(sound, utterances=(sound.utterances[0], untold, *sound.utterances[2:]))
    given = task(others, replace(ALL, longest_s=2.45), shares=[1.0, 1.0, 1.0, 1.0])
    assert set(nats(given)) == {0, 2}
    assert set(nats(task(sound, shares=[1.0, 0.0, 1.0, 1.0]))) == {0, 2, 3}


def test_a_batch_tells_how_much_is_heard(sound):
    batch = task(sound).loss(np.random.default_rng(0), 0)
    assert batch.figures["seconds"] == pytest.approx(sum(sound.durations), abs=4 * 0.6)
    assert batch.losses.shape == (4,)


def test_what_is_asked_beside_the_words_is_added(sound):
    class Extra:
        def begin(self, number):
            begun.append(number)

        def losses(self, frames):
            heard.append(frames)
            return torch.arange(len(frames)), {"more": 2.0}

    begun: list[int] = []
    heard: list[torch.Tensor] = []
    tasks = [task(sound, extra=each) for each in (None, Extra())]
    for each in tasks:
        each.model.eval()
    one, other = (each.loss(np.random.default_rng(0), 7) for each in tasks)
    assert begun == [7]
    assert other.figures["more"] == 2.0
    assert (other.losses - one.losses).tolist() == pytest.approx([0, 1, 2, 3], abs=1e-4)
    assert (heard[0] * 4 * mel.HOP / mel.RATE).sum() == pytest.approx(one.figures["seconds"])


def test_a_text_that_cannot_be_written_is_named(sound):
    with pytest.raises(TokenError, match="'my' has 'm'"):
        TransducerTask(task(sound).model.transducer, Characters("andso"), sound, ALL, seed=0)


def test_frames_are_of_mean_0_and_deviation_1(sound):
    given = task(sound).model.transducer
    mean, deviation = statistics(sound, 16)
    given.normalise(torch.from_numpy(mean), torch.from_numpy(deviation))
    whole = np.concatenate([mel.whole(sound.samples(each), 16) for each in range(4)])
    found = (torch.from_numpy(whole) - given.mean) * given.scale
    assert found.mean(0).numpy() == pytest.approx(np.zeros(16), abs=1e-3)
    assert found.std(0).numpy() == pytest.approx(np.ones(16), abs=1e-2)


class Killed(Exception):  # noqa: N818
    """As if the process had ended."""


def test_killed_in_the_middle_it_ends_as_if_it_had_not_been(sound, tmp_path):
    plan = Plan(6, 1e-3, warmup=2, average=0.5, save_seconds=0.0, seed=3)
    lesson = Lesson(seconds=4.0, simply=2, plainly=3)
    settings = {"distort": Level()}

    class Stopped(TransducerTask):
        def loss(self, random, number):
            if number == 4:
                raise Killed
            return super().loss(random, number)

    run(task(sound, lesson, **settings), plan, tmp_path / "whole", show=quiet)
    stopped = task(sound, lesson, **settings)
    stopped.__class__ = Stopped
    Stopped.__name__ = "TransducerTask"
    with pytest.raises(Killed):
        run(stopped, plan, tmp_path / "killed", show=quiet)
    run(task(sound, lesson, **settings), plan, tmp_path / "killed", show=quiet)
    one, other = (tmp_path / each / "checkpoint.safetensors" for each in ("whole", "killed"))
    assert one.read_bytes() == other.read_bytes()


def test_quiet_comes_before_what_is_said(sound):
    waiting = task(sound, replace(ALL, before_s=2.0))
    lasting = SimpleNamespace(standard_normal=np.ones, random=lambda: 0.5)
    with torch.no_grad():
        plain, later = (each.loss(lasting, 0) for each in (task(sound), waiting))
    assert plain.members == later.members
    extra = later.figures["seconds"] - plain.figures["seconds"]
    # Half of what may come, up to the frames that are left over.
    assert extra == pytest.approx(1.0 * len(plain.members), abs=0.06 * len(plain.members))
    heard = waiting._heard(0, lasting, 0)
    quiet = heard[: len(heard) // 10]
    assert quiet.mean() < task(sound)._heard(0, lasting, 0)[: len(quiet)].mean()
