"""Settings that hold for every test."""

from hypothesis import settings

# How long an example takes says nothing here: every call is type-checked, on machines of any speed.
settings.register_profile("allears", deadline=None)
settings.load_profile("allears")
