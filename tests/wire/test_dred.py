import re
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.wire import bitfile, dred, inspection, range_coder
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
        value if coded else 0 for coded, value in zip(table.coded[level], values, strict=True)
    )


def arrays(payload: DredPayload) -> tuple[np.ndarray, np.ndarray]:
    return np.array(payload.states), np.array(payload.latents)


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
    try:
        data = payload.serialise(TABLES)
    except ValueError as error:
        assert "do not fit" in str(error)
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


@st.composite
def bodies(draw: st.DrawFn) -> tuple[EntropyTables, DredHeader, np.ndarray, np.ndarray]:
    """What an encoder starts from, by any tables: quiet vectors, loud ones, and escapes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    loudest = draw(st.sampled_from([0, 1, 8, 100]))
    tables = TABLES if draw(st.booleans()) else likely_zero_tables(draw(st.integers(1, 255)))
    latents = rng.integers(-loudest, loudest + 1, (draw(st.integers(0, 28)), 25))
    latents[rng.random(latents.shape) < draw(st.sampled_from([0.0, 0.9, 1.0]))] = 0
    return tables, draw(headers), rng.integers(-loudest, loudest + 1, 50), latents


def likely_zero_tables(p0: int, r: int = 100) -> EntropyTables:
    """The same odds everywhere: at `p0` = 254 a whole latent of zeros costs a third of a bit."""
    sizes = {"state": 50, "latent": 25}
    return EntropyTables.from_arrays(
        {
            f"{kind}_{name}": np.full((16, size), {"p0": p0, "r": r}.get(name, 1), np.uint8)
            for kind, size in sizes.items()
            for name in ("quant_scales", "dead_zone", "r", "p0")
        }
    )


@given(bodies(), st.integers(-1, 1100))
def test_a_budget_keeps_the_newest_latents_and_as_many_as_fit(
    given_body: tuple[EntropyTables, DredHeader, np.ndarray, np.ndarray], budget: int
) -> None:
    tables, header, states, latents = given_body
    body, written = dred.encode_body(header, states, latents, tables, budget)
    states = np.where(tables.states.coded[header.q0], states, 0)
    levels = [header.level(index) for index in range(len(latents))]
    latents = np.where(tables.latents.coded[levels], latents, 0)
    assert len(body) <= max(budget, 0) and bool(body) == bool(written)
    if body:
        read, read_states, read_latents = dred.decode_body(body, tables)
        assert read == header and (read_states == states).all()
        assert len(read_latents) == written and (read_latents == latents[:written]).all()
    payload = DredPayload(header, tuple(states.tolist()), tuple(map(tuple, latents.tolist())))
    for more in range(written + 1, min(len(latents), dred.MAX_LATENTS) + 1):
        try:
            longer = replace(payload, latents=payload.latents[:more]).serialise(tables)
        except ValueError:
            break
        assert len(longer) > budget or len(DredPayload.parse(longer, tables).latents) < more


def test_latents_that_cost_nothing_are_not_claimed() -> None:
    """Nobody reads a latent that lies in the last byte of another one."""
    header = DredHeader(q0=6, dq=5, qmax=15, offset=6, extra=0)
    states, latents = np.ones(50, np.int16), np.zeros((26, 25), np.int16)
    for tables in (likely_zero_tables(254), likely_zero_tables(255), likely_zero_tables(100, 0)):
        body, written = dred.encode_body(header, states, latents, tables)
        assert written < 26
        assert len(dred.decode_body(body, tables)[2]) == written if body else written == 0


def test_what_cannot_be_written_is_refused() -> None:
    header = DredHeader(q0=6, dq=5, qmax=15, offset=6, extra=0)
    states, latents = np.ones(50, np.int16), np.ones((3, 25), np.int16)
    with pytest.raises(ValueError, match="cannot be"):
        dred.encode_body(header, states, 0 * latents, likely_zero_tables(0))
    with pytest.raises(ValueError, match="not vectors"):
        dred.encode_body(header, states[1:], latents, TABLES)
    with pytest.raises(ValueError, match="not vectors"):
        dred.encode_body(header, states, latents[:, 1:], TABLES)
    with pytest.raises(ValueError, match="cannot be written"):
        dred.encode_body(replace(header, qmax=3), states, latents, TABLES)
    with pytest.raises(ValueError, match="not in 0…15"):
        dred.encode_body(replace(header, q0=16), states, latents, TABLES)
    loud = DredPayload(header, (10**12,) * 50, ())
    with pytest.raises(ValueError, match="do not fit"):
        loud.serialise(likely_zero_tables(100))
    with pytest.raises(ValueError, match="odds of shape"):
        EntropyTables(TABLES.latents, TABLES.latents)


@pytest.mark.parametrize("fill", [b"\x00", b"\xff", b"\x55"])
def test_the_costliest_bytes_take_no_time(fill: bytes) -> None:
    tables = likely_zero_tables(1, 255)  # magnitudes without end
    dred.decode_body(bytes(100), TABLES)
    begin = time.perf_counter()
    for front in range(256):
        try:
            dred.decode_body(bytes([front]) + fill * 999, tables)
        except ParseError as error:
            assert "end inside" in str(error)
    assert time.perf_counter() - begin < 256 * 0.05


@given(bodies(), st.integers(0, 300), st.booleans())
def test_compiled_and_interpreted_write_the_same(
    given_body: tuple[EntropyTables, DredHeader, np.ndarray, np.ndarray], room: int, whole: bool
) -> None:
    tables, header, states, latents = given_body
    levels = dred._levels(header.q0, header.dq, header.qmax)
    odds = tables.states.odds, tables.latents.odds
    results = []
    for write in (range_coder.encode_vectors, range_coder.compiled().encode_vectors):
        out = np.zeros(1 + room, np.uint8)
        rest = (levels, *odds, states, latents[:26], whole, -1)
        results.append((write(out, *range_coder.ENCODER, *rest), bytes(out)))
    assert results[0] == results[1]


@given(st.binary(min_size=1, max_size=120), st.booleans())
def test_compiled_and_interpreted_read_the_same(data: bytes, likely: bool) -> None:
    tables = likely_zero_tables(200) if likely else TABLES
    results = []
    for read in (range_coder.decode_vectors, range_coder.compiled().decode_vectors):
        states, latents = np.zeros(50, np.int64), np.zeros((26, 25), np.int64)
        odds = tables.states.odds, tables.latents.odds
        start = range_coder.begin(data)
        found = read(data, *start, dred._levels(3, 4, 12), *odds, states, latents)
        results.append((found, states.tolist(), latents.tolist()))
    assert results[0] == results[1]


def test_a_cache_that_cannot_be_used_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    from numba.core import caching

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    fresh = range_coder.compiled.__wrapped__()
    monkeypatch.setattr(range_coder, "compiled", lambda: fresh)
    header, states, latents = DredHeader(0, 0, 15, 0, 0), np.ones(50, int), np.ones((2, 25), int)
    assert dred.encode_body(header, states, latents, TABLES)[1] == 2


def test_a_header_is_read_without_the_compiler() -> None:
    code = (
        "import sys; from allears.wire import dred, inspection; dred.parse_header(bytes(20)); "
        "sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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
        assert dred.encode_body(header, *arrays(payload), tables, len(data))[1] == len(
            payload.latents
        )
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
