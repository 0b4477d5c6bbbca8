import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.audio.framing import Framer, frames

lengths = st.lists(st.integers(0, 50), max_size=20)


def ramp(length):
    """Samples that all differ and are never zero, so that padding shows."""
    return np.arange(1, length + 1, dtype=np.float32)


@given(st.integers(0, 300), st.integers(1, 40))
def test_frames_are_the_signal_then_zeros(length, size):
    cut = frames(ramp(length), size)
    assert cut.shape == (-(-length // size), size)
    np.testing.assert_array_equal(cut.ravel()[:length], ramp(length))
    assert not cut.ravel()[length:].any()


@given(lengths, st.integers(1, 40))
def test_chunks_equal_the_whole(chunk_lengths, size):
    signal = ramp(sum(chunk_lengths))
    framer = Framer(size)
    cut = []
    for chunk in np.split(signal, np.cumsum(chunk_lengths)):
        cut += framer.push(chunk)
    cut += framer.flush()
    np.testing.assert_array_equal(np.reshape(cut, (-1, size)), frames(signal, size))


def test_a_frame_is_given_as_soon_as_it_is_complete():
    framer = Framer(4)
    assert [len(framer.push(ramp(1))) for _ in range(8)] == [0, 0, 0, 1, 0, 0, 0, 1]


def test_flush_starts_afresh():
    framer = Framer(4)
    framer.push(ramp(3))
    assert len(framer.flush()) == 1
    assert framer.flush() == []
    np.testing.assert_array_equal(framer.push(ramp(4)), [ramp(4)])


def test_the_callers_buffer_may_be_reused():
    buffer = ramp(4)
    (frame,) = Framer(4).push(buffer)
    buffer[:] = 0
    np.testing.assert_array_equal(frame, ramp(4))


def test_a_frame_has_samples():
    with pytest.raises(ValueError, match="at least one"):
        Framer(0)
    with pytest.raises(ValueError, match="at least one"):
        frames(ramp(3), -1)
