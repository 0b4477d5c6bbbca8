"""The page on speaker verification, its tables, its limits, and a drawing, of trials counted by hand."""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from allears.fairness.calibration import costs
from allears.fairness.refusal import AuditError
from allears.fairness.report import det, trial_limits, trial_rows
from allears.fairness.report.trial_sentences import headline, told
from allears.fairness.report.verification import render
from allears.fairness.statistics import bootstrap
from allears.fairness.trial_audit import TrialWish, audit_trials
from allears.fairness.trial_findings import TrialAudit
from allears.fairness.trial_tables import read
from allears.score import trials as scoring
from tests.fairness.report.conftest import Open

HOSTILE = "<img src=x onerror='window.broken = 1'>{{ 7 * 7 }}"

# Enrolled, tested, scores.
COUNTED: Sequence[tuple[str, str, tuple[float, ...]]] = (
    ("a", "a", (0.9, 0.2)), ("b", "b", (0.8, 0.7)), ("a", "b", (0.6, 0.1)), ("b", "a", (0.3, 0.4)),
    ("c", "c", (0.9, 0.1)), ("d", "d", (0.2, 0.3)), ("c", "d", (0.1, 0.2)), ("d", "c", (0.3, 0.4)),
    ("a", "c", (0.7,)), ("d", "b", (0.1,)),
)  # fmt: skip
GROUPS = {"a": "north", "b": "north", "c": "south", "d": "south"}


def written(folder: Path, groups: dict[str, str]) -> Path:
    path = folder / "trials.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["score", "label", "enrolled", "test", "enrolled_accent", "test_accent"])
        for one, other, scores in COUNTED:
            for score in scores:
                writer.writerow([score, int(one == other), one, other, groups[one], groups[other]])
    return path


@cache
def by_hand() -> TrialAudit:
    with TemporaryDirectory() as folder:
        wish = TrialWish(by=("accent",), threshold=0.5, min_speakers=2, draws=40)
        return audit_trials([written(Path(folder), GROUPS)], wish)


@cache
def planted() -> TrialAudit:
    """Thirty speakers: others are let in as those of the south, who are never refused, more often."""
    random = np.random.default_rng(3)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trials.csv"
        rows = ["score,label,enrolled,test,enrolled_accent,test_accent"]
        for one in range(30):
            for other in range(30):
                south = one % 2 and other % 2
                for _ in range(4 if one == other else 1):
                    score = random.normal() + 3 * (one == other) + 2 * bool(south)
                    labels = ",".join(("north", "south")[each % 2] for each in (one, other))
                    rows.append(f"{score:.4f},{int(one == other)},s{one},s{other},{labels}")
        path.write_text("\n".join(rows))
        return audit_trials([path], TrialWish(by=("accent",), draws=80))


def test_errors_at_one_threshold_are_as_counted_by_hand() -> None:
    found = by_hand()
    assert (found.targets, found.impostors, found.speakers) == (8, 10, 4)
    assert (found.false_non_match.value, found.false_match.value) == (4 / 8, 2 / 10)
    (grouping,) = found.groupings
    north, south = (each.part for each in grouping.groups)
    assert (north.name, south.name) == ("north", "south")
    assert (north.false_non_match.value, north.false_match.value) == (1 / 4, 1 / 4)
    assert (south.false_non_match.value, south.false_match.value) == (3 / 4, 0)
    assert north.eer.value == pytest.approx(3 / 16)
    assert south.eer.value == pytest.approx(3 / 7)
    (across,) = grouping.across
    assert (across.name, across.impostors, across.false_match.value) == ("north – south", 2, 1 / 2)
    worse = grouping.groups[1].refused
    assert (worse.difference.value, worse.ratio.value) == (1 / 2, pytest.approx(3))
    assert not worse.significant  # by Fisher's exact test of 1 in 4 and 3 in 4: 0.49
    assert worse.p >= 0.48
    assert "could tell from chance" in headline(found)


def test_cllr_of_weighed_trials_is_that_of_trials() -> None:
    with TemporaryDirectory() as folder:
        trials = read([written(Path(folder), GROUPS)]).trials
    drawn = [bootstrap.drawn(4, 0, each) for each in range(20)]
    cllr, least = costs(trials, drawn)
    assert cllr.value == pytest.approx(scoring.cllr(trials.scores, trials.target))
    curve = scoring.curve(trials.scores, trials.target)
    assert least.value == pytest.approx(scoring.min_cllr(curve))
    assert least.low <= least.value < cllr.value


def test_small_groups_are_not_shown(tmp_path: Path) -> None:
    path = written(tmp_path, GROUPS | {"d": "islands"})
    wish = TrialWish(by=("accent",), threshold=0.5, min_speakers=2, draws=20)
    found = audit_trials([path], wish)
    (grouping,) = found.groupings
    assert [each.part.name for each in grouping.groups] == ["north"]
    assert (grouping.suppressed, grouping.across) == (2, ())
    assert "islands" not in trial_rows.as_json(found) and "islands" not in render(found)
    assert headline(found).startswith("Nobody can be compared")


