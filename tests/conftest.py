"""Settings that hold for every test."""

import os
import tempfile

import pytest
from hypothesis import settings

from tests import once

# What the user of this machine has imported must not change what tests see.
_DATA = tempfile.TemporaryDirectory(prefix="allears-tests-")
os.environ["XDG_DATA_HOME"] = _DATA.name

# How long an example takes says nothing here: every call is type-checked, on machines of any speed.
settings.register_profile("allears", deadline=None)
settings.load_profile("allears")


@pytest.fixture(scope="session", autouse=True)
def once_in_a_run(tmp_path_factory):
    """Where `once` keeps what it makes: each worker of pytest-xdist has its folder in that of the run."""
    own = tmp_path_factory.getbasetemp()
    once.keep_in(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)
