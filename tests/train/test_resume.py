"""A run killed again and again ends as the run that was left alone, byte for byte."""

import multiprocessing
import random

import pytest
import torch

from allears.train.loop import run
from allears.train.schedule import Plan
from tests.train.material import Line, everything, quiet

MODULES = ["allears.train.loop", "torch._dynamo", "torch.utils.tensorboard", "tests.train.material"]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_killed_at_any_moment_a_run_ends_with_the_very_same_files(tmp_path, precision):
    settings = {"precision": precision, "accumulate": 2, "keep": 2, "keep_steps": 20}
    everything(tmp_path / "whole", **settings)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(MODULES)
    moments, kills = random.Random(precision), 0
    while True:
        process = processes.Process(target=everything, args=(tmp_path / "killed",), kwargs=settings)
        process.start()
        # Longer each time, so that it ends on a slow machine too.
        process.join(moments.uniform(0.02, 0.1) * 1.3**kills)
        if process.exitcode is not None:
            break
        process.kill()
        process.join()
        kills += 1
    assert process.exitcode == 0
    assert kills > 3
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert len(contents(tmp_path / "whole")) == 3


class Interrupted(Line):
    """Stops as a killed process does: in the middle of a step."""

    def loss(self, random, number):
        if number == 23:
            raise KeyboardInterrupt
        return super().loss(random, number)


Interrupted.__name__ = "Line"


def test_a_run_goes_on_from_the_last_checkpoint_not_from_where_it_stopped(tmp_path):
    plan = Plan(steps=40, rate=1e-2, save_seconds=0)
    for task in (Line(), Interrupted()):
        folder = tmp_path / type(task).__qualname__
        if isinstance(task, Interrupted):
            with pytest.raises(KeyboardInterrupt):
                run(task, plan, folder, show=quiet)
            torch.manual_seed(99)
        run(Line(), plan, folder, show=quiet)
    assert contents(tmp_path / "Line") == contents(tmp_path / "Interrupted")


def test_time_ends_a_run_and_it_goes_on_later(tmp_path):
    assert not run(Line(), Plan(steps=10), tmp_path, show=quiet, until=0.0)
    assert run(Line(), Plan(steps=10), tmp_path, show=quiet)
