import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.wire import rtcp
from allears.wire.errors import ParseError


@given(st.integers(0, 0xFFFFFFFF))
def test_goodbye_is_understood(ssrc: int) -> None:
    datagram = rtcp.goodbye(ssrc)
    assert rtcp.is_rtcp(datagram)
    assert rtcp.departed(datagram) == {ssrc}


def test_a_sender_report_and_reasons_are_skipped() -> None:
    report = bytes.fromhex("80c80006") + bytes(24)
    bye = bytes.fromhex("82cb0004 00000001 00000002 04627965 21000000")
    assert rtcp.departed(report + bye) == {1, 2}


@given(st.binary(max_size=80))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    try:
        rtcp.departed(data)
    except ParseError:
        return


@pytest.mark.parametrize("cut", range(1, 8))
def test_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(ParseError):
        rtcp.departed(rtcp.goodbye(7)[:-cut])
