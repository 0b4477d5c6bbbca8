"""Intervals and claims, on numbers that are known."""

import math

import numpy as np
import pytest
from recipes.dred.board import Board
from recipes.dred.claims import EVERY, Kind, Verdict, verdicts
from recipes.dred.measure import NOTHING, Measurement

from allears.score.bootstrap import Estimate, estimate, ratio


def measured(
    case: str, trace: str, speaker: str, plcmos: float | None, *, bits: float = 44_000.0
) -> Measurement:
    stoi = None if plcmos is None else plcmos / 5
    scores = {"plcmos": plcmos, "pesq_wb": None, "stoi": stoi}
    clip = f"clip of {speaker}"
    return Measurement(
        "", case, trace, clip, speaker, scores, 1, 4, 1.0, bits, bits / 2, 50, 10, ()
    )


def board(**plcmos: float) -> Board:
    """Three speakers, a whole point apart, the same differences for each; Opus' weights as `x_opus`."""
    found = []
    for case, value in plcmos.items():
        name = case.replace("_opus", "@opus").replace("_ours", "@allears").replace("_", "-")
        trace = NOTHING if name == "clean" else "ge20"
        found += [measured(name, trace, speaker, value + at) for at, speaker in enumerate("abc")]
    return Board(found)


def test_more_clips_of_one_speaker_are_no_more_certainty() -> None:
    rng = np.random.default_rng(0)
    voices = rng.normal(3, 0.5, 12)
    few = np.stack((voices, np.ones(12)), 1)
    names = [str(n) for n in range(12)]
    once = estimate(names, few, ratio)
    often = estimate(names * 20, np.tile(few, (20, 1)), ratio)
    assert often == pytest.approx(once)
    assert once.low < once.value < once.high
    # The width is that of a mean of twelve.
    assert once.high - once.low == pytest.approx(2 * 1.96 * voices.std() / math.sqrt(12), rel=0.1)


def test_rates_come_from_sums() -> None:
    counts = np.array([[1.0, 1.0], [0.0, 9.0]])
    assert estimate(["a", "b"], counts, ratio).value == 0.1
    lone = estimate(["a", "a"], counts, ratio)
    assert (lone.value, lone.bounded) == (0.1, False)
    assert math.isnan(estimate([], counts[:0], ratio).value)


def test_a_difference_is_between_the_same_clips() -> None:
    one = board(opus=2.0, lbrr=2.5)
    difference = one.contrast({"lbrr": 1, "opus": -1}, "ge20", "plcmos")
    assert difference == pytest.approx((0.5, 0.5, 0.5))  # though the speakers differ by points
    assert one.mean("opus", "ge20", "plcmos").bounded
    assert one.word_errors("opus", "ge20").value == 0.25
    assert one.kbps("opus").value == 44
    unheard = Board([measured("opus", "ge20", "a", None), measured("opus", "ge20", "b", 2.0)])
    assert unheard.mean("opus", "ge20", "plcmos").value == 2.0


def by_claim(found: list[Verdict], *words: str) -> Verdict:
    (one,) = [verdict for verdict in found if all(word in verdict.claim for word in words)]
    return one


def test_claims_hold_where_the_figures_are_there() -> None:
    scores = {"clean": 4.0, "opus": 2.0, "lbrr": 2.4, "neural_ours": 2.2, "neural_opus": 2.2}
    scores |= {"dred_ours": 3.25, "dred_opus": 3.5, "both_ours": 3.25, "both_opus": 3.0}
    found = verdicts(board(**scores), ("allears", "opus"), ("ge20",))
    assert str(by_claim(found, "DRED (allears) beats LBRR", "plcmos")) == "held"
    assert by_claim(found, "DRED (allears) beats LBRR", "plcmos").found.value == pytest.approx(0.85)
    gap = by_claim(found, "way from LBRR", "plcmos")
    assert gap.held
    assert "77% of the way" in gap.figures
    assert gap.found.value == pytest.approx(0.85 - 0.6 * 1.1)
    damage = by_claim(found, "(allears)", "damage", "plcmos")
    assert damage.held
    assert "42% left" in damage.figures
    assert str(by_claim(found, "DRED (allears): best or level", "plcmos")) == "held: level"
    assert str(by_claim(found, "DRED (opus): best or level", "plcmos")) == "**not held**"
    cost = by_claim(found, "21 kb/s", "(allears)")
    assert str(cost) == "**not held**"  # 22 kb/s
    assert "423 b/s for each copy" in cost.figures


def test_the_controller_is_held_against_each_network_and_against_all() -> None:
    figures = {
        "ge20": {"dred_ours": 3.6, "lbrr": 3.0, "auto_ours": 3.58},
        "ge40": {"dred_ours": 2.6, "lbrr": 3.2, "auto_ours": 3.1},
    }
    cells = [
        measured(case.replace("_ours", "@allears"), trace, speaker, score)
        for trace, scores in figures.items()
        for case, score in scores.items()
        for speaker in "abc"
    ]
    found = verdicts(Board(cells), ("allears",), tuple(figures))
    held = {v.trace: v.held for v in found if "controller" in v.claim}
    assert held == {"ge20": True, "ge40": False, EVERY: True}
    overall = next(v for v in found if v.trace == EVERY)
    assert overall.found.value == pytest.approx(3.34 - 3.1)
    assert overall.figures.startswith("3.34 / 3.10")


def test_claims_fail_where_they_are_not() -> None:
    scores = {"clean": 4.0, "lbrr": 2.4, "neural_ours": 2.2, "dred_ours": 2.5, "dred_opus": 3.4}
    found = verdicts(board(**scores), ("allears", "opus"), ("ge20",))
    for words in (("beats LBRR", "(allears)"), ("way from LBRR",), ("damage", "(allears)")):
        assert str(by_claim(found, *words, "plcmos")) == "**not held**"


@pytest.mark.parametrize(
    ("found", "kind", "said"),
    [
        (Estimate(0.3, 0.25, 0.35), Kind.REACH, "held"),
        (Estimate(0.3, 0.1, 0.5), Kind.REACH, "held, by the mean"),
        (Estimate(0.1, -0.1, 0.3), Kind.REACH, "**not held**, by the mean"),
        (Estimate(0.1, 0.0, 0.15), Kind.REACH, "**not held**"),
        (Estimate(0.1, 0.0, 0.3), Kind.LEVEL, "held: level"),
        (Estimate(0.5, 0.3, 0.6), Kind.LEVEL, "held: best"),
        (Estimate(0.1, 0.0, 0.15), Kind.LEVEL, "**not held**"),
        (Estimate(0.1, 0.0, 0.15), Kind.STAY, "held"),
        (Estimate(0.1, 0.0, 0.3), Kind.STAY, "held, by the mean"),
        (Estimate(0.3, 0.1, 0.4), Kind.STAY, "**not held**, by the mean"),
        (Estimate(0.3, 0.25, 0.4), Kind.STAY, "**not held**"),
        (Estimate(0.3, math.nan, math.nan), Kind.REACH, "held, by the mean"),
        (Estimate(0.1, math.nan, math.nan), Kind.LEVEL, "**not held**, by the mean"),
    ],
)
def test_what_is_said_of_a_figure(found: Estimate, kind: Kind, said: str) -> None:
    assert str(Verdict("", "", "", found, 0.2, kind)) == said
