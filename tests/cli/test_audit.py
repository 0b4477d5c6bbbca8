"""An audit by the real command: a page, tables, and what a pipeline is told."""

import csv
import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allears.fairness.refusal import AuditError
from tests.cli.command import refused, run, within

WORDS = ("please", "call", "the", "office", "about", "nine", "and", "ask", "for", "anna")
RATES = {"north": 0.1, "south": 0.4}
SPEAKERS, UTTERANCES = 12, 8


def results(path: Path, rates: dict[str, float] = RATES, seed: int = 1) -> Path:
    """Utterances of twelve speakers of each accent, of whose words so many are wrong."""
    chosen = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["speaker", "utterance", "accent", "gender", "reference", "hypothesis"])
        for accent, rate in rates.items():
            for number in range(SPEAKERS):
                for each in range(UTTERANCES):
                    said = chosen.sample(WORDS, 8)
                    heard = ["xylophone" if chosen.random() < rate else word for word in said]
                    speaker = f"{accent}{number}"
                    gender = "male" if number % 2 else "female"
                    texts = " ".join(said), " ".join(heard)
                    writer.writerow([speaker, f"{speaker}-{each}", accent, gender, *texts])
    return path


@pytest.fixture
def room(tmp_path: Path) -> Path:
    results(tmp_path / "results.csv")
    return tmp_path


BRIEF = ("--by", "accent", "--replicates", 100)


def told(text: str) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def test_a_page_and_what_a_person_is_told(room: Path) -> None:
    ended = run("audit", "results.csv", *BRIEF, cwd=room)
    lines = ended.stdout.splitlines()
    assert "“south” are served worse" in ended.stdout.replace("\n", " ")
    assert lines[-1] == f"The report: {(room / 'audit.html').resolve().as_uri()}"
    assert max(map(len, lines[:-1])) <= 80
    assert any(
        line.startswith("south") and line.rstrip().endswith("served worse") for line in lines
    )
    page = (room / "audit.html").read_text("utf-8")
    assert "“south” are served worse" in page
    assert "xylophone" not in page and "south3" not in page
    assert {path.name for path in room.iterdir()} == {"results.csv", "audit.html"}


def test_groups_as_json(room: Path) -> None:
    ended = within("audit", "results.csv", *BRIEF, "--by", "accent*gender", "--json", cwd=room)
    assert (ended.returncode, ended.stderr) == (0, "")
    found = told(ended.stdout)
    groups = {(row["grouping"], row["group"]): row for row in found["groups"]}
    assert len(groups) == 2 + 4 == len(found["groups"])
    south = groups["accent", "south"]
    assert (south["speakers"], south["utterances"], south["words"]) == (12, 96, 768)
    assert south["wer"] == south["errors"] / south["words"] == pytest.approx(0.4, abs=0.06)
    assert south["low"] < south["wer"] < south["high"]
    assert south["significant"] and south["ratio_low"] > 1 and south["share"] == 0.5
    assert sum(row["errors"] for key, row in groups.items() if key[0] != "accent") == sum(
        groups["accent", each]["errors"] for each in RATES
    )
    assert [each["grouping"] for each in found["gaps"]] == ["accent", "accent*gender"]
    assert not (room / "audit.html").exists()


