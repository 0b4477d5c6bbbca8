import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from allears.wire.errors import ParseError
from allears.wire.red import MAX_BLOCK, MAX_OFFSET, RedBlock, RedPayload

quick = settings(deadline=None)

# RFC 2198 §3: F, block type, 14 bits of offset, 10 bits of length; then F = 0 and the type.
# Two copies of type 111: 1920 before with 3 bytes, 960 before with 2.
OLDER = (1 << 31 | 111 << 24 | 1920 << 10 | 3).to_bytes(4, "big")
OLD = (1 << 31 | 111 << 24 | 960 << 10 | 2).to_bytes(4, "big")
WIRE = OLDER + OLD + b"\x6f" + b"abc" + b"de" + b"primary"
PAYLOAD = RedPayload(111, b"primary", (RedBlock(111, 1920, b"abc"), RedBlock(111, 960, b"de")))

blocks = st.builds(
    RedBlock, st.integers(0, 127), st.integers(0, MAX_OFFSET), st.binary(max_size=40)
)


def test_reads_blocks_oldest_first():
    assert WIRE[:8] == bytes.fromhex("ef1e0003 ef0f0002")
    assert RedPayload.parse(WIRE) == PAYLOAD
    assert bytes(PAYLOAD) == WIRE


def test_a_payload_without_redundancy_costs_one_byte():
    assert bytes(RedPayload(111, b"opus")) == b"\x6fopus"
    assert RedPayload.parse(b"\x6f") == RedPayload(111, b"")


def test_the_extremes_fit():
    payload = RedPayload(127, b"", (RedBlock(127, MAX_OFFSET, bytes(MAX_BLOCK)),))
    assert bytes(payload)[:5] == b"\xff\xff\xff\xff\x7f"
    assert RedPayload.parse(bytes(payload)) == payload


@quick
@given(st.integers(0, 127), st.binary(max_size=40), st.lists(blocks, max_size=8))
def test_round_trip(primary_type, primary, redundant):
    payload = RedPayload(primary_type, primary, tuple(redundant))
    assert RedPayload.parse(bytes(payload)) == payload


@quick
@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: OLDER + tail))
@example(WIRE)
def test_any_bytes_are_read_whole_or_refused(data):
    try:
        payload = RedPayload.parse(data)
    except ParseError:
        return
    assert bytes(payload) == data


def test_every_truncation_before_the_primary_is_refused():
    primary_at = len(WIRE) - len(b"primary")
    for end in range(primary_at):
        with pytest.raises(ParseError):
            RedPayload.parse(WIRE[:end])
    assert RedPayload.parse(WIRE[:primary_at]).primary == b""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "ends at byte 0 before its primary"),
        (OLDER, "ends at byte 4 before its primary"),
        (OLDER + OLD[:3], "header at byte 4 needs 4 bytes"),
        (WIRE[:13], "block 1 ends at byte 14, the RED payload at 13"),
    ],
)
def test_errors_say_which_rule_is_broken(data, message):
    with pytest.raises(ParseError, match=message):
        RedPayload.parse(data)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (RedPayload(128, b""), "payload type"),
        (RedPayload(0, b"", (RedBlock(-1, 0, b""),)), "payload type"),
        (RedPayload(0, b"", (RedBlock(0, MAX_OFFSET + 1, b""),)), "offset"),
        (RedPayload(0, b"", (RedBlock(0, -1, b""),)), "offset"),
        (RedPayload(0, b"", (RedBlock(0, 0, bytes(MAX_BLOCK + 1)),)), "1024 bytes"),
    ],
)
def test_what_does_not_fit_is_refused(payload, message):
    with pytest.raises(ValueError, match=message):
        bytes(payload)
