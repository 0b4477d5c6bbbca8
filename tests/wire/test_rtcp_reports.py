import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.wire import loss_rle, rtcp
from allears.wire.errors import ParseError
from allears.wire.loss import GilbertElliott
from allears.wire.loss_rle import LossRle, Run
from allears.wire.report import MOST_PACKETS, Report, Reporter, ReportReader
from allears.wire.rtcp import Compound, ReportBlock, SenderInfo

words = st.integers(0, 0xFFFFFFFF)
blocks = st.builds(
    ReportBlock, words, st.integers(0, 255), st.integers(-(1 << 23), (1 << 23) - 1), *[words] * 4
)
senders = st.builds(SenderInfo, st.integers(0, (1 << 64) - 1), words, words, words)


@st.composite
def patterns(draw: st.DrawFn) -> LossRle:
    lengths = draw(st.lists(st.one_of(st.integers(1, 40), st.integers(1, 20_000)), max_size=12))
    received = draw(st.booleans())
    runs, packets = [], 0
    for length in lengths:
        if packets + length <= 0xFFFF:
            runs.append(Run(received, length))
            packets += length
            received = not received
    begin = draw(st.integers(0, 0xFFFF))
    return LossRle(draw(words), begin, (begin + packets) & 0xFFFF, tuple(runs))


compounds = st.builds(
    Compound,
    words,
    st.lists(blocks, max_size=3).map(tuple),
    st.none() | senders,
    st.text(max_size=20),
    st.lists(patterns(), max_size=2).map(tuple),
    st.frozensets(words, max_size=3),
)


@given(compounds)
def test_a_compound_packet_is_read_as_written(compound: Compound) -> None:
    assert Compound.parse(bytes(compound)) == compound
    assert rtcp.departed(bytes(compound)) == compound.gone


def test_more_than_one_packet_counts_are_split() -> None:
    many = tuple(ReportBlock(ssrc, 0, 0, 5) for ssrc in range(70))
    compound = Compound(1, many, SenderInfo(1, 2, 3, 4), "a", gone=frozenset(range(40)))
    kinds = [(part.kind, part.items) for part in rtcp.parts(bytes(compound))]
    assert kinds == [(200, 31), (201, 31), (201, 8), (202, 1), (203, 31), (203, 9)]
    assert Compound.parse(bytes(compound)) == compound


def test_a_receiver_report_byte_for_byte() -> None:
    block = ReportBlock(0x11223344, 64, -2, 0x00010005, 7, 8, 9)
    assert bytes(Compound(1, (block,), cname="a@b")).hex() == (
        "81c90007 00000001 11223344 40fffffe 00010005 00000007 00000008 00000009"
        "81ca0003 00000001 01036140 62000000"
    ).replace(" ", "")


def test_a_loss_pattern_byte_for_byte() -> None:
    losses = LossRle(7, 0xFFFE, 40 - 2, (Run(True, 20), Run(False, 2), Run(True, 18)))
    # A run of 20, a vector of 15 that begins with the two lost, a run of 5, and null.
    assert bytes(losses).hex() == "01000004 00000007 fffe0026 40149fff 40050000".replace(" ", "")
    assert LossRle.parse(bytes(losses)) == losses


def test_a_thinned_pattern_tells_of_multiples() -> None:
    block = bytes.fromhex("01020003 00000007 00050011 c000 0000".replace(" ", ""))
    assert LossRle.parse(block) == LossRle(7, 5, 17, (Run(True, 1), Run(False, 2)), thinning=2)
    assert bytes(LossRle.parse(block))[:12] == block[:12]


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        ("", "empty"),
        ("81cb0001 00000001", "begins with a report"),
        ("81c90001 00000001", "1 blocks in 4 bytes"),
        ("80c80001 00000001", "0 blocks in 4 bytes"),
        ("80c90000", "0 blocks in 0 bytes"),
        ("80c90001 00000001 81ca0000", "description of 1 streams"),
        ("80c90001 00000001 81ca0002 00000001 01096140", "item of a description"),
        ("80c90001 00000001 80cf0000", "does not say whose"),
        ("80c90001 00000001 80cf0002 00000001 01000001", "block of 8 bytes"),
        ("80c90001 00000001 80cf0003 00000001 01000001 00000001", "not 12"),
        ("80c90001 00000001 80cf0004 00000001 01000002 00000001 00000005", "0 packets of 5"),
        ("a0c90001 00000000", "0 bytes of padding"),
        ("a0c90001 00000009", "9 bytes of padding"),
    ],
)
def test_refusals_say_why(datagram: str, reason: str) -> None:
    with pytest.raises(ParseError, match=reason):
        Compound.parse(bytes.fromhex(datagram))


