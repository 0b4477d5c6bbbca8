"""Gaps between cohorts before and after: who is in which, what is withheld, and the arithmetic by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
from recipes.cohort_mitigation import arms, cohorts, table
from recipes.cohort_mitigation.cohorts import Cohorts
from recipes.cohort_mitigation.table import Board, Outcome
from recipes.ewc.population import Division, Home, sums
from recipes.ewc.world import World
from recipes.recognition import judge
from recipes.recognition.judge import Heard

from allears.fairness.cohorts.census import Census
from allears.score.bootstrap import Estimate
from tests.recipes.test_ewc import crowd, heard, rates

SIDES = Cohorts(("far", "near"), {"a": "far", "b": "far", "c": "near", "d": "near"}, 1)


def outcome(cohorts: Cohorts = SIDES, **after: list[Heard]) -> Outcome:
    return Outcome(0, cohorts, "census", 8, 6, after)


def test_gaps_by_hand() -> None:
    one = Board([outcome(before=rates(a=4, b=2, c=1, d=3), nothing=rates(a=3, b=2, c=2, d=2))])
    assert one.models == ["before", "nothing"]
    assert one.bottom("before").value == pytest.approx(0.3)
    assert one.others("before").value == pytest.approx(0.2)
    assert one.overall("before").value == pytest.approx(0.25)
    assert one.gap("before").value == pytest.approx(0.5)
    assert one.gap_change("before", "nothing").value == pytest.approx(0.25 - 0.5)


def test_seeds_add_up_with_cohorts_of_their_own() -> None:
    other = Cohorts(("one", "two", "three"), {"a": "three", "b": "two", "c": "one", "d": "two"}, 2)
    both = Board(
        [
            outcome(before=rates(a=4, b=2, c=1, d=3)),
            outcome(other, before=rates(a=1, b=4, c=4, d=2)),
        ]
    )
    # Bottom: 6 of 20 and 10 of 30; others 4 of 20 and 1 of 10.
    assert both.bottom("before").value == pytest.approx(16 / 50)
    assert both.others("before").value == pytest.approx(5 / 30)


def test_a_change_of_gap_is_paired() -> None:
    sides = Cohorts(("far", "near"), {f"s{n}": "far" if n % 2 else "near" for n in range(20)}, 1)
    before = [heard(f"s{n}", 4 * (1 + n % 2), 20) for n in range(20)]
    after = [heard(f"s{n}", 4 + n % 2, 20) for n in range(20)]
    found = Board([outcome(sides, before=before, nothing=after)]).gap_change("before", "nothing")
    assert found == pytest.approx((-0.75, -0.75, -0.75))
    assert table.verdict(found) == "it narrows"


def test_what_is_said_of_a_gap() -> None:
    assert table.verdict(Estimate(0.2, 0.1, 0.3)) == "**it widens**"
    assert table.verdict(Estimate(0.0, 0.0, 0.0)) == "**no difference**"
    assert table.verdict(Estimate(0.2, -0.1, 0.3)) == "wider, but the interval has 0 in it"
    assert table.verdict(Estimate(math.nan, math.nan, math.nan)) == "nothing can be said"


def test_the_page_follows_the_figures() -> None:
    sides = Cohorts(("far", "near"), {f"s{n}": "far" if n % 2 else "near" for n in range(20)}, 1)
    before = [heard(f"s{n}", 4 * (1 + n % 2), 20) for n in range(20)]
    after = [heard(f"s{n}", 4 + n % 2, 20) for n in range(20)]
    page = table.page([outcome(sides, before=before, nothing=before, oversampling=after)])
    assert (
        "| before: the base | 40.0 (40.0–40.0) | 20.0 (20.0–20.0) | 100.0 (100.0–100.0) |  |"
        in page
    )
    assert "- oversampling against before: -75.0 (-75.0 to -75.0) points: it narrows." in page
    assert "both against" not in page
    assert "the bottom cohort is far, 10 of 20 test speakers" in page
    assert "Of 8 utterances without a text the base was sure enough of 6" in page


def test_every_model_is_asked_in_every_way() -> None:
    names = [name for name, _, _ in arms.asked()]
    assert names == [
        "before", "nothing", "oversampling", "embedding-known", "embedding-unknown", "both-known",
        "both-unknown",
    ]  # fmt: skip
    assert set(table.PAPER) <= set(names)


def test_texts_are_taken_from_half_of_the_new_speakers() -> None:
    whole = crowd(6, 6, each=3)
    found = arms.withheld(whole, ["f01", "f02", "m01", "m05"], 0)
    silent = {each.speaker for each in found.utterances if not each.text}
    assert len(silent) == 2
    assert silent < {"f01", "f02", "m01", "m05"}
    assert sum(not each.text for each in found.utterances) == 6
    assert found == arms.withheld(whole, ["m05", "m01", "f01", "f02"], 0)
    assert all(each.text for each in whole.utterances)


def test_cohorts_by_the_census_are_found_by_those_who_are_not_tested(tmp_path: Path) -> None:
    path = tmp_path / "census.csv"
    path.write_text("zip,lat,lon,population\n10000,40,-120,5\n20000,40,-80,500\n")
    everybody = [f"{side}{n}" for side in "we" for n in range(8)]
    home = Home(
        {each: "10000" if each[0] == "w" else "20000" for each in everybody},
        {each: (40.0, -120.0 if each[0] == "w" else -80.0) for each in everybody},
    )
    known = [each for each in everybody if int(each[1]) < 6]
    parts = Division((), tuple(known[::2]), tuple(known[1::2]), ("w6", "e6"))
    base = tmp_path / "base.safetensors"
    base.touch()
    for name in ("adaptation", "development"):
        said = [heard(e, 8 if e[0] == "w" else 2, 40) for e in getattr(parts, name)]
        judge.keep(said, tmp_path / f"heard-{name}.jsonl")
    found = cohorts.by_census(World(0, crowd(), Census.read(path), parts, home, base))
    assert found.names == ("population < 500", "population ≥ 500")
    assert found.worst(["w6", "e6", "w7"]) == ("w6", "w7")


def test_cohorts_by_voice_have_everybody_in_them() -> None:
    draw = np.random.default_rng(0)
    middles = np.eye(3)
    names = [f"s{n:02}" for n in range(30)]
    voices = {name: middles[n % 3] + draw.normal(0, 0.05, 3) for n, name in enumerate(names)}
    voices = {name: each / np.linalg.norm(each) for name, each in voices.items()}
    home = Home(dict.fromkeys(names, "10000"), dict.fromkeys(names, (40.0, -80.0)))
    said = [heard(name, 9 if n % 3 == 1 else 1, 40) for n, name in enumerate(names[:15])]
    found = cohorts.clustered(sums(said, home, voices), voices, 0)
    assert found.names == ("voices 1", "voices 2", "voices 3")
    assert found.bottom == 1
    assert found.worst(names) == tuple(names[1::3])