def test_who_is_let_in_more_often_is_said_first() -> None:
    found = planted()
    assert headline(found).startswith(
        "Others are let in as speakers with accent “south” more often than among the rest"
    )
    kinds = [(each.kind, each.group.part.name) for each in told(found)]
    assert kinds == [("let in", "south"), ("refused", "north")]
    assert told(found)[0].against.p < 0.05


def test_json_is_strict_and_csv_says_the_same() -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    found = json.loads(trial_rows.as_json(by_hand()), parse_constant=refuse)
    assert found["kind"] == "verification"
    assert (found["threshold"], found["overall"]["fnmr"]) == (0.5, 0.5)
    assert [(row["group"], row["trials"], row["fmr"]) for row in found["groups"]] == [
        ("north", "within", 0.25), ("south", "within", 0.0), ("north – south", "across", 0.5),
    ]  # fmt: skip
    assert found["groups"][2]["fnmr"] is None and found["groups"][0]["fmr_ratio"] is None
    rows = list(csv.DictReader(io.StringIO(trial_rows.as_csv(by_hand()))))
    assert [row["group"] for row in rows] == [row["group"] for row in found["groups"]]
    assert float(rows[1]["fnmr"]) == 0.75 and rows[2]["fnmr"] == ""


def test_a_pipeline_fails_by_the_group_that_has_most() -> None:
    def broken(text: str) -> list[str]:
        return list(trial_limits.parse(text).broken(by_hand()))

    assert broken("fnmr>70%") == ["accent: fnmr is 0.75, and fnmr>70% was to fail"]
    assert not broken("accent.fnmr>75%")
    assert broken("accent.fnmr_ratio>=3") and broken("group_eer>0.42") and broken("eer>0.1")
    assert not broken("worse>0")
    assert not list(trial_limits.parse("fnmr>1").unjudged(by_hand()))
    with pytest.raises(AuditError, match="choose one of fnmr"):
        trial_limits.parse("wer>1")
    with pytest.raises(AuditError, match="eer is of everybody"):
        trial_limits.parse("accent.eer>1")
    with pytest.raises(AuditError, match="there is: accent"):
        broken("age.fmr>1")


def test_the_axes_of_a_drawing_are_of_the_normal_distribution() -> None:
    assert det.place(0.2) - det.place(0.01) == pytest.approx(
        det.SIZE * (2.3263 - 0.8416) / (3.8906 + 1.6449), abs=0.2
    )
    assert (det.place(0.0), det.place(1.0)) == (0.0, det.SIZE)
    line = ((1.0, 0.2, 0.0), (0.0, 0.01, 1.0))
    everybody, group = det.drawn(line, {"one": line})
    low, high = det.place(0.01), det.place(0.2)
    steps = f"M400 400L{high:g} 400L{high:g} {400 - low:g}L0 {400 - low:g}L0 0"
    assert everybody.path == group.path == steps


class Tags(HTMLParser):
    """Whether every element that begins ends, in order."""

    EMPTY = ("meta", "link", "br", "input", "!doctype")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone() -> None:
    page = render(planted())
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert not re.findall(r"https?://(?!www\.w3\.org/)", page) and "<script" not in page
    assert len(page) < 100_000


def test_the_page_opens_and_says_it_all(open_html: Open) -> None:
    tab = open_html(render(planted()))
    assert tab.locator("h1").inner_text() == headline(planted())
    assert tab.locator("h2").all_inner_texts() == ["Everybody", "Accent", "What was left out"]
    verdicts = tab.locator(".verdict").all_inner_texts()
    assert verdicts == [
        "refused more often", "refused less often", "others let in less often", "others let in more often",
    ]  # fmt: skip
    for picture in tab.get_by_role("img").all():
        names = (picture.get_attribute("aria-labelledby") or "").split()
        assert len(names) == 2
        assert all(tab.locator(f"#{name}").text_content() for name in names)
    assert tab.get_by_role("img").count() == 1
    unnamed = "all => all.filter(e => !e.closest('[aria-hidden=true], [role=img]')).length"
    assert tab.locator("svg").evaluate_all(unnamed) == 0
    for table in tab.locator("table").all():
        assert table.locator("caption").inner_text().strip()
        columns = table.locator("thead th").count()
        counts = table.locator("tbody tr").evaluate_all("all => all.map(e => e.cells.length)")
        assert set(counts) == {columns}


def test_what_others_wrote_does_nothing(open_html: Open) -> None:
    found = planted()
    (grouping,) = found.groupings
    group = replace(grouping.groups[1], part=replace(grouping.groups[1].part, name=HOSTILE))
    named = replace(
        grouping, by=HOSTILE, groups=(grouping.groups[0], group),
        lines={HOSTILE: grouping.lines["south"]},
    )  # fmt: skip
    page = render(replace(found, groupings=(named,), source=HOSTILE, notes=(HOSTILE,)))
    assert "<img" not in page
    tab = open_html(page)
    assert tab.evaluate("window.broken") is None
    assert HOSTILE in tab.locator("h1").inner_text()
