from hypothesis import given
from hypothesis import strategies as st

from allears.wire import range_coder
from allears.wire.range_coder import ENCODER

SKEWED = (0, 30000, 31768, 32765, 32768)
symbols = st.lists(
    st.one_of(
        st.tuples(st.integers(2, 256), st.integers(0, 255)),
        st.tuples(st.just(0), st.integers(0, 3)),
    ),
    max_size=200,
)


class Written:
    """Symbols put down one after the other: sizes of even odds, or 0 for the skewed ones."""

    def __init__(self, plan: list[tuple[int, int]]) -> None:
        self.out, self.state = bytearray(1000), ENCODER
        for size, value in plan:
            if size:
                self.state = range_coder.encode_uint(self.out, self.state, value % size, size)
            else:
                low, high = SKEWED[value : value + 2]
                self.state = range_coder.encode(self.out, self.state, low, high, 32768)
        self.tell = range_coder.encoder_tell(self.state)

    def finish(self, position: int = -1) -> bytes:
        size = range_coder.finish(self.out, self.state, position)
        return bytes(self.out[1 : 1 + size])


def read(data: bytes, plan: list[tuple[int, int]]) -> tuple[range_coder.Decoder, list[int]]:
    state, values = range_coder.begin(data), []
    for size, _ in plan:
        if size:
            value, state = range_coder.decode_uint(data, state, size)
        else:
            at = range_coder.frequency(state, 32768)
            value = sum(at >= bound for bound in SKEWED[1:])
            low, high = SKEWED[value : value + 2]
            state = range_coder.consume(data, state, low, high, 32768)
        values.append(value)
    return state, values


@given(symbols)
def test_what_is_written_is_read(plan: list[tuple[int, int]]) -> None:
    written = Written(plan)
    data = written.finish()
    assert len(data) == (written.tell + 7) // 8
    state, values = read(data, plan)
    assert values == [value % size if size else value for size, value in plan]
    assert range_coder.decoder_tell(state) == written.tell


@given(symbols, symbols)
def test_a_state_kept_can_be_gone_back_to(
    plan: list[tuple[int, int]], abandoned: list[tuple[int, int]]
) -> None:
    """Whatever was written after it, carries and all, does not show."""
    written, clean = Written(plan), Written(plan)
    state = written.state
    for _, value in abandoned:
        state = range_coder.encode_uint(written.out, state, value, 256)
    assert written.finish() == clean.finish()


@given(symbols, st.booleans())
def test_unread_bits_can_be_put_back(plan: list[tuple[int, int]], bit: bool) -> None:
    """A sender's last bits may be anything inside the last interval; the decoder knows where."""
    data = Written([*plan, (2, int(bit))]).finish()
    state, _ = read(data, plan)
    again = Written(plan)
    if (again.tell + 7) // 8 == len(data):
        assert again.finish(state.width - 1 - state.offset) == data


def test_a_carry_runs_through_many_bytes() -> None:
    """The coder holds back 255s; one late symbol can raise them all."""
    for count in range(1, 60):
        plan = [(256, 255)] * count
        written = Written(plan)
        written.state = range_coder.encode(written.out, written.state, 1, 2, 3)
        data = written.finish()
        state, values = read(data, plan)
        assert values == [255] * count
        assert range_coder.frequency(state, 3) == 1


def test_a_full_buffer_takes_no_more() -> None:
    out, state = bytearray(4), ENCODER
    for _ in range(50):
        state = range_coder.encode_uint(out, state, 200, 256)
    range_coder.finish(out, state, -1)
    assert len(out) == 4
