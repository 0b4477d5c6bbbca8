"""Regions and elastic weights: who is learnt from and tested, and the arithmetic of the page, by hand."""

import math
from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from recipes.ewc import base, figures, regions, table
from recipes.ewc.figures import Board
from recipes.ewc.population import (
    SHARES,
    Division,
    Home,
    Share,
    dealt,
    divided,
    homes,
    of,
    sums,
)
from recipes.ewc.regions import Regions
from recipes.ewc.table import Outcome
from recipes.recognition.judge import Heard
from recipes.recognition.material import SPLICED, SYNTHETIC, joined

from allears.corpus.recordings import Utterance
from allears.corpus.sound import Sound
from allears.fairness.cohorts.census import Census
from allears.mitigation.choosing import Candidate, Choice, Count
from allears.score.bootstrap import Estimate

WHERE = {"a": 0, "b": 0, "c": 1, "d": 1}


def crowd(women: int = 24, men: int = 56, each: int = 1) -> Sound:
    """One sample for each utterance; a few of either gender are of the official test."""
    utterances = [
        Utterance(
            Path("x.wav"),
            f"{gender[0]}{number:02}",
            "go",
            "test" if number < 3 else "train",
            attributes={"gender": gender},
        )
        for gender, count in (("female", women), ("male", men))
        for number in range(count)
        for _ in range(each)
    ]
    bounds = np.arange(len(utterances) + 1)
    return Sound(bounds[:-1].astype(np.int16), bounds, tuple(utterances))


def made(*speakers: str, folder: Path = SPLICED) -> Sound:
    """Two samples for each utterance."""
    path = folder.resolve() / "audio" / "0.flac"
    utterances = tuple(Utterance(path, each, "go", "train") for each in speakers)
    bounds = 2 * np.arange(len(speakers) + 1)
    return Sound(100 + np.arange(bounds[-1], dtype=np.int16), bounds, utterances)


def heard(speaker: str, errors: int, words: int = 10) -> Heard:
    """So many words of which so many were heard as others."""
    said = ["yes"] * words
    return Heard(speaker, " ".join(said), " ".join(["no"] * errors + said[errors:]))


def rates(**errors: int) -> list[Heard]:
    """Of ten words of each speaker."""
    return [heard(speaker, count) for speaker, count in errors.items()]


def board(**models: list[Heard]) -> Board:
    return Board([models], [WHERE])


def test_nobody_is_for_two_things() -> None:
    tested: Counter[str] = Counter()
    for seed in range(3):
        parts = divided(crowd(), seed)
        everybody = [each for part in fields(parts) for each in getattr(parts, part.name)]
        assert len(set(everybody)) == len(everybody) == 80
        women = {
            part.name: sum(e[0] == "f" for e in getattr(parts, part.name)) for part in fields(parts)
        }
        assert women == {"base": 2, "adaptation": 8, "development": 4, "test": 10}
        assert (len(parts.adaptation), len(parts.development)) == (14, 9)
        tested.update(parts.test)
    # Those of the official test are in each, all others in one.
    official = {f"{gender}{number:02}" for gender in "fm" for number in range(3)}
    assert {name for name, count in tested.items() if count == 3} == official
    assert len(tested) == 80
    assert set(tested.values()) == {1, 3}


def test_the_base_hears_no_more_of_the_few_than_it_may() -> None:
    shares = {"x": Share(1, 1, 2)}
    parts = dealt(dict.fromkeys("abcdefghi", "x"), set(), 0, shares)
    assert [len(getattr(parts, each.name)) for each in fields(parts)] == [2, 1, 1, 3]
    assert divided(crowd(), 1) == divided(crowd(), 1) != divided(crowd(), 4)


def test_a_division_with_somebody_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="two things"):
        Division(("a",), ("b",), (), ("a",))


