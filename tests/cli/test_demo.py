"""The demonstration by the real command."""

import json
import os
import subprocess
from html.parser import HTMLParser
from pathlib import Path

from allears.demo.show import CONDITIONS, VOICES
from tests.cli.command import COMMAND, ENVIRONMENT, run

TAKES = ["Original", *(condition.name for condition in CONDITIONS)]


class Sounds(HTMLParser):
    """Counts what can be played, and what is fetched from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count += tag == "audio"
        for name, value in attrs:
            if name in ("src", "href") and value and not value.startswith(("data:", "#")):
                self.elsewhere.append(value)


def test_a_page_and_its_table_as_json(tmp_path: Path) -> None:
    told = json.loads(run("demo", "new/page.html", "--json", "--seed", 2, cwd=tmp_path).stdout)
    assert told["page"] == "new/page.html"
    page = (tmp_path / "new/page.html").read_text()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["page.html"]
    sounds = Sounds()
    sounds.feed(page)
    assert sounds.count == len(VOICES) * len(TAKES) and not sounds.elsewhere
    assert "allears demo --seed 2" in page

    rows = told["conditions"]
    assert [row["condition"] for row in rows] == TAKES
    totals = {sum(row["frames"].values()) for row in rows}
    assert max(totals) - min(totals) <= 2 and min(totals) > 900
    original, unaided, *aided = rows
    assert original["frames"]["recovered"] == original["frames"]["concealed"] == 0
    assert unaided["frames"]["concealed"] > 0.1 * min(totals)
    for row in aided:
        assert row["frames"]["received"] == unaided["frames"]["received"]
        assert (row["frames"]["recovered"] > 0) is (row["condition"] != "Neural concealment")
        if not row["condition"].startswith("DRED"):
            continue  # others bring back little of such bursts, and PLCMOS is fond of silence
        for name, score in row["scores"].items():
            assert score is None or score > unaided["scores"][name], name
    for row in rows[1:]:
        assert 35 < row["payload_kbps"] < 55 and row["delay_ms"] >= 39


def test_what_a_person_is_told_without_the_scores(tmp_path: Path) -> None:
    """As after an installation without them: the page is made, and the table says what is missing."""
    missing = "import sys\nsys.modules |= dict.fromkeys(('pesq', 'pystoi', 'speechmos'))"
    (tmp_path / "missing").mkdir()
    (tmp_path / "missing/sitecustomize.py").write_text(missing)
    ended = subprocess.run(
        [*COMMAND, "demo"],
        cwd=tmp_path,
        env=ENVIRONMENT | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "missing")])},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert max(map(len, lines)) <= 80 or lines[-1].startswith("Hear it: ")
    page = (tmp_path / "allears-demo/index.html").resolve()
    assert lines[-1] == f"Hear it: {page.as_uri()}" and page.stat().st_size > 100_000
    reasons = [line for line in lines if line.startswith("not rated: ")]
    assert reasons and all("allears[" in reason for reason in reasons)
    (heading,) = (line for line in lines if line.startswith("redundancy "))
    table = [line for line in lines if line.startswith(tuple(TAKES))]
    assert [line.split("  ")[0] for line in table] == TAKES
    column = heading.index("PLCMOS") + len("PLCMOS")
    assert {line[:column].split()[-1] for line in table} == {"–"}
