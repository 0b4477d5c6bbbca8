import math
import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.link.allocation import LIBOPUS_COST, Allocation, DredCost, Worth, menu
from allears.link.control import Adaptive, Controller, Fixed, LossProcess, Tuning
from allears.wire.dred import LEVELS
from allears.wire.loss import GilbertElliott, LossModel, NoLoss, UniformLoss, parse_trace
from allears.wire.report import Report, Reporter, ReportReader
from allears.wire.rtcp import Compound
from tests.real import REFERENCE, needs_reference

FLOOR = Worth().floor


def call(
    controller: Controller, lost: list[bool], total: int = 40_000, every: float = 0.25
) -> list[Allocation]:
    """What is in force for each packet of 20 ms; reports need 50 ms to come back."""
    reporter, reader = Reporter(1, "listener@example", interval=every), ReportReader(7)
    current, sent = controller(Report(), total, 20), []
    flying: list[tuple[float, bytes]] = []
    for number, gone in enumerate(lost):
        now = number / 50
        while flying and flying[0][0] <= now:
            compound = Compound.parse(flying.pop(0)[1])
            current = controller(reader.read(compound, number & 0xFFFF), total, 20)
        sent.append(current)
        if not gone:
            reporter.received(7, number, 960 * number, now)
        if found := reporter.due(now):
            flying.append((now + 0.05, bytes(found)))
    return sent


def draw(model: LossModel, seconds: float) -> list[bool]:
    return [model() for _ in range(int(50 * seconds))]


def bursts(rate: float, packets: float, seed: int = 1) -> GilbertElliott:
    return GilbertElliott.from_rate_and_burst(rate, packets, random.Random(seed))


def settled(report: Report, total: int = 40_000) -> Allocation:
    """What is chosen on a network that has long been as `report` says."""
    return Adaptive()(report, total, 20)


def protected(allocation: Allocation) -> bool:
    return allocation.lbrr or allocation.dred > 0


def regret(allocation: Allocation, lengths: list[int], arrived: int, total: int = 40_000) -> float:
    """How much more another allocation is worth where `lengths` are lost for so many that arrive."""
    choices, own, bursts = menu(LIBOPUS_COST, Worth(), total, 20)
    counts = np.bincount(np.minimum(np.array(lengths, int), 64), minlength=65)
    worth = (arrived * own + bursts @ counts) / (arrived + sum(lengths))
    return float(worth.max() - worth[choices.index(allocation)])


@pytest.mark.parametrize("every", [0.25, 0.5])
@pytest.mark.parametrize(("burst", "between"), [(20, 20), (24, 26), (40, 20)])
def test_after_losses_begin_and_end_it_settles_within_two_seconds(
    every: float, burst: int, between: int
) -> None:
    """On what it had been before, and on what saves more than half of what was at stake."""
    lossy = ([True] * burst + [False] * between) * 10
    lost = draw(NoLoss(), 8) + lossy + draw(NoLoss(), 6)
    lengths = [burst] * 10
    sent = call(Adaptive(), lost, every=every)
    rise = lost.index(True)
    fall = len(lost) - lost[::-1].index(True)
    calm = sent[rise - 1]
    assert {each.total for each in sent[:rise]} == {40_000} and calm.bitrate > 25_000
    at_stake = regret(calm, lengths, lossy.count(False))
    assert at_stake > 0.05
    for each in sent[rise + 100 : fall]:
        assert regret(each, lengths, lossy.count(False)) < at_stake / 2
    assert all(regret(each, [], 1) <= regret(calm, [], 1) for each in sent[fall + 100 :])


@pytest.mark.parametrize("every", [0.25, 0.5])
def test_from_bursts_to_single_losses_it_settles_within_two_seconds(every: float) -> None:
    single = [number % 8 == 0 for number in range(400)]
    sent = call(Adaptive(), draw(bursts(0.25, 6), 8) + single, every=every)
    assert all(each.lbrr for each in sent[500:])
    assert max(each.dred_bitrate for each in sent[500:]) < 0.7 * sent[399].dred_bitrate
    assert sent[-1].dred_bitrate < 0.5 * sent[399].dred_bitrate