def test_other_corpora_are_divided_without_genders() -> None:
    plain = crowd()
    unknown = [Utterance(e.path, e.speaker, e.text, e.split) for e in plain.utterances]
    parts = divided(Sound(plain.data, plain.bounds, tuple(unknown)), 0)
    assert (len(parts.adaptation), len(parts.development)) == (74 // 6, 74 // 8)
    assert sum(len(getattr(parts, each.name)) for each in fields(parts)) == 80
    assert set(SHARES) == {"female", "male"}


def test_some_speakers_alone_keep_their_sound() -> None:
    whole = crowd(4, 4, each=2)
    part = of(whole, ("f01", "m03"))
    assert [each.speaker for each in part.utterances] == ["f01", "f01", "m03", "m03"]
    assert part.data.tolist() == [2, 3, 14, 15]
    assert part.samples(2) == pytest.approx(14 / 32768)


def test_the_few_live_in_the_west_and_known_homes_are_kept(tmp_path: Path) -> None:
    rows = [f"{10000 + n},40,{n / 10 - 100:.1f},{1 + n % 7}\n" for n in range(300)]
    path = tmp_path / "census.csv"
    path.write_text("zip,lat,lon,population\n" + "".join(rows))
    census = Census.read(path)
    home = homes(crowd(), census, 0)
    assert home == homes(crowd(), census, 0)
    assert home.zips != homes(crowd(), census, 1).zips
    women, men = ([home.places[e][1] for e in home.places if e[0] == g] for g in "fm")
    assert max(women) < min(men)
    assert (len(set(women)), len(set(men))) == (2, 4)
    theirs = [
        Utterance(each.path, each.speaker, "", "train", attributes={"zip": "10007"})
        for each in crowd().utterances
    ]
    known = homes(Sound(crowd().data, crowd().bounds, tuple(theirs)), census, 0)
    assert set(known.places.values()) == {(40.0, -99.3)}


def test_regions_are_cut_where_errors_differ_and_the_worst_are_adapted_to() -> None:
    names = [f"{place}{number}" for place in "we" for number in range(6)]
    home = Home(
        dict.fromkeys(names, "10000"),
        {each: (40.0, -120.0 if each[0] == "w" else -80.0) for each in names},
    )
    said = [heard(each, 6 if each[0] == "w" else 1, 40) for each in names for _ in range(4)]
    counted = sums(said, home)
    assert counted.counts[counted.speakers.index("w0")].tolist() == [24, 160, 4]
    found = regions.found(said, home, ["w0", "w1", "e0"])
    assert found.names == ("region 1", "region 2")
    assert found.members(("w0", "e0", "w5")) == ("w0", "w5")
    # One speaker to adapt to is too few.
    assert regions.found(said, home, ["w0", "e1"]).worst == 2
    tried = regions.candidate(said, found, 3.0)
    assert tried == Candidate(
        3.0, Count(168, 1920), {"region 1": Count(144, 960), "region 2": Count(24, 960)}
    )


def test_figures_of_regions_by_hand() -> None:
    one = board(none=rates(a=4, b=2, c=1, d=1), ewc=rates(a=2, b=2, c=1, d=1))
    # Regions 0.3 and 0.1, then 0.2 and 0.1.
    assert one.figure("none", figures.overall).value == pytest.approx(0.2)
    assert one.figure("none", figures.mean).value == pytest.approx(0.2)
    assert one.figure("none", figures.worst).value == pytest.approx(0.3)
    assert one.figure("none", figures.variance).value == pytest.approx(0.01)
    assert one.change("none", "ewc", figures.overall).value == pytest.approx(-0.25)
    assert one.change("none", "ewc", figures.worst).value == pytest.approx(-1 / 3)
    assert one.change("none", "ewc", figures.variance).value == pytest.approx(-0.75)
    # Where all live in one region, rates of regions do not vary, before or after.
    alike = Board([{"none": rates(a=4, b=2), "ewc": rates(a=1, b=2)}], [WHERE])
    assert alike.change("none", "ewc", figures.variance) == (0.0, 0.0, 0.0)
    # A mean of regions, not of words.
    skewed = board(none=[*rates(a=4, c=0), *(heard("d", 0, 30) for _ in range(3))])
    assert skewed.figure("none", figures.mean).value == pytest.approx(0.2)
    assert skewed.figure("none", figures.overall).value == pytest.approx(4 / 110)


def test_each_seed_has_its_own_regions() -> None:
    first, second = rates(a=4, b=0, c=0, d=0), rates(a=4, c=2)
    both = Board([{"none": first}, {"none": second}], [WHERE, {"a": 0, "c": 0}])
    # Worst: 0.2 and 0.3; variance 0.1² and 0.
    assert both.figure("none", figures.worst).value == pytest.approx(0.25)
    assert both.figure("none", figures.variance).value == pytest.approx(0.005)
    assert both.figure("none", figures.overall).value == pytest.approx(10 / 60)
    some = Board([{"none": first, "ewc": first}, {"none": second}], [WHERE, {"a": 0, "c": 0}])
    assert some.models == ["none"]


def test_changes_are_paired() -> None:
    """Speakers differ widely, each gains the same part: so much is certain."""
    before = [heard(f"s{n}", 2 * n, 100) for n in range(1, 13)]
    after = [heard(f"s{n}", n, 100) for n in range(1, 13)]
    one = Board([{"none": before, "ewc": after}], [{f"s{n}": n % 2 for n in range(1, 13)}])
    assert one.change("none", "ewc", figures.overall) == pytest.approx((-0.5, -0.5, -0.5))
    found = one.figure("none", figures.overall)
    assert found.high - found.low > 0.02


def test_what_is_said_of_a_change() -> None:
    assert table.verdict(Estimate(-0.1, -0.2, -0.01)) == "it falls"
    assert table.verdict(Estimate(0.1, 0.01, 0.2)) == "**it rises**"
    assert table.verdict(Estimate(0.0, 0.0, 0.0)) == "**nothing changes**"
    assert table.verdict(Estimate(-0.1, -0.2, 0.1)) == "it falls, but the interval has 0 in it"
    assert table.verdict(Estimate(math.nan, math.nan, math.nan)) == "nothing can be said"
    assert table.percent(Estimate(-0.032, -0.05, 0.011)) == "-3.2 (-5.0 to +1.1)"


def test_the_page_follows_the_figures() -> None:
    before = [heard(f"s{n}", 4 if n % 2 else 2) for n in range(12)]
    after = [heard(f"s{n}", 3 if n % 2 else 2) for n in range(12)]
    found = Regions(("region 1", "region 2"), {f"s{n}": 1 - n % 2 for n in range(12)}, 1)
    choice = Choice(None, "none: the old model is kept")
    outcome = Outcome(0, found, 5, before, {"plain": before, "ewc": after}, {"ewc": choice})
    page = table.page([outcome])
    assert "| none | 30.0 (" in page
    assert "| EWC, λ chosen | 25.0 (" in page
    assert "overall: -16.7 (" in page
    assert "- worst region: -25.0 (-25.0 to -25.0) %, the paper -3.2 %: it falls." in page
    assert "- variance over regions: -75.0 (" in page
    assert "Seed 0: 2 regions; adapted to 5 speakers of region 1." in page
    assert "EWC: none: the old model is kept" in page
    turned = table.page([Outcome(0, found, 5, after, {"plain": before, "ewc": before}, {})])
    assert "- worst region: +33.3 (+33.3 to +33.3) %, the paper -3.2 %: **it rises**." in turned
    early = table.page([Outcome(0, found, 5, before, {"plain": after}, {})])
    assert "EWC is not trained in all seeds yet." in early


def test_a_base_hears_nothing_of_whom_it_is_not_to_know():
    whole = crowd()
    parts = divided(whole, 0)
    own, stranger = parts.base[0], parts.test[0]
    beside = joined((made(own, stranger, own), made("synthetic_slt", folder=SYNTHETIC)))
    sound, shares = base.heard_by(whole, beside, parts)
    assert {each.speaker for each in sound.utterances} == {*parts.base, "synthetic_slt"}
    assert shares == [base.RECORDED] * len(parts.base) + [0.5, 0.5, 0.25]
    count = len(parts.base)
    found = [sound.data[sound.bounds[count + n] : sound.bounds[count + n + 1]] for n in range(3)]
    assert np.array_equal(found, [[100, 101], [104, 105], [100, 101]])
    assert base.heard_by(whole, None, parts)[1] is None