def test_every_output_at_once(room: Path) -> None:
    outputs = "--html", "page.html", "--json", "found.json", "--csv", "groups.csv"
    ended = within("audit", "results.csv", *BRIEF, *outputs, cwd=room)
    assert ended.returncode == 0 and "served worse" in ended.stdout
    found = told((room / "found.json").read_text("utf-8"))
    with (room / "groups.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["group"] for row in rows] == [row["group"] for row in found["groups"]]
    assert math.isclose(float(rows[0]["wer"]), found["groups"][0]["wer"])
    assert (room / "page.html").stat().st_size > 10_000


def test_utterances_are_shown_where_it_is_asked_for(room: Path) -> None:
    within("audit", "results.csv", *BRIEF, "--texts", cwd=room)
    assert "xylophone" in (room / "audit.html").read_text("utf-8")


def test_a_pipeline_fails_by_what_it_asked(room: Path) -> None:
    limits = "--fail-if", "accent.gap>0.3", "--fail-if", "wer>90%"
    ended = within("audit", "results.csv", *BRIEF, *limits, cwd=room)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("allears: accent: gap is ") and "accent.gap>0.3" in line
    assert (room / "audit.html").exists()
    passed = within("audit", "results.csv", *BRIEF, "--fail-if", "gap>90", cwd=room)
    assert (passed.returncode, passed.stderr) == (0, "")


def test_two_systems_are_compared(room: Path) -> None:
    results(room / "better.csv", {"north": 0.1, "south": 0.1})
    both = "--compare", "better.csv", "--json", "--fail-if", "change>0"
    ended = within("audit", "results.csv", *BRIEF, *both, cwd=room)
    assert ended.returncode == 0, ended.stderr
    comparison = told(ended.stdout)["comparison"]
    assert comparison["difference"]["high"] < 0
    by_group = {row["group"]: row for row in comparison["groups"]}
    assert by_group["south"]["difference"]["value"] == pytest.approx(-0.3, abs=0.06)


def test_columns_of_other_names(room: Path) -> None:
    text = (room / "results.csv").read_text("utf-8").replace("hypothesis", "what came out", 1)
    (room / "results.csv").write_text(text.replace("speaker,", "who,", 1), "utf-8")
    assert "no column looks like the hypothesis" in refused(
        "audit", "results.csv", *BRIEF, cwd=room
    )
    names = "--speaker", "who", "--hypothesis", "what came out"
    assert within("audit", "results.csv", *BRIEF, *names, cwd=room).returncode == 0


def test_a_comparison_is_told_at_the_terminal(room: Path) -> None:
    results(room / "better.csv", {"north": 0.1, "south": 0.1})
    ended = within("audit", "results.csv", *BRIEF, "--compare", "better.csv", cwd=room)
    assert "percentage points" in ended.stdout and "better makes fewer errors." in ended.stdout


def test_utterances_and_voices_where_they_are_named(room: Path) -> None:
    rows = len(RATES) * SPEAKERS * UTTERANCES
    np.save(room / "voices.npy", np.eye(rows, 4, dtype=np.float32) + 0.1)
    text = (room / "results.csv").read_text("utf-8").replace("speaker,utterance", "speaker,what", 1)
    (room / "results.csv").write_text(text + text.splitlines()[-1] + "\n", "utf-8")
    short = ("results.csv", *BRIEF, "--embedding", "voices.npy", "--utterance", "what")
    assert f"has {rows} rows" in refused("audit", *short, cwd=room)
    np.save(room / "voices.npy", np.eye(rows + 1, 4, dtype=np.float32) + 0.1)
    ended = within("audit", *short, "--json", cwd=room)
    (again,) = told(ended.stdout)["left_out"]
    assert (again["rows"], ended.stderr) == (1, "")
    some = ("--embedding", "voices.npy", "--embedding", "accent")
    assert "name one column" in refused("audit", "results.csv", *BRIEF, *some, cwd=room)


def test_what_was_left_out_is_told_where_no_page_says_it(room: Path) -> None:
    with (room / "results.csv").open("a", newline="", encoding="utf-8") as file:
        file.write("north1,x1,north,male,,word\r\nnorth1,x2,north,male,two words,\r\n")
    plain = within("audit", "results.csv", *BRIEF, cwd=room).stdout.replace("\n", " ")
    assert "1 row left out; the report says why." in plain
    assert "1 row counted, all words as errors: the hypothesis is empty" in plain
    alone = within("audit", "results.csv", *BRIEF, "--csv", "groups.csv", cwd=room).stdout
    assert "1 row left out: the reference is empty" in alone.replace("\n", " ")


def test_groups_that_are_all_too_small_are_said_to_be(room: Path) -> None:
    ended = within("audit", "results.csv", *BRIEF, "--min-speakers", 99, cwd=room)
    assert "Accent: no group has enough speakers to be shown." in ended.stdout


def test_what_cannot_be_made_leaves_nothing(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> str:
        raise AuditError("no table can be made")

    monkeypatch.setattr("allears.fairness.report.tables.as_csv", broken)
    outputs = ("--html", "page.html", "--csv", "groups.csv")
    assert "no table" in refused("audit", "results.csv", *BRIEF, *outputs, cwd=room)


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("results.csv", "--fail-if", "gap"), "like gap>0.3"),
        (("results.csv", "--fail-if", "gep>1"), "choose one of gap"),
        (("results.csv", "--html", "results.csv"), "choose another name"),
        (("results.csv", "--html", "a.html", "--csv", "a.html"), "choose another name"),
        (("results.csv", "--csv", "no/groups.csv"), "create it first"),
        (("a.json", "--json"), "name results"),
        (("missing.csv",), "missing.csv"),
        (("results.csv", "--by", "height"), "height"),
        (("results.csv", "--by", "*"), "--by '*': write a column's name"),
        (("results.csv", "--utterance", "height"), "(--utterance)"),
        (("results.csv", "--embedding", "missing.npy"), "missing.npy"),
        (("results.csv", "--normaliser", "none at all"), "whisper-english"),
        (
            ("results.csv", "--fail-if", "age.gap>1", "--by", "accent", "--replicates", "20"),
            "there is: accent",
        ),
        (
            ("results.csv", "--fail-if", "change>0", "--by", "accent", "--replicates", "20"),
            "--compare",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_line(
    room: Path, arguments: tuple[str, ...], remedy: str
) -> None:
    assert remedy in refused("audit", *arguments, cwd=room)


def test_help_says_how_to_begin(tmp_path: Path) -> None:
    ended = within("audit", "--help", cwd=tmp_path)
    said = " ".join(ended.stdout.split())
    assert "allears audit results.csv --by accent" in said
    assert "An empty hypothesis is one in which nothing was recognised" in said
