import io
import json
import time

import pytest
from rich.console import Console

from allears.train import log
from allears.train.log import Log
from allears.train.loop import run
from allears.train.schedule import Plan
from tests.train.material import Line, quiet


def test_tensorboard_reads_the_figures(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run(Line(), Plan(steps=200), tmp_path, show=quiet)
    run(Line(), Plan(steps=250), tmp_path, show=quiet)
    # Files of one second are read in the order of their names, in which the tenth comes before the ninth.
    events = accumulator.EventAccumulator(str(tmp_path), purge_orphaned_data=False).Reload()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [200, 250]
    for name in ("loss", "rmse"):
        told = sorted((each.step, each.value) for each in events.Scalars(name))
        assert told == [(line["step"], pytest.approx(line[name], abs=1e-4)) for line in lines]


def test_without_tensorboard_it_is_said_once(tmp_path, monkeypatch):
    monkeypatch.setattr(log.importlib.util, "find_spec", lambda _: None)
    told = []
    run(Line(), Plan(steps=400), tmp_path, show=told.append)
    assert ["pip install tensorboard" in line for line in told] == [True, False, False]
    assert {path.name for path in tmp_path.iterdir()} == {"log.jsonl", "checkpoint.safetensors"}


def test_the_bar_tells_steps_and_audio_a_second_and_the_time_left(tmp_path):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=160, color_system=None)
    with Log(tmp_path, 0, 1000, quiet, console=console) as bar:
        for step in range(1, 6):
            bar.tell(step, {"loss": 0.25, "seconds": 3.0})
            time.sleep(0.15)
    shown = out.getvalue()
    assert "steps/s" in shown
    assert " s/s" in shown
    assert "loss 0.25" in shown
    assert "0:0" in shown.rsplit("steps/s", 1)[1]


def test_lines_of_steps_that_are_taken_again_are_taken_back(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 200, "loss": 1}\n{"step": 400, "loss": 2}\n{"step": 600, "lo')
    with Log(tmp_path, 300, 1000, quiet) as bar:
        bar.tell(400, {"loss": 3.0})
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"step": 200, "loss": 1}, {"step": 400, "loss": 3.0},
    ]  # fmt: skip
