"""The rival of a training: one that says the same of all changes nothing, one that plays finds who is failed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from allears.mitigation.adversary import Contest, Rival, effective_sample_size, normalised
from allears.mitigation.refusal import MitigationError
from allears.mitigation.regions import Regions
from allears.mitigation.reweighting import AdversarialWeighting, Reweighted
from allears.train.loop import run
from allears.train.schedule import Plan
from allears.train.task import Batch
from tests.mitigation.material import same
from tests.train.material import Line, quiet

CONTEST = Contest(warmup=2, regions=2, memory=64, hidden=8, width=2, rate=0.05)
PLAN = Plan(steps=12, rate=1e-2, save_seconds=0.0)


class Groups(Line):
    """Two groups in one corpus of 40: of the odd ones half of the truth is the other way round."""

    def loss(self, random, _number):
        members = random.choice(40, 16, replace=False)
        x = torch.linspace(-1, 1, 40)[members, None]
        hard = torch.tensor(members % 2 == 1)
        truth = torch.where(hard[:, None], 3 * torch.sign(torch.sin(40 * x)), x)
        return Batch((self.model(x) - truth).square()[:, 0], {}, members.tolist())


def features():
    """One axis tells the groups apart, the others nothing."""
    random = np.random.default_rng(0)
    found = 0.2 * random.standard_normal((40, 4)).astype(np.float32)
    found[:, 0] += np.where(np.arange(40) % 2, 1, -1)
    return found


def weights(folder, **options):
    torch.set_num_threads(1)
    given = Groups()
    run(given, PLAN, folder, show=quiet, **options)
    return given.model.state_dict()


def test_a_rival_that_says_the_same_of_all_changes_nothing_to_the_last_bit(tmp_path):
    constant = AdversarialWeighting(features(), replace(CONTEST, rate=0.0, warmup=0))
    plain = weights(tmp_path / "plain")
    assert same(weights(tmp_path / "constant", weighting=constant), plain)
    assert constant.rival.effective == constant.rival.heaviest == 1
    playing = AdversarialWeighting(features(), CONTEST)
    assert not same(weights(tmp_path / "playing", weighting=playing), plain)
    warming = AdversarialWeighting(features(), replace(CONTEST, warmup=12))
    assert same(weights(tmp_path / "warming", weighting=warming), plain)


def test_a_rival_that_plays_weighs_those_more_who_are_served_badly():
    rival = Rival(4, replace(CONTEST, warmup=0))
    heard = torch.from_numpy(features())
    losses = torch.where(torch.arange(40) % 2 == 1, 2.0, 0.5)
    for _ in range(60):
        found = rival.weigh(heard, lambda given: (normalised(given) * losses).mean())
    assert found[1::2].min() > found[::2].max() > 1
    assert found.mean().item() == pytest.approx(2)
    assert rival.effective < 0.99 and rival.heaviest > 1.2
    assert rival.effective == pytest.approx(effective_sample_size(found) / 40)


def test_effective_sample_size():
    assert effective_sample_size(torch.full((7,), 0.3)) == pytest.approx(7)
    assert effective_sample_size(torch.tensor([1.0, 0.0, 0.0])) == pytest.approx(1)
    assert effective_sample_size(torch.tensor([3.0, 1.0])) == pytest.approx(16 / 10)


def test_weights_that_are_alike_are_exactly_1():
    for size, value in ((3, 0.1), (7, 1 / 3), (49, 1e-3)):
        assert normalised(torch.full((size,), value)).eq(1).all()
    assert normalised(torch.tensor([1.0, 3.0])).tolist() == [0.5, 1.5]


def test_the_learner_gets_no_gradient_of_the_rival_and_moves_every_so_often():
    rival = Rival(4, replace(CONTEST, warmup=0, regions=0, every=3))
    learner = torch.nn.Linear(4, 4)
    heard = learner(torch.from_numpy(features()))
    losses = heard.square().sum(1)
    moved = []
    for _ in range(6):
        before = rival.state_dict()["network.say.weight"].clone()
        found = rival.weigh(heard, lambda given: (given * losses.detach()).mean())
        moved.append(not torch.equal(before, rival.state_dict()["network.say.weight"]))
        assert not found.requires_grad
    assert moved == [False, False, True, False, False, True]
    assert learner.weight.grad is None


class Killed(Exception):  # noqa: N818
    """As if the process had ended."""


def test_killed_in_the_middle_it_ends_as_if_it_had_not_been(tmp_path):
    class Stopped(Groups):
        def loss(self, random, number):
            if number == stop:
                raise Killed
            return super().loss(random, number)

    Stopped.__name__ = "Groups"
    whole = tmp_path / "whole/checkpoint.safetensors"
    weights(whole.parent, weighting=AdversarialWeighting(features(), CONTEST))
    for stop in (1, 7):
        place = tmp_path / f"{stop}"
        with pytest.raises(Killed):
            run(
                Stopped(), PLAN, place, show=quiet,
                weighting=AdversarialWeighting(features(), CONTEST),
            )  # fmt: skip
        weights(place, weighting=AdversarialWeighting(features(), CONTEST))
        assert (place / whole.name).read_bytes() == whole.read_bytes()


def test_figures_are_those_of_the_batch_before():
    weighting = AdversarialWeighting(features(), CONTEST)
    given = Reweighted(Groups(), weighting)
    random = np.random.default_rng(0)
    first = given.loss(random, 0)
    assert first.figures == {"effective": 1.0, "heaviest": 1.0}
    for number in range(20):
        batch = given.loss(random, number)
        weighting(batch.losses, batch.members)
    found = given.loss(random, 20).figures
    assert found["effective"] == weighting.rival.effective < 1 < found["heaviest"]
    assert given.groups() and given.model


def test_regions_are_found_and_keep_their_numbers():
    regions = Regions(3, 100, 0.9, 0)
    random = np.random.default_rng(0)
    centres = np.eye(3, 5)
    at = torch.from_numpy(random.integers(0, 3, 60))
    heard = torch.from_numpy(centres[at] + 0.05 * random.standard_normal((60, 5))).float()
    regions.gather(heard[:11])
    assert not regions.find() and not regions.found
    regions.gather(heard[11:])
    assert regions.find() and regions.found
    before = regions.of(heard)
    table = torch.zeros(3, 3).index_put_((at, before), torch.ones(60), accumulate=True)
    assert (table > 0).sum() == 3
    # All drift the same way, further than regions are apart, and centres follow.
    for step in range(40):
        drifted = heard + step / 10 * torch.tensor([0, 0, 0, 0.0, 1.0])
        regions.follow(drifted, regions.of(drifted))
    assert torch.equal(regions.of(drifted), before)
    still = Regions(3, 100, 0.9, 0)
    still.load_state_dict(regions.state_dict())
    assert torch.equal(still.of(drifted), before)


def test_what_cannot_be_weighed_is_refused():
    weighting = AdversarialWeighting(features(), CONTEST)
    for losses, members in ((torch.ones(3), None), (torch.tensor(1.0), [1])):
        with pytest.raises(MitigationError, match="wants a loss of each utterance"):
            weighting(losses, members)
    with pytest.raises(MitigationError, match="values that are no numbers"):
        AdversarialWeighting(np.full((2, 2), np.nan, np.float32), CONTEST)
    with pytest.raises(MitigationError, match="cannot be played"):
        Rival(4, replace(CONTEST, every=0))
