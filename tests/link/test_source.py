import random

from hypothesis import given
from hypothesis import strategies as st

from allears.link.source import SequenceLog, Source
from allears.wire.rtp import RtpPacket


def packet(sequence: int, timestamp: int, ssrc: int = 1) -> RtpPacket:
    return RtpPacket(111, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc, b"x")


def test_counters_run_on_over_their_wraps() -> None:
    source = Source()
    for number in range(70_000):
        (accepted,) = source.accept(packet(65_530 + number, 2**32 - 5000 + 960 * number))
        assert accepted.sequence == 65_530 + number
        assert accepted.timestamp == 2**32 - 5000 + 960 * number
        assert accepted.begins == (number == 0)


def test_one_stranger_is_not_believed_two_are() -> None:
    source = Source()
    source.accept(packet(1, 1000))
    assert source.accept(packet(9, 9, ssrc=2)) == []
    assert len(source.accept(packet(2, 1960))) == 1
    assert source.accept(packet(500, 77_000, ssrc=2)) == []
    assert source.accept(packet(20, 77_000, ssrc=3)) == []
    assert source.accept(packet(502, 77_960, ssrc=2)) == []
    first, second = source.accept(packet(501, 77_480, ssrc=2))
    assert first.begins and not second.begins
    assert (first.sequence, second.sequence) == (502, 501)
    assert source.ssrc == 2


def test_a_jump_of_the_counters_is_a_new_beginning() -> None:
    source = Source()
    source.accept(packet(1, 1000))
    assert source.accept(packet(30_000, 2_000_000_000)) == []
    first, second = source.accept(packet(30_001, 2_000_000_960))
    assert first.begins and second.timestamp - first.timestamp == 960


@given(st.lists(st.integers(0, 400), max_size=300))
def test_losses_and_duplicates_are_counted(numbers: list[int]) -> None:
    log = SequenceLog()
    seen: set[int] = set()
    first = None
    for number in numbers:
        first = number if first is None else first
        fresh = log.add(number)
        assert fresh == (number not in seen)
        seen.add(number)
    if seen and first is not None:
        later = {number for number in seen if number >= first}
        assert log.received == len(seen)
        assert log.lost == max(0, max(seen) - first + 1 - len(seen))
        assert later <= seen


def test_long_losses_do_not_fill_memory() -> None:
    log = SequenceLog()
    rng = random.Random(0)
    number = 0
    for _ in range(1000):
        number += rng.randrange(1, 100_000)
        log.add(number)
    assert log.lost > 1_000_000
    assert not log.add(number - 5000)