def test_no_loss_leaves_something_against_the_first_burst() -> None:
    calm, begun = settled(Report(received=100)), settled(Report())
    assert 120 <= calm.dred <= begun.dred <= 480 and not calm.lbrr
    assert calm.bitrate > 0.6 * calm.total
    assert settled(Report(received=10_000)) == Allocation(40_000)
    certain = Adaptive(tuning=Tuning(doubt=0.0))
    assert certain(Report(received=100), 40_000, 20) == Allocation(40_000)


def test_single_losses_call_for_lbrr() -> None:
    chosen = settled(Report(90, 10, (1,) * 10))
    assert chosen.lbrr and chosen.dred_bitrate < 0.2 * chosen.total
    assert chosen.expected_loss >= 0.2


def test_bursts_call_for_deep_redundancy_as_long_as_they_are() -> None:
    reaches = [
        settled(Report(80, 20, (length,) * (20 // length))).dred for length in (3, 5, 10, 20)
    ]
    assert reaches == sorted(reaches)
    assert all(reach >= 20 * length for reach, length in zip(reaches, (3, 5, 10, 20), strict=True))


def test_heavy_losses_call_for_both_where_the_total_allows() -> None:
    heavy = Report(50, 50, (1, 1, 1, 1, 1, 5, 5, 5, 10, 10, 10))
    assert settled(heavy, 64_000).lbrr and settled(heavy, 64_000).dred
    assert not settled(heavy, 30_000).lbrr and settled(heavy, 30_000).dred


def test_without_a_model_there_is_only_lbrr() -> None:
    chosen = Adaptive(cost=None)(Report(80, 20, (5,) * 4), 40_000, 20)
    assert chosen == Allocation(40_000, True, 0.2)


@pytest.mark.parametrize("total", [20_000, 24_000, 32_000, 48_000, 64_000])
@pytest.mark.parametrize("length", [1, 2, 6, 20])
def test_more_losses_never_give_opus_more(total: int, length: int) -> None:
    tuning = Tuning(margin=0)
    worth, sent = tuning.worth, []
    for rate in np.linspace(0.002, 0.7, 60):
        report = Report(int(10_000 * length * (1 - rate)), length * int(10_000 * rate))
        told = replace(report, bursts=(length,) * (report.lost // length))
        sent.append(worth.arrived(Adaptive(tuning=tuning)(told, total, 20)))
    assert all(later <= earlier for earlier, later in pairwise(sent))


bursts_seen = st.lists(st.integers(1, 90), max_size=20)
reports = st.builds(
    lambda received, seen, untold: Report(received, sum(seen) + untold, tuple(seen)),
    st.integers(0, 100),
    bursts_seen,
    st.integers(0, 5),
)


@given(
    st.lists(st.tuples(reports, st.integers(6_000, 128_000)), min_size=1, max_size=6),
    st.sampled_from([2.5, 10, 20, 60]),
)
def test_the_budget_is_kept_and_so_is_opus_share(
    seen: list[tuple[Report, int]], frame_ms: float
) -> None:
    controller = Adaptive()
    for report, total in seen:
        chosen = controller(report, total, frame_ms)
        assert chosen.total == total
        assert chosen.bitrate >= min(total, FLOOR)
        assert chosen.dred_bitrate >= LIBOPUS_COST.bits(chosen) * 1000 / frame_ms - 1e-6
        assert (chosen.dred_bitrate > 0) == (chosen.dred > 0)
        assert chosen.dred == 0 or 120 <= chosen.dred <= 1040
        assert chosen.expected_loss > 0 if chosen.lbrr else chosen.expected_loss == 0
        assert 0 <= controller.losses.loss_rate <= 1


def coverage(sent: list[Allocation], lost: list[bool]) -> float:
    """Share of the lost packets that what came after them could bring back."""
    back = missing = 0
    burst = 0
    for allocation, gone in zip(sent, lost, strict=True):
        if gone:
            burst += 1
            continue
        worth = Worth().brought_back(allocation, 20)[:burst]
        back += int((worth > 0).sum())
        missing += burst
        burst = 0
    return back / missing


@needs_reference
@pytest.mark.parametrize(
    ("name", "least", "most_changes"),
    [
        ("lossgen20", 0.55, 1.0),
        ("ge20", 0.65, 1.2),
        ("ge40", 0.75, 1.2),
        ("real_high_is_lost", 0.6, 1),
    ],
)
def test_most_of_what_real_networks_lose_is_covered(
    name: str, least: float, most_changes: float
) -> None:
    lost = parse_trace((REFERENCE / f"loss/{name}.txt").read_text())[:2000]
    sent = call(Adaptive(), lost)
    changes = sum(one != other for one, other in pairwise(sent))
    assert coverage(sent, lost) > least
    assert changes / (len(lost) / 50) < most_changes


def test_a_steady_network_is_left_in_peace() -> None:
    sent = call(Adaptive(), draw(UniformLoss(0.1, random.Random(2)), 60))
    eager = call(Adaptive(tuning=Tuning(margin=0)), draw(UniformLoss(0.1, random.Random(2)), 60))
    changes, eagerly = (sum(a != b for a, b in pairwise(each[100:])) for each in (sent, eager))
    assert changes < 30
    assert changes < 0.7 * eagerly


def test_a_fixed_allocation_stays() -> None:
    allocation = Allocation(16_000, dred=480, dred_bitrate=9_000)
    assert set(call(Fixed(allocation), draw(bursts(0.3, 5), 4))) == {allocation}


def test_losses_are_forgotten_by_what_was_sent_since() -> None:
    losses = LossProcess(memory=1.0, patience=3.0)
    losses.add(Report(10, 40, (40,)), 20)
    assert losses.loss_rate == pytest.approx(0.8)
    losses.add(Report(50), 20)
    assert losses.lost == pytest.approx(40 / math.e)
    losses.add(Report(100), 20)
    assert losses.lost == 0


def test_losses_of_unknown_pattern_count() -> None:
    losses = LossProcess(memory=1.0, patience=3.0)
    losses.add(Report(90, 10), 20)
    assert losses.lost == pytest.approx(10)
    assert protected(settled(Report(90, 10)))


def test_what_is_expected_loses_as_much_but_longer() -> None:
    losses = LossProcess(memory=1.0, patience=3.0)
    losses.add(Report(50, 30, (1, 4, 25)), 20)
    ahead = losses.expected()
    assert ahead @ np.arange(len(ahead)) == pytest.approx(30)
    assert ahead[1] == 1 and ahead[8] and ahead[50]


def test_costs_are_those_of_the_levels() -> None:
    cost = DredCost(tuple(range(100, 100 + LEVELS)), (10.0,) * LEVELS, overhead=5)
    assert cost.bits(Allocation(0, dred=120, q0=3)) == 5 + 103 + 30
    assert cost.bits(Allocation(0)) == 0
    with pytest.raises(ValueError, match="levels"):
        DredCost((1.0,), (1.0,))


def test_libopus_cost_is_what_it_sends() -> None:
    whole = Allocation(0, dred=1040, q0=6, dq=5)
    assert 50 * LIBOPUS_COST.bits(whole) == pytest.approx(20_300, rel=0.05)


def test_finer_and_longer_is_worth_more_and_costs_more() -> None:
    worth = Worth()
    coarse = Allocation(16_000, dred=320, q0=12)
    for better in (replace(coarse, q0=6), replace(coarse, dred=1040)):
        assert LIBOPUS_COST.bits(better) > LIBOPUS_COST.bits(coarse)
        assert (worth.bursts(better, 20) >= worth.bursts(coarse, 20)).all()
        assert worth.bursts(better, 20)[20] > worth.bursts(coarse, 20)[20]


def test_the_menu_begins_with_opus_alone() -> None:
    assert menu(LIBOPUS_COST, Worth(), 12_000, 20).choices == (Allocation(12_000),)
    assert menu(LIBOPUS_COST, Worth(), 40_000, 20).choices[0] == Allocation(40_000)
