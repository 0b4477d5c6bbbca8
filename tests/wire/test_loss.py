import random
from itertools import groupby, islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allears.errors import AllearsError
from allears.wire.errors import ParseError
from allears.wire.loss import (
    GilbertElliott,
    LossSpecError,
    NoLoss,
    TraceLoss,
    UniformLoss,
    parse_loss,
    parse_trace,
)

quick = settings(deadline=None)

PACKETS = 40_000


def losses(model, count=PACKETS):
    return [model() for _ in range(count)]


def loss_rate(flags):
    return sum(flags) / len(flags)


def mean_burst(flags):
    lengths = [len(list(run)) for lost, run in groupby(flags) if lost]
    return sum(lengths) / len(lengths)


@pytest.fixture
def traces() -> dict[str, str]:
    """Loss traces by name: generated ones, and one of a real network."""
    folder = Path(__file__).parents[2].parent / "shared" / "interop" / "opus" / "loss"
    if not folder.is_dir():
        pytest.skip("no interoperability data beside the checkout")
    return {path.stem: path.read_text() for path in folder.glob("*.txt")}


def test_no_loss_loses_nothing():
    assert not any(losses(NoLoss(), 100))


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.2, 0.7, 1.0])
def test_uniform_loss_has_its_rate(rate):
    # The standard error is at most 0.0025.
    assert loss_rate(losses(UniformLoss(rate, random.Random(1)))) == pytest.approx(rate, abs=0.008)


def test_uniform_losses_are_independent():
    # Bursts of independent losses are geometric: 1 / (1 - rate) on average.
    flags = losses(UniformLoss(0.5, random.Random(2)))
    assert mean_burst(flags) == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize(("rate", "burst"), [(0.2, 6.0), (0.05, 3.0), (0.4, 1.5), (0.5, 1.0)])
def test_bursts_have_their_rate_and_length(rate, burst):
    model = GilbertElliott.from_rate_and_burst(rate, burst, random.Random(3))
    flags = losses(model)
    # About 670 bursts at the least, so a standard error of up to 4 %.
    assert loss_rate(flags) == pytest.approx(rate, rel=0.12)
    assert mean_burst(flags) == pytest.approx(burst, rel=0.12)


def test_the_chain_starts_stationary():
    # Started good, the first packet would never be lost. The standard error is 0.006.
    rng = random.Random(4)
    first = [GilbertElliott.from_rate_and_burst(0.3, 50.0, rng)() for _ in range(6000)]
    assert loss_rate(first) == pytest.approx(0.3, abs=0.025)


def test_both_states_have_their_own_loss():
    # Half the time in either state, so (0.8 + 0.1) / 2 are lost.
    model = GilbertElliott(0.1, 0.1, 0.8, 0.1, random.Random(5))
    assert loss_rate(losses(model)) == pytest.approx(0.45, abs=0.02)


def test_a_chain_that_cannot_move_stays_good():
    assert not any(losses(GilbertElliott(0.0, 0.0, 1.0, 0.0, random.Random(6)), 100))
    assert all(losses(GilbertElliott(1.0, 0.0, 1.0, 0.0, random.Random(6)), 100))


def test_the_shortest_gaps_are_one_packet():
    flags = losses(GilbertElliott.from_rate_and_burst(0.75, 3.0, random.Random(7)), 1000)
    assert all(len(list(run)) == 1 for lost, run in groupby(flags) if not lost)


@pytest.mark.parametrize(
    ("rate", "burst", "message"),
    [
        (0.2, 0.5, "at least 1 packet"),
        (0.2, float("nan"), "at least 1 packet"),
        (0.2, float("inf"), "at least 1 packet"),
        (0.8, 3.0, "at most 75.0%"),
        (1.0, 3.0, "at most 75.0%"),
        (1.2, 3.0, "rate is 0 to 1"),
    ],
)
def test_impossible_bursts_are_refused(rate, burst, message):
    with pytest.raises(ValueError, match=message):
        GilbertElliott.from_rate_and_burst(rate, burst, random.Random(0))


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
@pytest.mark.parametrize("place", range(4))
def test_probabilities_are_checked(value, place):
    values = [0.5, 0.5, 0.5, 0.5]
    values[place] = value
    with pytest.raises(ValueError, match="is 0 to 1"):
        GilbertElliott(*values, random.Random(0))
    with pytest.raises(ValueError, match="rate is 0 to 1"):
        UniformLoss(value, random.Random(0))


def test_a_trace_repeats():
    model = TraceLoss([True, False, False])
    assert losses(model, 7) == [True, False, False, True, False, False, True]


def test_an_empty_trace_is_refused():
    with pytest.raises(ValueError, match="at least one packet"):
        TraceLoss([])


