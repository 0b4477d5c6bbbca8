import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.wire.jitter import DelayEstimator, JitterBuffer
from allears.wire.opus import CLOCK_RATE


@given(st.lists(st.integers(0, 50)), st.integers(0, 50))
def test_packets_come_out_in_time_order(timestamps: list[int], now: int) -> None:
    buffer: JitterBuffer[int] = JitterBuffer()
    for timestamp in timestamps:
        assert buffer.insert(timestamp, timestamp)
    assert [at for at, _ in buffer.later(now)] == sorted({t for t in timestamps if t >= now})
    dropped = buffer.drop_before(now)
    assert dropped == len({t for t in timestamps if t < now})
    assert buffer.earliest == min((t for t in timestamps if t >= now), default=None)
    assert buffer.take(now) == (now if now in timestamps else None)
    assert buffer.get(now) is None


def test_a_full_buffer_keeps_what_is_due_first() -> None:
    buffer: JitterBuffer[str] = JitterBuffer(capacity=2)
    assert buffer.insert(1, "a") and buffer.insert(2, "b")
    assert not buffer.insert(3, "c")
    assert buffer.insert(2, "B") and buffer.get(2) == "B"
    assert len(buffer) == 2
    buffer.clear()
    assert buffer.earliest is None


@pytest.mark.parametrize("drift", [-200e-6, 0.0, 200e-6])
def test_lag_is_the_jitter_whatever_the_drift(drift: float) -> None:
    rng = random.Random(1)
    estimator = DelayEstimator()
    assert not estimator.known and estimator.lag == 0
    for number in range(20_000):
        spoken = number * 0.02
        late = rng.uniform(0, 0.03)
        estimator.update(int(spoken * (1 + drift) * CLOCK_RATE), 5 + spoken + late)
    assert estimator.lag == pytest.approx(0.97 * 0.03, abs=0.004)
    spoken = 20_000 * 0.02
    delay = estimator.delay(spoken * (1 + drift) * CLOCK_RATE, 5 + spoken + 0.1)
    assert delay == pytest.approx(0.1, abs=0.003)


def test_a_faster_path_is_learnt_at_once_and_a_slower_one_after_the_window() -> None:
    estimator = DelayEstimator(window=2.0, memory=50)
    transit = 0.3
    for number in range(400):
        if number == 100:
            transit = 0.1
        if number == 200:
            transit = 0.2
        estimator.update(number * 960, number * 0.02 + transit)
        if number == 100:
            assert estimator.fastest == pytest.approx(0.1)
        if number == 250:
            assert estimator.lag == pytest.approx(0.1)
    assert estimator.fastest == pytest.approx(0.2)
    assert estimator.lag == pytest.approx(0.0, abs=1e-9)
