import numpy as np
import pytest

from allears.wire import dred, dred_format, extensions, inspection
from allears.wire.dred import DredHeader
from allears.wire.dred_format import OPUS_DRED, DredFormat
from allears.wire.extensions import Extension
from allears.wire.opus import OpusPacket
from tests.wire.test_dred import TABLES

OURS = DredFormat.own(bytes.fromhex("0123456789abcdef"))
OTHER = DredFormat.own(b"other")


def packet(*found: Extension, frames: int = 1) -> bytes:
    bare = OpusPacket(9, False, 0 if frames == 1 else 1, (bytes(30),) * frames)
    return bytes(bare.with_padding(extensions.serialise(found)))


def body(latents: int = 3) -> bytes:
    header = DredHeader(q0=6, dq=5, qmax=15, offset=6, extra=0)
    values = np.ones(50, int), np.ones((latents, 25), int)
    return dred.encode_body(header, *values, TABLES)[0]


def test_ours_names_the_model() -> None:
    assert OURS.wrap(b"body", 2) == Extension(125, 2, b"A\x01\x01\x23\x45\x67body")
    assert OURS.model_hash == bytes.fromhex("01234567") and OPUS_DRED.model_hash is None
    assert OPUS_DRED.wrap(b"body") == Extension(126, 0, b"D\x0cbody")
    with pytest.raises(ValueError, match="3 bytes"):
        DredFormat.own(b"abc")


def test_the_first_that_can_be_read_is_found() -> None:
    carried = [
        Extension(5, 0, b"x"),
        Extension(126, 0, b"D\x0abody of libopus 1.5"),
        OTHER.wrap(b"another model's"),
        OURS.wrap(b"ours", 1),
        OPUS_DRED.wrap(b"the standard's", 2),
    ]
    assert dred_format.find(carried, [OPUS_DRED, OURS]) == (OURS, b"ours", 1)
    assert dred_format.find(carried, [OPUS_DRED]) == (OPUS_DRED, b"the standard's", 2)
    assert dred_format.find(carried[:3], [OPUS_DRED, OURS]) is None
    assert dred_format.find(carried, []) is None


def test_any_format_is_recognised() -> None:
    for each in (OPUS_DRED, OURS, OTHER):
        assert dred_format.recognise(each.wrap(b"")) == each
    for ident, data in ((126, b"D\x0a1234"), (125, b"A\x01abc"), (125, b"A\x02abcd"), (5, b"D")):
        assert dred_format.recognise(Extension(ident, 0, data)) is None


@pytest.mark.parametrize("kind", [OPUS_DRED, OURS])
def test_inspection_tells_whose_it_is_and_what_a_copy_costs(kind: DredFormat) -> None:
    carried = kind.wrap(body())
    tables, own = (TABLES, None) if kind == OPUS_DRED else (None, {OURS: TABLES})
    report = inspection.inspect(packet(carried), tables=tables, own_tables=own)
    found = report.dred
    assert found is not None
    assert (found.kind, found.model_hash) == (
        ("opus", None) if kind == OPUS_DRED else ("own", "01234567")
    )
    assert found.size == len(carried.data) and found.latents == 3
    assert report.covered_ms == 3 * 40 - 10 * 2.5
    bits_per_second = 8 * len(carried.data) / (report.opus.ticks / 48_000)
    assert report.dred_copy_bitrate == pytest.approx(bits_per_second / (95 / 20))


def test_an_unknown_model_is_named_but_not_read() -> None:
    report = inspection.inspect(
        packet(OTHER.wrap(body())), tables=TABLES, own_tables={OURS: TABLES}
    )
    assert report.dred is not None and report.dred.model_hash == b"othe".hex()
    assert report.dred.header.q0 == 6
    assert report.dred.latents is report.covered_ms is report.dred_copy_bitrate is None


def test_a_later_frame_reaches_less_far_back_from_the_packet() -> None:
    first, second = (
        inspection.inspect(packet(OPUS_DRED.wrap(body(), frame), frames=2), tables=TABLES)
        for frame in (0, 1)
    )
    assert first.covered_ms is not None and second.covered_ms is not None
    assert first.covered_ms - second.covered_ms == first.opus.frame_ticks / 48