@pytest.mark.parametrize("text", ["0 1 1", "0\n1\n1\n", "0\r\n1\r\n1", "# a\n0\t1\n#1 0\n\n 1"])
def test_traces_are_zeros_and_ones(text):
    assert parse_trace(text) == [False, True, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "without packets"),
        ("# 0 1\n", "without packets"),
        ("0 1\n0 2\n", "line 2: '2' is neither"),
        ("01", "line 1: '01' is neither"),
        ("0\n\n1 " + "x" * 1000, "line 3: 'xxxxxxxxxxxxxxxxxxxx' is neither"),
    ],
)
def test_other_traces_are_refused(text, message):
    with pytest.raises(ParseError, match=message):
        parse_trace(text)


@quick
@given(st.text() | st.text("01 \n#2"))
def test_any_text_is_a_trace_or_refused(text):
    try:
        assert parse_trace(text)
    except ParseError:
        return


@quick
@given(st.lists(st.booleans(), min_size=1))
def test_trace_round_trip(flags):
    assert parse_trace("\n".join(str(int(flag)) for flag in flags)) == flags


def test_recorded_traces_are_read(traces):
    real = parse_trace(traces["real_high_is_lost"])
    assert (len(real), sum(real)) == (11046, 7688)
    bursts = parse_trace(traces["ge20"])
    assert (len(bursts), sum(bursts)) == (5000, 1049)
    assert losses(TraceLoss(real), 11046) == real


@pytest.mark.parametrize("spec", ["0", "none", "0%", "uniform:0", "burst:0%:120ms", "ge:0:0.5"])
def test_specs_without_loss(spec):
    assert not any(losses(parse_loss(spec, seed=1), 200))


@pytest.mark.parametrize(
    ("spec", "rate", "burst"),
    [
        ("20%", 0.2, 1.25),
        ("0.2", 0.2, 1.25),
        (".2", 0.2, 1.25),
        ("uniform:20%", 0.2, 1.25),
        ("uniform:0.2", 0.2, 1.25),
        ("burst:20%:120ms", 0.2, 6.0),
        ("burst:0.2:100.0ms", 0.2, 5.0),
        ("ge:0.05:20%", 0.2, 5.0),
        ("ge:0.05:0.2:1", 0.2, 5.0),
        ("ge:0.05:0.2:1:0", 0.2, 5.0),
    ],
)
def test_specs_have_their_rate_and_burst(spec, rate, burst):
    flags = losses(parse_loss(spec, seed=8))
    # About 1,300 bursts at the least, so a standard error of up to 3 %.
    assert loss_rate(flags) == pytest.approx(rate, rel=0.1)
    assert mean_burst(flags) == pytest.approx(burst, rel=0.1)


def test_ge_takes_a_loss_for_either_state():
    flags = losses(parse_loss("ge:0.1:0.1:80%:10%", seed=9))
    assert loss_rate(flags) == pytest.approx(0.45, abs=0.02)


def test_burst_lengths_follow_the_frame():
    flags = losses(parse_loss("burst:20%:120ms", seed=10, frame_ms=60))
    assert mean_burst(flags) == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize("spec", ["20%", "burst:20%:120ms", "ge:0.1:0.2:0.9:0.1"])
def test_the_seed_decides(spec):
    first, same, other = (losses(parse_loss(spec, seed), 500) for seed in (1, 1, 2))
    assert first == same
    assert first != other


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "'' is no rate"),
        ("20", "rate is 0 to 1, or 0% to 100%, not 20"),
        ("-0.1", "no rate"),
        ("nan", "no rate"),
        ("1e-1", "no rate"),
        ("101%", "not 1.01"),
        ("none:1", "no such form"),
        ("uniform", "no rate"),
        ("uniform:", "no rate"),
        ("uniform:0.1:0.2", "no such form"),
        ("burst:20%", "no such form"),
        ("burst:20%:120", "no length in ms"),
        ("burst:20%:10ms", "at least 1 packet"),
        ("burst:90%:40ms", "at most 66.7%"),
        ("ge:0.1", "no such form"),
        ("ge:0.1:2", "p_good is 0 to 1"),
        ("ge:0.1:0.2:0.3:0.4:0.5", "no such form"),
        ("٢٠%", "no rate"),
        ("two\nlines", "no rate"),
        ("x" * 10_000, "no rate"),
    ],
)
def test_wrong_specs_show_the_right_ones(spec, message):
    with pytest.raises(LossSpecError, match=message) as caught:
        parse_loss(spec, seed=0)
    text = str(caught.value)
    assert "burst:20%:120ms" in text
    assert "\n" not in text
    assert len(text) < 300
    assert isinstance(caught.value, AllearsError)


@quick
@given(
    st.text()
    | st.lists(st.sampled_from(["burst", "ge", "uniform", "20%", "0.5", "40ms", "9"])).map(":".join)
)
def test_any_spec_is_a_model_or_refused(spec):
    try:
        model = parse_loss(spec, seed=0)
    except LossSpecError:
        return
    assert set(islice(iter(model, None), 20)) <= {True, False}
