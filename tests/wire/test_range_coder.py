from hypothesis import given
from hypothesis import strategies as st

from allears.wire.range_coder import RangeDecoder, RangeEncoder

SKEWED = (32768 - 30000, 1000, 3, 0)
symbols = st.lists(
    st.one_of(
        st.tuples(st.just("uint"), st.integers(2, 256), st.integers(0, 255)),
        st.tuples(st.just("icdf"), st.just(0), st.integers(0, 3)),
    ),
    max_size=200,
)


@given(symbols)
def test_what_is_written_is_read(plan: list[tuple[str, int, int]]) -> None:
    encoder = RangeEncoder()
    for kind, size, value in plan:
        if kind == "uint":
            encoder.uint(value % size, size)
        else:
            encoder.icdf(value, SKEWED, 15)
    data = encoder.finish()
    assert len(data) == (encoder.tell + 7) // 8
    decoder = RangeDecoder(data)
    for kind, size, value in plan:
        if kind == "uint":
            assert decoder.uint(size) == value % size
        else:
            assert decoder.icdf(SKEWED, 15) == value
    assert decoder.tell == encoder.tell


@given(symbols, st.randoms(use_true_random=False))
def test_unread_bits_can_be_put_back(plan: list[tuple[str, int, int]], rng) -> None:  # type: ignore[no-untyped-def]
    """A sender's last bits may be anything inside the last interval; `position` keeps them."""
    values = [(size or 4, value % (size or 4)) for _, size, value in plan]
    encoder = RangeEncoder()
    for size, value in values:
        encoder.uint(value, size)
    encoder.uint(rng.randrange(2), 2)
    data = encoder.finish()
    decoder = RangeDecoder(data)
    again = RangeEncoder()
    for size, value in values:
        assert decoder.uint(size) == value
        again.uint(value, size)
    if (again.tell + 7) // 8 == len(data):
        assert again.finish(decoder.position) == data


def test_a_carry_runs_through_many_bytes() -> None:
    """The coder holds back 255s; one late symbol can raise them all."""
    for count in range(1, 60):
        encoder = RangeEncoder()
        for _ in range(count):
            encoder.encode(255, 256, 256)
        encoder.encode(1, 2, 3)
        decoder = RangeDecoder(encoder.finish())
        assert [decoder.uint(256) for _ in range(count)] == [255] * count
        assert decoder.frequency(3) == 1
