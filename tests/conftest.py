"""Settings that hold for every test."""

import os
import tempfile

from hypothesis import settings

# What the user of this machine has imported must not change what tests see.
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="allears-tests-")

# How long an example takes says nothing here: every call is type-checked, on machines of any speed.
settings.register_profile("allears", deadline=None)
settings.load_profile("allears")
