import json
from itertools import pairwise

import numpy as np
import pytest
import torch

from allears.train.average import averaged
from allears.train.loop import run
from allears.train.schedule import Plan
from allears.train.task import Batch, TrainingError
from tests.train.material import Line, quiet


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_what_is_learnt_is_right(tmp_path, precision):
    assert run(
        Line(), Plan(steps=300, rate=4e-2, warmup=50, precision=precision), tmp_path, show=quiet
    )
    last = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert last["step"] == 300
    assert last["rmse"] < 0.15


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_losses_are_computed_in_half_precision_of_weights_that_are_whole(tmp_path, precision):
    class Listening(Line):
        def loss(self, random, number):
            batch = super().loss(random, number)
            heard.append(self.model(torch.zeros(1, 1)).dtype)
            return batch

    heard, task = [], Listening()
    plan = Plan(steps=2, precision=str(precision).removeprefix("torch."))
    run(task, plan, tmp_path, show=quiet)
    assert set(heard) == {precision}
    assert {each.dtype for each in task.model.parameters()} == {torch.float32}


def test_the_average_follows_the_weights(tmp_path):
    task = Line()
    run(task, Plan(steps=150, rate=1e-2, average=0.9), tmp_path, show=quiet)
    for name, value in task.model.state_dict().items():
        assert torch.allclose(averaged(tmp_path)[name], value, atol=0.05), name


def test_batches_of_a_step_count_as_one_large_batch(tmp_path):
    class Fixed(Line):
        """Four examples a batch out of a fixed eight, or all eight at once."""

        def __init__(self, size):
            super().__init__()
            self.size, self.numbers = size, []

        def loss(self, _random, number):
            self.numbers.append(number)
            chosen = (torch.arange(self.size) + self.size * number) % 8
            x = torch.linspace(-1, 1, 8)[chosen, None]
            return Batch((self.model(x) - (2 * x - 1)).square()[:, 0], {})

    halves, whole = Fixed(4), Fixed(8)
    run(halves, Plan(steps=20, rate=1e-2, accumulate=2), tmp_path / "halves", show=quiet)
    run(whole, Plan(steps=20, rate=1e-2), tmp_path / "whole", show=quiet)
    assert halves.numbers == list(range(40))
    for one, other in zip(halves.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_a_weighting_decides_who_is_served(tmp_path):
    def left(losses, members):
        return (losses * (1 - torch.tensor(members))).mean()

    task = Line()
    run(task, Plan(steps=200, rate=4e-2, warmup=20), tmp_path, weighting=left, show=quiet)
    x = torch.linspace(-1, 1, 101)[:, None]
    with torch.no_grad():
        off = (task.model(x) - (2 * x - 1)).abs()[:, 0]
    assert off[:50].mean() < 0.1
    assert off[80:].mean() > 2 * off[:50].mean()


def test_a_penalty_holds_the_weights(tmp_path):
    def held(model):
        return 100 * sum((each - 0.5).square().sum() for each in model.parameters())

    task = Line()
    run(task, Plan(steps=150, rate=4e-2, warmup=20, clip=1e3), tmp_path, penalty=held, show=quiet)
    for value in task.model.parameters():
        assert torch.allclose(value, torch.full_like(value, 0.5), atol=0.05)


class Broken(Line):
    """Gives no number where `number` is one of `when`; of the gradient alone if `quietly`."""

    def __init__(self, when, quietly=False):
        super().__init__()
        self.when, self.quietly = when, quietly

    def loss(self, random, number):
        batch = super().loss(random, number)
        if number not in self.when:
            return batch
        if self.quietly:
            # √0 is 0, and its slope is none.
            return batch._replace(losses=(0 * batch.losses).sqrt())
        return batch._replace(losses=batch.losses * float("nan"))


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    with pytest.raises(TrainingError, match="step 0: the loss is nan"):
        run(Broken([0]), Plan(steps=2), tmp_path, show=quiet)


def test_a_gradient_that_is_no_number_stops_the_run(tmp_path):
    with pytest.raises(TrainingError, match="step 1: the gradient is no number"):
        run(Broken([1], quietly=True), Plan(steps=2), tmp_path, show=quiet)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("quietly", [False, True])
def test_in_half_precision_such_a_step_is_skipped_and_counted(tmp_path, precision, quietly):
    task = Broken([3], quietly)
    before = []

    class Watched:
        def __call__(self, model):
            before.append(torch.cat([each.detach().flatten() for each in model.parameters()]))
            return before[-1].new_zeros((), requires_grad=True)

    plan = Plan(steps=6, precision=precision)
    run(task, plan, tmp_path, penalty=Watched(), show=quiet)
    still = [torch.equal(one, other) for one, other in pairwise(before)]
    # The first step of float16 is to find out how far gradients can be scaled.
    assert still[1:] == [False, False, True, False]
    assert torch.isfinite(before[-1]).all()
    assert json.loads((tmp_path / "log.jsonl").read_text())["skipped"] > 0


def test_a_run_without_any_number_ends_in_half_precision_too(tmp_path):
    with pytest.raises(TrainingError, match="50 in a row"):
        run(Broken(range(99)), Plan(steps=99, precision="bfloat16"), tmp_path, show=quiet)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_cuda_learns_the_same(tmp_path, precision):
    class There(Line):
        def loss(self, random, _number):
            x = torch.from_numpy(random.uniform(-1, 1, (32, 1)).astype(np.float32)).cuda()
            return Batch((self.model(x) - (2 * x - 1)).square()[:, 0], {})

    plan = Plan(steps=400, rate=2e-2, precision=precision)
    assert run(There(), plan, tmp_path, device="cuda", show=quiet)
    assert json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])["loss"] < 0.02


def test_the_rate_rises_then_falls():
    plan = Plan(steps=1000, warmup=100)
    factors = [plan.factor(step) for step in range(1000)]
    assert np.argmax(factors) in (99, 100)
    assert factors[0] == pytest.approx(0.01)
    assert factors[-1] == pytest.approx(plan.floor, abs=1e-3)