@given(compounds, st.data())
def test_damaged_packets_parse_or_are_refused(compound: Compound, data: st.DataObject) -> None:
    damaged = bytearray(bytes(compound))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, min(len(damaged), 400) - 1))] = data.draw(
            st.integers(0, 255)
        )
    try:
        found = Compound.parse(bytes(damaged))
    except ParseError:
        return
    assert Compound.parse(bytes(found)) == found


def test_padding_and_unknown_blocks_are_skipped() -> None:
    padded = bytes.fromhex("a0c90002 00000001 00000004")
    unknown = bytes.fromhex("80cf0003 00000001 63000001 00000000")
    assert Compound.parse(unknown.join([padded, b""])) == Compound(1)


def test_what_does_not_fit_is_not_written() -> None:
    with pytest.raises(ValueError, match="24 bits"):
        bytes(ReportBlock(1, 0, 1 << 23, 0))
    with pytest.raises(ValueError, match="255 bytes"):
        bytes(Compound(1, cname="x" * 256))


def test_the_round_trip_is_measured() -> None:
    ntp = 1_000_000 << 32
    reporter = Reporter(1, "a")
    reporter.received(7, 1, 0, 50.0)
    reporter.heard(SenderInfo(ntp, 0, 0, 0), 50.0)
    compound = reporter.due(50.7)
    assert compound
    (block,) = compound.blocks
    assert block.round_trip(ntp + (int(0.9 * 2**32))) == pytest.approx(0.2, abs=1e-3)
    assert ReportBlock(1, 0, 0, 0).round_trip(ntp) is None


reports = st.lists(st.integers(1, 90), max_size=30).flatmap(
    lambda bursts: st.builds(
        lambda received, untold: Report(received, sum(bursts) + untold, tuple(bursts)),
        st.integers(0, 1000),
        st.integers(0, 9),
    )
)


@given(reports, reports)
def test_counts_add_and_rates_derive(one: Report, other: Report) -> None:
    both = one + other
    assert both.packets == one.packets + other.packets
    for report in (one, both):
        assert 0 <= report.loss_rate <= 1 and 0 <= report.bursty <= 1
        assert report.burst_quantile(0) <= report.burst_quantile(0.5) <= report.burst_quantile(1)
        assert report.burst_quantile(1) == max(report.bursts, default=0)
    assert min(one.loss_rate, other.loss_rate) <= both.loss_rate or not (
        one.packets and other.packets
    )


def test_more_bursts_than_losses_are_refused() -> None:
    with pytest.raises(ValueError, match="lost"):
        Report(1, 2, (3,))


def test_rates_of_a_known_pattern() -> None:
    report = Report.of((Run(True, 90), Run(False, 1), Run(True, 3), Run(False, 5), Run(True, 1)))
    assert report == Report(94, 6, (1, 5))
    assert (report.loss_rate, report.mean_burst, report.bursty) == (0.06, 3, 5 / 6)


def listen(
    lost: list[bool], keep: float = 1.0, first: int = 65_000, swap: float = 0.0
) -> tuple[Report, list[Compound]]:
    """What a sender learns of packets sent every 20 ms, where a share of the reports arrives."""
    rng = random.Random(1)
    order = list(range(len(lost)))
    for at in range(1, len(order)):
        if rng.random() < swap:
            order[at - 1], order[at] = order[at], order[at - 1]
    reporter, reader = Reporter(1, "listener@example"), ReportReader(7)
    learnt, sent = Report(), []
    for tick, number in enumerate(order):
        now = tick / 50
        if not lost[number]:
            reporter.received(7, first + number, 960 * number, now)
        if compound := reporter.due(now):
            sent.append(Compound.parse(bytes(compound)))
            if rng.random() < keep:
                learnt += reader.read(sent[-1], (first + tick + 3) & 0xFFFF)
    return learnt, sent


