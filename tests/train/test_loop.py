import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from allears.train.loop import Plan, TrainingError, averaged, run


class Line:
    """Learns y = 2x − 1, with noise drawn as a real task draws its data."""

    def __init__(self, size=4):
        torch.manual_seed(0)
        self.model = torch.nn.Sequential(
            torch.nn.Linear(1, size), torch.nn.Tanh(), torch.nn.Linear(size, 1)
        )

    def groups(self):
        first, _, last = self.model
        return [
            {"params": list(first.parameters())},
            {"params": list(last.parameters()), "lr": 2.0},
        ]

    def loss(self, random, _step):
        x = torch.from_numpy(random.uniform(-1, 1, (32, 1)).astype(np.float32))
        loss = (self.model(x + 0.01 * torch.randn_like(x)) - (2 * x - 1)).square().mean()
        return loss, {"rmse": loss.item() ** 0.5}


def quiet(_):
    pass


def test_what_is_learnt_is_right(tmp_path):
    assert run(Line(), Plan(steps=600, rate=2e-2), tmp_path, show=quiet)
    last = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert last["step"] == 600
    assert last["rmse"] < 0.12


class Interrupted(Line):
    """Stops as a killed process does: in the middle of a step."""

    def loss(self, random, step):
        if step == 23:
            raise KeyboardInterrupt
        return super().loss(random, step)


def test_a_stopped_run_resumes_to_the_very_same_weights(tmp_path):
    plan = Plan(steps=40, rate=1e-2, save_seconds=0)
    run(Line(), plan, tmp_path / "whole", show=quiet)
    with pytest.raises(KeyboardInterrupt):
        run(Interrupted(), plan, tmp_path / "halves", show=quiet)
    run(Line(), plan, tmp_path / "halves", show=quiet)
    whole, halves = (
        load_file(tmp_path / name / "checkpoint.safetensors") for name in ("whole", "halves")
    )
    assert whole.keys() == halves.keys()
    for name, value in whole.items():
        assert torch.equal(value, halves[name]), name


def test_time_ends_a_run_and_it_goes_on_later(tmp_path):
    assert not run(Line(), Plan(steps=10), tmp_path, show=quiet, until=0.0)
    assert run(Line(), Plan(steps=10), tmp_path, show=quiet)


def test_the_average_follows_the_weights(tmp_path):
    task = Line()
    run(task, Plan(steps=300, rate=1e-2, average=0.9), tmp_path, show=quiet)
    for name, value in task.model.state_dict().items():
        assert torch.allclose(averaged(tmp_path)[name], value, atol=0.05), name


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    run(Line(4), Plan(steps=2), tmp_path, show=quiet)
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors is of another model"):
        run(Line(5), Plan(steps=4), tmp_path, show=quiet)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    class Broken(Line):
        def loss(self, random, step):
            loss, shown = super().loss(random, step)
            return loss * float("nan"), shown

    with pytest.raises(TrainingError, match="step 0: the loss is nan"):
        run(Broken(), Plan(steps=2), tmp_path, show=quiet)


def test_the_rate_rises_then_falls():
    plan = Plan(steps=1000, warmup=100)
    factors = [plan.factor(step) for step in range(1000)]
    assert np.argmax(factors) in (99, 100)
    assert factors[0] == pytest.approx(0.01)
    assert factors[-1] == pytest.approx(plan.floor, abs=1e-3)
