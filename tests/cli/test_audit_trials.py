"""An audit of speaker verification by the real command."""

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import refused, run, within

PEOPLE = 24
BRIEF = ("--by", "gender", "--replicates", 60)


def trials(path: Path, seed: int = 1) -> Path:
    """Everybody against everybody; others are let in as women more often."""
    draw = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["score", "target", "speaker_1", "speaker_2", "gender_1", "gender_2"])
        for one in range(PEOPLE):
            for other in range(PEOPLE):
                women = one % 2 and other % 2 and one != other
                for _ in range(4 if one == other else 1):
                    score = draw.gauss(3.0 if one == other else 2.0 if women else 0.0, 1)
                    genders = [("male", "female")[each % 2] for each in (one, other)]
                    row = [f"{score:.4f}", int(one == other), f"s{one}", f"s{other}", *genders]
                    writer.writerow(row)
    return path


@pytest.fixture
def room(tmp_path: Path) -> Path:
    trials(tmp_path / "trials.csv")
    return tmp_path


def told(text: str) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def test_a_page_and_what_a_person_is_told(room: Path) -> None:
    ended = run("audit", "trials.csv", *BRIEF, cwd=room)
    lines = ended.stdout.splitlines()
    assert "Others are let in as speakers with gender “female”" in ended.stdout.replace("\n", " ")
    assert lines[-1] == f"The report: {(room / 'audit.html').resolve().as_uri()}"
    assert max(map(len, lines[:-1])) <= 80
    assert any(line.startswith("female ") and line.rstrip().endswith("let in") for line in lines)
    assert "Others are let in as speakers" in (room / "audit.html").read_text("utf-8")


def test_every_output_at_once_by_the_usual_attributes(room: Path) -> None:
    outputs = "--html", "page.html", "--json", "found.json", "--csv", "groups.csv"
    ended = within("audit", "trials.csv", "--replicates", 40, *outputs, cwd=room)
    assert (ended.returncode, ended.stderr) == (0, "")
    found = told((room / "found.json").read_text("utf-8"))
    assert found["kind"] == "verification"
    groups = {row["group"]: row for row in found["groups"]}
    assert list(groups) == ["female", "male", "female – male"]
    assert groups["female"]["fmr"] > groups["male"]["fmr"]
    assert groups["female"]["fmr_significant"]
    assert groups["female"]["targets"] == PEOPLE * 4 / 2
    overall = found["overall"]
    assert overall["eer_low"] < overall["eer"] < overall["eer_high"]
    assert overall["min_cllr"] < overall["cllr"]
    assert any("usual: gender" in note for note in found["notes"])
    with (room / "groups.csv").open(newline="", encoding="utf-8") as file:
        assert [row["group"] for row in csv.DictReader(file)] == list(groups)
    assert (room / "page.html").stat().st_size > 10_000


def test_the_threshold_that_is_in_use(room: Path) -> None:
    ended = within("audit", "trials.csv", *BRIEF, "--threshold", "99", "--json", cwd=room)
    found = told(ended.stdout)
    assert (found["threshold"], found["threshold_given"]) == (99.0, True)
    assert {row["fmr"] for row in found["groups"]} == {0.0}
    assert [row["fnmr"] for row in found["groups"]] == [1.0, 1.0, None]


def test_speakers_in_a_table_and_columns_of_other_names(room: Path) -> None:
    text = (room / "trials.csv").read_text("utf-8")
    (room / "trials.csv").write_text(text.replace("score,target", "points,kind", 1), "utf-8")
    rows = "\n".join(f"s{each},{'old' if each < 12 else 'young'}" for each in range(PEOPLE))
    (room / "who.csv").write_text(f"name,age\n{rows}\n")
    arguments = ("--speakers", "who.csv", "--by", "age", "--replicates", 20, "--json")
    assert "no column looks like the score" in refused("audit", "trials.csv", *arguments, cwd=room)
    names = ("--score", "points", "--target", "kind")
    assert "--speaker COLUMN" in refused("audit", "trials.csv", *arguments, *names, cwd=room)
    ended = within("audit", "trials.csv", *arguments, *names, "--speaker", "name", cwd=room)
    found = told(ended.stdout)
    assert [row["group"] for row in found["groups"]] == ["old", "young", "old – young"]
    assert "no column looks like" in refused("audit", "who.csv", "--threshold", "1", cwd=room)


def test_a_pipeline_fails_by_what_it_asked(room: Path) -> None:
    limits = "--fail-if", "gender.fmr_ratio>1.5", "--fail-if", "eer>90%"
    ended = within("audit", "trials.csv", *BRIEF, *limits, cwd=room)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("allears: gender: fmr_ratio is ")
    assert (room / "audit.html").exists()


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("--fail-if", "wer>1"), "choose one of fnmr"),
        (("--fail-if", "fnmr"), "like fnmr>5%"),
        (("--by", "height"), "enrolled_height and"),
        (("--compare", "trials.csv"), "--compare is not for trials"),
        (("--texts",), "--texts is not for trials"),
        (("--hypothesis", "score"), "--hypothesis is not for trials"),
        (("--threshold", "nan"), "give a number"),
        (("--speakers", "missing.csv"), "missing.csv: is not there"),
        (("--html", "trials.csv"), "choose another name"),
        (("--speakers", "trials.csv", "--csv", "trials.csv"), "choose another name"),
    ],
)
def test_what_cannot_be_done_is_refused(
    room: Path, arguments: tuple[str, ...], remedy: str
) -> None:
    assert remedy in refused("audit", "trials.csv", *arguments, cwd=room)
    assert not (room / "audit.html").exists()


def test_a_score_that_is_no_number_is_named(room: Path) -> None:
    with (room / "trials.csv").open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow(["nan", 1, "s1", "s1", "female", "female"])
    said = refused("audit", "trials.csv", *BRIEF, cwd=room)
    row = PEOPLE * (PEOPLE - 1) + 4 * PEOPLE + 1
    assert f"trials.csv: row {row}: score 'nan' is no number" in said.replace("\n", " ")