@pytest.mark.parametrize("keep", [1.0, 0.8])
@pytest.mark.parametrize("swap", [0.0, 0.2])
def test_the_sender_learns_every_burst_even_where_reports_are_lost(
    keep: float, swap: float
) -> None:
    network = GilbertElliott.from_rate_and_burst(0.2, 4, random.Random(3))
    lost = [False, *(network() for _ in range(2000)), *[False] * 200]
    learnt, _ = listen(lost, keep, swap=swap)
    truth = Report.of(loss_rle.runs_of(0, 2201, [n for n, gone in enumerate(lost) if not gone]))
    assert learnt.bursts == truth.bursts
    assert 0 <= truth.received - learnt.received < 50  # the newest are not told of yet


def test_a_peer_that_only_counts_is_understood() -> None:
    network = GilbertElliott.from_rate_and_burst(0.1, 3, random.Random(3))
    lost = [False, *(network() for _ in range(2000))]
    _, compounds = listen(lost)
    reader, learnt = ReportReader(7), Report()
    for compound in compounds:
        learnt += reader.read(Compound(1, compound.blocks), (65_000 + 2001) & 0xFFFF)
    assert learnt.bursts == ()
    assert learnt.lost == pytest.approx(sum(lost), abs=20)
    last = compounds[-1].blocks[0]
    assert last.cumulative_lost + last.highest_sequence - 65_000 + 1 > 1900
    assert sum(each.blocks[0].loss_rate for each in compounds) / len(compounds) == pytest.approx(
        sum(lost) / len(lost), abs=0.02
    )


def test_reports_that_are_old_foreign_or_of_the_future_tell_nothing() -> None:
    _, compounds = listen([False] * 100)
    reader = ReportReader(7)
    following = 65_100
    assert reader.read(compounds[-1], 65_010) == Report()  # of packets that were never sent
    assert reader.read(compounds[-1], following).received > 40
    assert reader.read(compounds[-1], following) == Report()
    assert reader.read(compounds[0], following) == Report()
    assert ReportReader(8).read(compounds[-1], following) == Report()


def test_another_stream_begins_anew() -> None:
    reporter = Reporter(1, "a")
    for number in range(20):
        reporter.received(7, number, 960 * number, number / 50)
    reporter.received(9, 500, 0, 0.5)
    compound = reporter.due(0.5)
    assert compound and compound.blocks[0].ssrc == 9
    assert compound.blocks[0].cumulative_lost == 0


def test_jitter_is_that_of_the_arrivals() -> None:
    even, uneven = Reporter(1, "a"), Reporter(1, "a")
    for number in range(500):
        even.received(7, number, 960 * number, number / 50)
        uneven.received(7, number, 960 * number, number / 50 + 0.01 * (number % 2))
    steady, shaken = even.due(10), uneven.due(10)
    assert steady and steady.blocks[0].jitter == 0
    assert shaken and shaken.blocks[0].jitter == pytest.approx(480, rel=0.01)


def test_nothing_is_reported_of_nothing_nor_too_often() -> None:
    reporter = Reporter(1, "a", interval=0.5)
    assert reporter.due(0) is None
    reporter.received(7, 1, 0, 0)
    times = [tick / 50 for tick in range(100) if reporter.due(tick / 50)]
    assert times == [0.0, 0.5, 1.0, 1.5]


def test_leaps_of_the_numbers_stay_within_bounds() -> None:
    reporter, rng, number = Reporter(1, "a"), random.Random(0), 0
    for tick in range(2000):
        number += rng.randrange(1, 3000)
        reporter.received(7, number, 0, tick / 50)
        if compound := reporter.due(tick / 50):
            assert len(bytes(compound)) < 1200
            for losses in compound.losses:
                assert sum(run.length for run in losses.runs) <= MOST_PACKETS
