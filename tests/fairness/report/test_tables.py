"""JSON and CSV, read back."""

import csv
import io
import json
import math
from dataclasses import replace

from allears.fairness.report.tables import COLUMNS, as_csv, as_json
from tests.fairness.report.made import NOTHING, accents, audit, full, group, grouping, regions


def strict(text: str) -> dict[str, object]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def test_groups_carry_every_figure() -> None:
    told = json.loads(as_json(full()))
    assert [row["group"] for row in told["groups"]][:2] == ["Indian English", "Nigerian English"]
    first = told["groups"][0]
    assert tuple(first) == (*COLUMNS, "rule")
    assert (first["grouping"], first["kind"], first["significant"]) == ("accent", "named", True)
    assert (first["errors"], first["words"], first["utterances"]) == (1248, 4000, 400)
    assert (first["wer"], first["low"] < first["wer"] < first["high"]) == (0.312, True)
    assert told["overall"] == {
        "wer": 0.187, "low": 0.171, "high": 0.204, "speakers": 120, "utterances": 5120, "words": 51234,
    }  # fmt: skip
    assert [each["grouping"] for each in told["gaps"]] == ["accent", "latitude, longitude"]
    assert told["gaps"][0]["suppressed"] == 2
    assert told["gaps"][1]["regions"][0] == {
        "group": "region 1",
        "boxes": [[25.1, -97.0, 34.9, -80.0]],
    }
    assert told["left_out"][0] == {
        "reason": "no words in the reference",
        "counted": False,
        "rows": 3,
        "first": [17, 230, 1004],
    }
    assert told["comparison"]["difference"]["value"] == -0.027
    assert told["comparison"]["groups"][1]["group"] == "US English"


def test_what_cannot_be_had_is_null() -> None:
    alone = replace(
        group("one", 0.2, math.nan, math.nan), wer=NOTHING._replace(value=0.2), share=math.inf
    )
    found = audit(replace(grouping("age", alone), gap=NOTHING, unseen=math.inf), overall=NOTHING)
    told = strict(as_json(found))
    (row,) = told["groups"]  # type: ignore[misc]
    assert (row["wer"], row["low"], row["ratio"], row["p"], row["share"]) == (
        0.2,
        None,
        None,
        None,
        None,
    )
    assert told["overall"]["wer"] is None  # type: ignore[index]
    (line,) = csv.DictReader(io.StringIO(as_csv(found)))
    assert (line["wer"], line["low"], line["p"]) == ("0.2", "", "")


def test_utterances_are_in_no_table() -> None:
    assert "please" not in as_json(full()) + as_csv(full())


def test_groups_as_csv_read_back() -> None:
    found = audit(accents(), regions(), grouping("name", group('=cmd|"x", y', 0.2, 1.0, 0.5)))
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 4 + 7 + 1
    assert float(rows[0]["ratio_low"]) == 1.61 * 0.8
    assert rows[-1]["group"] == '\'=cmd|"x", y'
