import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.wire import bitfile, dred, inspection
from allears.wire.dred import DredHeader, DredPayload, EntropyTables
from allears.wire.errors import ParseError
from tests.real import REFERENCE, length_prefixed, needs_reference


def made_up_tables(seed: int = 0) -> EntropyTables:
    rng = np.random.default_rng(seed)
    arrays = {}
    for kind, size in (("state", 50), ("latent", 25)):
        for name in ("quant_scales", "dead_zone", "r", "p0"):
            lowest = 1 if name == "p0" else 0  # no zero that cannot occur
            arrays[f"{kind}_{name}"] = rng.integers(lowest, 256, (16, size), np.uint8)
    return EntropyTables.from_arrays(arrays)


TABLES = made_up_tables()
headers = st.builds(
    lambda q0, dq, more, offset, extra: DredHeader(
        q0, dq, 15 if q0 >= 14 or dq == 0 else min(15, q0 + 1 + more), offset, 32 * extra
    ),
    st.integers(0, 15),
    st.integers(0, 7),
    st.integers(0, 14),
    st.integers(0, 31),
    st.integers(0, 255),
)


def possible(table: dred.LaplaceTable, level: int, values: list[int]) -> tuple[int, ...]:
    """The values, zero wherever the table leaves no choice."""
    return tuple(
        value if coded else 0
        for coded, value in zip(table.coded[level], values, strict=True)
    )


@given(
    headers,
    st.lists(st.integers(-40, 40), min_size=50, max_size=50),
    st.lists(st.lists(st.integers(-40, 40), min_size=25, max_size=25), max_size=5),
)
def test_what_is_written_is_read(
    header: DredHeader, states: list[int], latents: list[list[int]]
) -> None:
    payload = DredPayload(
        header,
        possible(TABLES.states, header.q0, states),
        tuple(
            possible(TABLES.latents, header.level(i), latent) for i, latent in enumerate(latents)
        ),
    )
    data = payload.serialise(TABLES)
    if len(data) > dred.MAX_BYTES:
        return
    read = DredPayload.parse(data, TABLES)
    assert (read.header, read.states) == (payload.header, payload.states)
    assert read.latents[: len(latents)] == payload.latents
    assert dred.parse_header(data) == header
    assert replace(read, closing=None).serialise(TABLES)[: len(data) - 1] == data[:-1]


@given(st.binary(max_size=300))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    try:
        payload = DredPayload.parse(data, TABLES)
    except ParseError:
        return
    assert len(payload.latents) <= dred.MAX_LATENTS


def test_too_long_a_body_is_refused_unread() -> None:
    with pytest.raises(ParseError, match="1001"):
        dred.parse_header(bytes(1001))


def test_levels_rise_to_qmax() -> None:
    header = DredHeader(q0=6, dq=5, qmax=15, offset=6, extra=0)
    assert [header.level(i) for i in (0, 1, 2, 10, 17, 25)] == [6, 7, 7, 11, 15, 15]
    assert header.covered_ms(26) == 1040 - 25


def test_wrong_tables_are_named() -> None:
    with pytest.raises(ParseError, match="state_quant_scales"):
        EntropyTables.from_arrays({})


@needs_reference
def test_reference_payloads_decode_bit_exactly_and_come_back() -> None:
    tables = EntropyTables.from_arrays(dict(np.load(REFERENCE / "dred_stats_q8.npz")))
    payloads = length_prefixed(REFERENCE / "jfk/dred_payloads.lp")
    states = np.fromfile(REFERENCE / "jfk/dec_states50.f32", "<f4").reshape(-1, 50)
    latents = np.fromfile(REFERENCE / "jfk/dec_latents26.f32", "<f4").reshape(-1, 26)
    meta = re.findall(
        r"q0=(\d+) dQ=(\d+) raw_offset=(\d+) extra=(\d+) qmax=(\d+) frame_offset=\d+ "
        r"dred_offset=(-?\d+) nb_latents=(\d+)",
        (REFERENCE / "jfk/dec_meta.txt").read_text(),
    )
    assert len(payloads) == len(states) == len(meta) == 547
    at = 0
    for data, state, fields in zip(payloads, states, meta, strict=True):
        payload = DredPayload.parse(data, tables)
        header = payload.header
        read = (header.q0, header.dq, header.offset, header.extra, header.qmax, header.dred_offset)
        assert [*read, len(payload.latents)] == [int(field) for field in fields]
        assert (tables.states.dequantise(payload.states, header.q0) == state).all()
        for index, latent in enumerate(payload.latents):
            level = header.level(index)
            assert (tables.latents.dequantise(latent, level) == latents[at, :25]).all()
            assert latents[at, 25] == level / 8 - 1
            at += 1
        assert payload.serialise(tables) == data
        shortest = replace(payload, closing=None).serialise(tables)
        assert DredPayload.parse(shortest, tables).latents == payload.latents
    assert at == len(latents)


@needs_reference
def test_inspection_tells_how_far_back_a_reference_packet_reaches() -> None:
    tables = EntropyTables.from_arrays(dict(np.load(REFERENCE / "dred_stats_q8.npz")))
    packet = bitfile.parse((REFERENCE / "jfk/packets.bit").read_bytes())[300].payload
    report = inspection.inspect(packet, tables=tables)
    assert report.dred is not None and report.dred.latents == 24
    assert report.covered_ms == report.dred.covered_ms == 24 * 40 - 10 * 2.5
    assert inspection.inspect(packet).covered_ms is None
