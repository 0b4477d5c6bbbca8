"""A short form of benchmarks/day.py: a bad network for a quarter of an hour, counters wrapping."""

import json
import subprocess
import sys

import pytest

from tests.real import REPOSITORY


def test_nothing_drifts_grows_or_breaks() -> None:
    run = subprocess.run(
        [sys.executable, "benchmarks/day.py", "--hours", "0.25", "--json", "1"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    calls = json.loads(run.stdout)
    assert [call["clock, ppm"] for call in calls] == [0, 200, -200]
    for call in calls:
        assert call["packets"] == pytest.approx(45_000, rel=0.001)
        assert (call["streams"], call["malformed"], call["jumps"]) == (1, 0, 0)
        # A quarter of an hour at 200 ppm is 180 ms: a receiver that does not follow would show it.
        drift = call["delay in the last 5 %, ms"] - call["delay in the first 5 %, ms"]
        assert abs(drift) < 20
        assert call["largest delay, ms"] < 200
        assert call["most packets buffered"] < 20
        assert call["late"] < 0.02 * call["packets"]
