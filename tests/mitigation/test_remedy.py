"""Which cohort of an audit, who of the recordings is in it, who is learnt from and who is tested."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from allears.corpus.recordings import Utterance
from allears.fairness.findings import Living, Rule
from allears.mitigation.refusal import MitigationError
from allears.mitigation.remedy import audited
from allears.mitigation.remedy.audited import Cohort
from allears.mitigation.remedy.division import divided
from allears.mitigation.remedy.outcome import Change, Outcome, as_json
from allears.mitigation.remedy.people import cohort_of, labelled, people
from allears.score.bootstrap import Estimate
from tests.mitigation.tones import GROUPS, audit, group

SOUTH = Cohort("accent", "south", 0.5, 0.4, True, True, Rule(labels=(("Accent", "south"),)))


def spoken(rows, split="train"):
    return [
        Utterance(Path(f"{number}.wav"), speaker, "a", split, attributes=attributes)
        for number, (speaker, attributes) in enumerate(rows)
    ]


def known(rows, census=None):
    return people(spoken(rows), [Path("data")], census)


def test_the_worst_that_is_sure_goes_before_the_worst(tmp_path):
    rows = [
        group("bad", None, shrunk=0.9, significant=False),
        group("sure", None, shrunk=0.3),
        group("better", None, shrunk=0.95, ratio=0.5),
    ]
    found = audited.read(audit(tmp_path / "a.json", rows), "asr")
    assert audited.chosen(found).cohort.name == "sure"
    assert "for sure" in audited.chosen(found).sentence
    unsure = audited.read(audit(tmp_path / "b.json", [rows[0], rows[2]]), "asr")
    chosen = audited.chosen(unsure)
    assert chosen.cohort.name == "bad" and "may be chance" in chosen.sentence
    named = audited.chosen(found, "accent: better")
    assert named.cohort.name == "better" and "not served worse" in named.sentence


def test_audits_that_name_nobody_to_serve_better(tmp_path):
    def refused(rows, name=None):
        with pytest.raises(MitigationError) as error:
            audited.chosen(audited.read(audit(tmp_path / "a.json", rows), "asr"), name)
        return str(error.value)

    better = group("south", None, ratio=0.8)
    assert "nothing to mend; --cohort NAME chooses one all the same: 'accent: south'" in refused(
        [better]
    )
    assert "no group that is large enough" in refused([])
    assert "'west'" in refused(GROUPS, "west") and "'accent: north'" in refused(GROUPS, "west")
    twice = [group("old", None), group("old", None, grouping="age")]
    assert "could be 'accent: old', 'age: old'" in refused(twice, "old")


def test_what_is_no_audit(tmp_path):
    def refused(text, task="asr"):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(MitigationError, match=r"a\.json") as error:
            audited.read(tmp_path / "a.json", task)
        return str(error.value)

    assert "is no JSON" in refused("{")
    assert "is no audit; write one with allears audit" in refused("[1]")
    assert "'ratio' is missing" in refused('{"groups": [{}]}')
    assert "--task verify needs one of speaker verification" in refused('{"groups": []}', "verify")
    wrong = json.dumps({"groups": [group("south", {"x": 1})]})
    assert "accent: south: a rule that says nothing" in refused(wrong)
    with pytest.raises(MitigationError, match="cannot be read"):
        audited.read(tmp_path / "nowhere.json", "asr")


def test_who_is_in_a_group_of_labels():
    rows = [("s1", {"accent": "south"}), ("s2", {"accent": "south "}), ("n", {"accent": "north"}),
            ("torn", {"accent": "south"}), ("torn", {"accent": "north"}), ("silent", {}),
            ("unsaid", {"accent": "NA"})]  # fmt: skip
    those = known(rows)
    assert those.speakers == ("n", "s1", "s2", "silent", "torn", "unsaid")
    assert those.members(SOUTH) == (False, True, True, None, None, None)


def test_who_lives_where():
    rows = [("a", {"lat": "30", "lon": "-90"}), ("b", {"lat": "29.95", "lon": "-90"}), ("c", {})]
    cohort = replace(SOUTH, rule=Rule(boxes=((30.0, -180.0, 90.0, 180.0),)))
    assert known(rows).members(cohort) == (True, False, None)
    with pytest.raises(MitigationError, match="'a': lat is 'thirty' where a number is due"):
        known([("a", {"lat": "thirty", "lon": "1"})]).members(cohort)
    with pytest.raises(MitigationError, match=r"no columns latitude and longitude.*--census FILE"):
        known([("a", {"lat": "3"})]).members(cohort)


def test_what_the_census_says(tmp_path):
    census = tmp_path / "zips.csv"
    census.write_text("zip,lat,lon,income,majority\n02139,42,-71,30,black\n10001,40,-74,80,white\n")
    rows = [("a", {"zip": "2139"}), ("b", {"zip": "10001"}), ("c", {"zip": "99999"}), ("d", {})]
    rich = replace(SOUTH, rule=Rule(living=Living("income", "≥", 50.0, True, "zip")))
    black = replace(SOUTH, rule=Rule(living=Living("majority", "=", "black", False, "zip")))
    north = replace(SOUTH, rule=Rule(boxes=((41.0, -180.0, 90.0, 180.0),)))
    those = known(rows, census)
    assert those.members(rich) == (False, True, None, None)
    assert those.members(black) == (False, True, None, None)
    assert those.members(north) == (True, False, None, None)
    with pytest.raises(MitigationError, match=r"no column 'income'.*--census"):
        known(rows).members(rich)
    assert known([("a", {"Income": "60"}), ("b", {"Income": "20"})]).members(rich) == (True, False)
    with pytest.raises(MitigationError, match="--census: has no column 'age'"):
        those.members(replace(SOUTH, rule=Rule(living=Living("age", "≥", 5.0, True, "zip"))))


def test_cohorts_that_cannot_be_had():
    def refused(rows, cohort=SOUTH):
        with pytest.raises(MitigationError) as error:
            cohort_of(known(rows), cohort)
        return str(error.value)

    north = [(f"n{each}", {"accent": "north"}) for each in range(4)]
    south = [(f"s{each}", {"accent": "south"}) for each in range(4)]
    assert "none of 4 speakers is in accent: south; is the audit of other recordings" in refused(
        north
    )
    assert "1 speaker is in accent: south; 3 at least" in refused([*north, south[0]])
    assert "all but 1 of 5 speakers" in refused([north[0], *south])
    assert "has no column 'Accent'" in refused([("s", {"age": "old"})])
    voices = replace(SOUTH, rule=None)
    assert "does not say who is in it" in refused(north, voices) and "--cohort" in refused(
        north, voices
    )


def test_groups_that_overlap_are_compared_apart_and_what_cannot_be_told_is_said():
    rows = [
        ("a", {"sex": "f", "age": "old"}),
        ("b", {"sex": "f"}),
        ("c", {"sex": "m", "age": "new"}),
    ]
    old = Cohort("sex × age", "age: old", 0, 0, True, True, Rule(labels=(("age", "old"),)))
    women = Cohort("sex × age", "sex: f", 0, 0, True, True, Rule(labels=(("sex", "f"),)))
    voice = Cohort("voice", "voice 1", 0, 0, True, True, None)
    said = []
    found = labelled(known(rows), {"sex × age": [old, women], "voice": [voice]}, said.append)
    assert found == {
        "age: old": {"a": "age: old", "b": "", "c": "everybody else"},
        "sex: f": {"a": "sex: f", "b": "sex: f", "c": "everybody else"},
    }
    assert len(said) == 1 and said[0].startswith("not compared by voice: ")


def test_speakers_are_dealt_by_seed_and_nobody_twice():
    rows = [(f"{'s' if each % 4 else 'n'}{each}", {}) for each in range(40)]
    cohort = {name for name, _ in rows if name.startswith("s")}
    one, again, other = (divided(spoken(rows), cohort, seed) for seed in (1, 1, 2))
    assert one == again and one.test != other.test
    parts = one.train, one.development, one.test
    assert sum(map(len, parts)) == 40 == len(frozenset.union(*parts))
    assert [len(each & cohort) for each in parts] == [15, 6, 9]
    assert [len(each - cohort) for each in parts] == [5, 2, 3]
    assert "20 to learn from, 8 to choose by, 12 to test on (divided by seed 1)" in one.sentence


def test_splits_of_the_recordings_are_kept():
    rows = [(f"{'sn'[each % 2]}{each}", {}) for each in range(12)]
    cohort = {name for name, _ in rows if name.startswith("s")}
    some = [*spoken(rows[:8], "train-clean"), *spoken(rows[8:], "test")]
    found = divided(some, cohort, 0)
    assert found.test == {name for name, _ in rows[8:]}
    assert len(found.development) == 2 and "those to choose by drawn by seed 0" in found.sentence
    whole = divided([*some, *spoken([("sd", {}), ("nd", {})], "dev")], cohort | {"sd"}, 0)
    assert whole.development == {"sd", "nd"} and "as their splits say)" in whole.sentence
    with pytest.raises(
        MitigationError, match="speaker 's0' is of the split 'test', but of 'train-clean'"
    ):
        divided([*some, *spoken(rows[:1], "test")], cohort, 0)
    with pytest.raises(MitigationError, match="its split is 'other'"):
        divided(spoken(rows, "other"), cohort, 0)
    with pytest.raises(
        MitigationError, match="nobody of the cohort is among the 2 speakers to test on"
    ):
        divided([*spoken(rows[:8]), *spoken([("x", {}), ("y", {})], "test")], cohort, 0)


def made(*differences):
    changes = []
    for name, (value, low, high) in zip("ab", differences, strict=False):
        rates = Estimate(0.3, 0.2, 0.4), Estimate(0.3 + value, 0.2, 0.4)
        changes.append(Change("accent", name, 9, *rates, Estimate(value, low, high)))
    return Outcome("asr", "ewc", "accent: a", "words wrong", True, "", (), tuple(changes), ())


def test_the_last_line_names_those_who_pay():
    fine = made((-0.1, -0.2, -0.05), (0.1, -0.01, 0.2))
    assert fine.last == "No cohort became significantly worse."
    assert [each.better for each in fine.changes] == [True, False]
    bad = made((-0.1, -0.2, -0.05), (0.1, 0.01, 0.2))
    assert (
        bad.last.startswith("Significantly worse: accent: b (from 30.0")
        and "+10.0 points" in bad.last
    )
    unsure = made((math.nan, math.nan, math.nan))
    assert (
        unsure.last
        == "No cohort became significantly worse (not enough speakers to say so of accent: a)."
    )
    kept = replace(fine, taken=False).last
    assert kept == "No cohort became significantly worse: the old model is kept."
    assert '"high": null' in as_json(unsure) and '"worse": ["accent: b"]' in as_json(bad)
