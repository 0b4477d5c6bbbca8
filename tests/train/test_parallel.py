"""Processes that train together, by torchrun as a user starts them."""

import os
import subprocess
import sys

import torch
from safetensors.torch import load_file

from tests.real import REPOSITORY
from tests.train.material import several


def test_two_processes_take_the_steps_of_one_that_accumulates(tmp_path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*torchrun, "-m", "tests.train.material", str(tmp_path / "two")]
    subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True, timeout=120
    )
    several(tmp_path / "one", accumulate=2)
    together, alone = (
        load_file(tmp_path / name / "checkpoint.safetensors") for name in ("two", "one")
    )
    assert together.keys() == alone.keys()
    for name, value in alone.items():
        assert torch.allclose(value, together[name], atol=1e-5), name
    # Only one of them wrote.
    assert len((tmp_path / "two" / "log.jsonl").read_text().splitlines()) == 1
