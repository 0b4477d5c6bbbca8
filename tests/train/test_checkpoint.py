import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from allears.train.average import averaged, averaged_of, last
from allears.train.loop import run
from allears.train.schedule import Plan
from allears.train.task import TrainingError
from tests.train.material import Line, quiet


class Curve(Line):
    """Another task with the same model."""


@pytest.mark.parametrize(
    ("task", "seed", "difference"),
    [
        (lambda: Line(5), 1, r"another model \(0\.bias was \(4,\), is \(5,\)\)"),
        (Line, 2, "seed 1, this is seed 2"),
        (Curve, 1, "a Line, this is a Curve"),
    ],
)
def test_what_belongs_to_another_run_is_refused(tmp_path, task, seed, difference):
    run(Line(), Plan(steps=2, seed=1), tmp_path, show=quiet)
    with pytest.raises(TrainingError, match=difference) as refused:
        run(task(), Plan(steps=4, seed=seed), tmp_path, show=quiet)
    assert str(tmp_path) in str(refused.value)


def test_more_steps_may_be_asked_for_later(tmp_path):
    run(Line(), Plan(steps=2), tmp_path, show=quiet)
    before = load_file(tmp_path / "checkpoint.safetensors")
    assert run(Line(), Plan(steps=4, rate=1e-2), tmp_path, show=quiet)
    after = load_file(tmp_path / "checkpoint.safetensors")
    assert not torch.equal(before["model.0.weight"], after["model.0.weight"])
    assert int(after["optimiser.0.step"]) == 4


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes(b"\x08" + bytes(7) + b"nonsense")
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors: no checkpoint"):
        run(Line(), Plan(steps=2), tmp_path, show=quiet)


def test_a_checkpoint_says_what_it_is_of(tmp_path):
    run(Line(), Plan(steps=2, seed=3), tmp_path, show=quiet)
    with safe_open(tmp_path / "checkpoint.safetensors", "pt") as file:
        about = file.metadata()["about"]
    assert '"kind": "Line"' in about
    assert '"step": 2' in about
    assert '"seed": 3' in about


def test_the_last_of_the_weights_every_few_steps_are_kept_and_averaged(tmp_path):
    task, kept = Line(), {}

    def penalty(model):
        kept[len(kept)] = {name: value.clone() for name, value in model.state_dict().items()}
        return torch.zeros((), requires_grad=True)

    plan = Plan(steps=20, rate=1e-2, keep=2, keep_steps=5)
    run(task, plan, tmp_path, penalty=penalty, show=quiet)
    assert [path.name for path in last(tmp_path)] == [
        "step-000000015.safetensors", "step-000000020.safetensors",
    ]  # fmt: skip
    assert last(tmp_path, 1) == last(tmp_path)[1:]
    mean = averaged_of(last(tmp_path, 2))
    for name, value in task.model.state_dict().items():
        assert torch.allclose(mean[name], (kept[15][name] + value) / 2, atol=1e-6), name
    # A whole checkpoint is one of the files that may be averaged.
    whole = averaged_of([tmp_path / "checkpoint.safetensors"])
    assert torch.equal(whole["0.weight"], task.model[0].weight)
    assert averaged(tmp_path).keys() == whole.keys()


def test_weights_of_different_models_have_no_average(tmp_path):
    for size in (4, 5):
        run(Line(size), Plan(steps=1), tmp_path / str(size), show=quiet)
    paths = [tmp_path / str(size) / "checkpoint.safetensors" for size in (4, 5)]
    with pytest.raises(TrainingError, match=r"another model than .*: 0\.bias was"):
        averaged_of(paths)
    with pytest.raises(TrainingError, match="no checkpoints"):
        averaged_of([])
