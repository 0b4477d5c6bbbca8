"""A group's rule says of anybody what the discovery that found the group says, also once it was JSON."""

import json
from pathlib import Path

import numpy as np
import pytest

from allears.fairness.cohorts.census import Census
from allears.fairness.cohorts.partition import CensusPartition
from allears.fairness.cohorts.rules import lives, named, plain, restored, within
from allears.fairness.cohorts.search import SubgroupSearch
from allears.fairness.cohorts.tree import GeographicTree
from allears.fairness.findings import Rule
from allears.fairness.refusal import AuditError
from tests.fairness.cohorts.made import crowd, sums


def again(rule: Rule) -> Rule:
    return restored(json.loads(json.dumps(plain(rule))))


def test_regions_are_what_the_tree_takes_for_them() -> None:
    draw = np.random.default_rng(3)
    places = draw.uniform((20, -120), (50, -70), (200, 2))
    rates = np.where(places[:, 0] < 30, 0.4, np.where(places[:, 1] < -100, 0.2, 0.1))
    tree = GeographicTree(max_regions=6).fit(sums(crowd(200, rates, 0), places=places))
    assert len(tree.rules_) > 2
    # Anywhere on Earth, on edges of squares, at the poles and on the meridian of 180°.
    anywhere = draw.uniform((-90, -180), (90, 180), (2000, 2))
    edges = np.round(anywhere[:500], 1)
    corners = [(90, 180), (-90, -180), (90, -180), (0, 180), (np.nan, 0)]
    asked = np.concatenate((anywhere, edges, corners, [box[:2] for box in tree.boxes_]))
    found = tree.predict(asked)
    for number, (name, rule) in enumerate(tree.rules_.items()):
        assert name == tree.names_[number] and again(rule) == rule
        met = within(again(rule).boxes, asked)
        assert met == [None if each < 0 else bool(each == number) for each in found.tolist()]


def test_both_sides_of_a_division_by_the_census(tmp_path: Path) -> None:
    lines = [f"{10000 + each},{each},{'town' if each % 3 else 'country'}" for each in range(60)]
    (tmp_path / "census.csv").write_text("\n".join(["zip,income,kind", *lines]))
    census = Census.read(tmp_path / "census.csv")
    for rate in (np.arange(60) < 20, np.arange(60) % 3 == 0):
        people = crowd(60, np.where(rate, 0.5, 0.1), 0, spread=0.01)
        made = sums(people, {"home": [f"{10000 + each}" for each in range(60)]})
        found = CensusPartition(census, "home").fit(made)
        table = census.amounts if found.rule_.sign == "≥" else census.kinds
        values = table[found.rule_.column].tolist()
        for number, name in enumerate(found.names_):
            living = again(found.rules_[name]).living
            assert living and living.zip == "home"
            assert [lives(living, each) for each in values] == (found.labels_ == number).tolist()
    assert lives(living, "") is None and lives(living, None) is None


def test_labels_and_their_combinations() -> None:
    labels = {"accent": ["a", "b", "b", None], "age": ["x × y", "old", "old", "old"]}
    made = sums([(1, 9, 1)] * 4, labels)
    assert named(made, "accent*age") == {
        "a × x × y": Rule(labels=(("accent", "a"), ("age", "x × y"))),
        "b × old": Rule(labels=(("accent", "b"), ("age", "old"))),
    }
    assert again(Rule(labels=(("accent", "b"),))) == Rule(labels=(("accent", "b"),))


def test_subgroups_that_were_searched_for() -> None:
    kinds = np.random.default_rng(0).integers(0, 2, (2, 300))
    labels = {f"c{at}": [f"k{code}" for code in each] for at, each in enumerate(kinds.tolist())}
    made = sums(crowd(300, np.where(kinds.all(0), 0.5, 0.1), 1), labels)
    found = SubgroupSearch().fit(made)
    assert found.rules_[found.names_[0]].labels == (("c0", "k1"), ("c1", "k1"))


@pytest.mark.parametrize(
    "broken",
    [
        {}, [], "x", {"labels": ["a"]}, {"boxes": [[1, 2, 3]]}, {"boxes": [["n", 0, 0, 0]]}, {"census": {}},
        {"census": {"column": "a", "sign": "≥", "value": "b", "met": True, "zip": "zip"}},
    ],
)  # fmt: skip
def test_what_is_no_rule(broken: object) -> None:
    with pytest.raises(AuditError, match="write the audit again"):
        restored(broken)
