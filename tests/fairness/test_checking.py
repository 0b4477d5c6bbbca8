"""Bad rows: what is left out, why, and which; and what cannot be gone on from."""

from pathlib import Path

import numpy as np
import pytest

from allears.fairness.columns import Columns
from allears.fairness.reading import UNTOLD, Read, read
from allears.fairness.refusal import AuditError
from tests.fairness.tables import json_table, parquet_table, text_table


def left_out(found: Read) -> dict[str, tuple[int, tuple[int, ...]]]:
    return {each.reason.split(",")[0]: (each.rows, each.first) for each in found.left_out}


def test_counts_that_cannot_be(tmp_path: Path) -> None:
    rows = [("1", "10"), ("-1", "10"), ("0.5", "10"), ("x", "10"), ("", "10"), ("nan", "10"), ("1", "0"),
            ("1", "-3"), ("1", "1e9"), ("2000", "10"), ("inf", "10"), ("1010", "10")]  # fmt: skip
    text = "speaker,errors,words\n" + "".join(f"a,{errors},{words}\n" for errors, words in rows)
    found = read([text_table(tmp_path / "r.csv", text)])
    assert left_out(found) == {
        "errors is not a whole number from 0": (6, (2, 3, 4, 5, 6)),
        "words is 0": (1, (7,)),
        "words is not a whole number from 0 to a million": (2, (8, 9)),
        "there are far more errors than words": (1, (10,)),
    }
    assert found.sums.counts.tolist() == [[1011, 20, 2]]
    assert found.rows == 12
    assert found.notes == (UNTOLD,)


def test_texts_that_cannot_be(tmp_path: Path) -> None:
    rows = [
        {"speaker": "a", "reference": "red green", "hypothesis": ""},
        {"speaker": "a", "reference": "red green", "hypothesis": None},
        {"speaker": "a", "reference": "  ", "hypothesis": "three"},
        {"speaker": "a", "hypothesis": "three"},
        {"speaker": " nan", "reference": "one", "hypothesis": "one"},
        {"reference": "one", "hypothesis": "one"},
        {"speaker": " a ", "reference": "uh", "hypothesis": "one"},
        {"speaker": "a", "reference": "four", "hypothesis": "four"},
    ]
    found = read([json_table(tmp_path / "r.jsonl", rows)])
    assert left_out(found) == {
        "the hypothesis is missing": (1, (2,)),
        "the reference is empty": (2, (3, 4)),
        "the speaker is missing": (2, (5, 6)),
        "the reference has no words once normalised": (1, (7,)),
    }
    assert found.sums.counts.tolist() == [[2, 3, 2]]
    assert found.notes[0].startswith("2 of 8 rows have no text in the hypothesis")


@pytest.mark.parametrize("fill", ["", '""', "nan", "None", "NULL"])
def test_a_hypothesis_column_full_of_nulls_is_refused(tmp_path: Path, fill: str) -> None:
    text = "speaker,reference,hypothesis\n" + f"a,one,{fill}\n" * 3
    with pytest.raises(
        AuditError, match=r"r\.csv: the column 'hypothesis' is empty in every row .from row 1"
    ):
        read([text_table(tmp_path / "r.csv", text)])


def test_nothing_left_says_why(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match=r"no row is left.*the speaker is missing .2 rows"):
        read([text_table(tmp_path / "r.csv", "speaker,errors,words\n,1,2\n,1,2\n")])
    with pytest.raises(AuditError, match="no row is left to audit: there are none"):
        read([text_table(tmp_path / "r.csv", "speaker,errors,words\n")])


def test_places_that_cannot_be(tmp_path: Path) -> None:
    places = [("a", "95", "0"), ("b", "nan", "10"), ("c", "", ""), ("d", "10", "-181"), ("e", "51,5", "0"),
              ("f", "90", "-180"), ("g", "1", "1"), ("g", "1.0000001", "1"), ("g", "", ""),
              ("h", "2", "2"), ("h", "2", "3"), ("h", "", "3")]  # fmt: skip
    text = "speaker,errors,words,lat,lon\n" + "".join(
        f'{speaker},1,2,"{lat}","{lon}"\n' for speaker, lat, lon in places
    )
    found = read([text_table(tmp_path / "r.csv", text)])
    reasons = {each.reason.split("map: ")[1]: (each.rows, each.first) for each in found.left_out}
    assert reasons == {
        "latitude or longitude is missing": (3, (3, 9, 12)),
        "latitude or longitude is NaN or impossible": (4, (1, 2, 4, 5)),
        "the speaker is in two places": (2, (10, 11)),
    }
    nowhere = [np.nan, np.nan]
    expected = [nowhere] * 5 + [[90, -180], [1, 1], nowhere]
    np.testing.assert_array_equal(found.sums.places, expected)
    assert found.sums.everybody().totals().tolist() == [[12, 24, 12]]


def test_repeated_utterances_count_once(tmp_path: Path) -> None:
    text = (
        "id,speaker,errors,words,gender\n"
        "u1,a,1,10,f\nu1,a,1,10,f\nu1,b,2,10,m\n,a,1,5,f\n,a,1,5,f\nu2,a,0,3,f\nu2,a,1,3,f\nu1,a,1,10,f\n"
    )
    found = read([text_table(tmp_path / "r.csv", text)], Columns(by=("gender",)))
    (again,) = found.left_out
    assert again.rows == 3
    assert again.first[0] == 2 and again.first[-1] == 8 and again.first[1] in (6, 7)
    assert found.sums.everybody().totals()[0, 1:].tolist() == [10 + 10 + 5 + 5 + 3, 5]
    assert found.rows == 8


def test_of_two_that_differ_the_same_is_kept_in_any_order(tmp_path: Path) -> None:
    rows = ["u1,a,1,10", "u1,a,2,10", "u1,a,3,10"]
    head = "id,speaker,errors,words\n"
    kept = {
        int(
            read([text_table(tmp_path / "r.csv", head + "\n".join(order) + "\n")]).sums.counts[0, 0]
        )
        for order in (rows, rows[::-1], [rows[1], rows[0], rows[2]])
    }
    assert len(kept) == 1


def test_without_ids_only_rows_that_are_wholly_the_same_are_repeated(tmp_path: Path) -> None:
    text = "speaker,reference,hypothesis,start\na,yes,yes,1\na,yes,yes,2\na,yes,yes,1\n"
    found = read([text_table(tmp_path / "r.csv", text)])
    assert left_out(found) == {"the same utterance again (counted once)": (1, (3,))}
    counts = text_table(tmp_path / "c.csv", "speaker,errors,words\na,0,1\na,0,1\n")
    assert read([counts]).sums.counts.tolist() == [[0, 2, 2]]


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_mixed_encodings_are_named_by_row(tmp_path: Path, ending: str) -> None:
    import gzip

    data = b'speaker,reference,hypothesis\na,"caf\xc3\xa9\nau lait",x\nb,caf\xe9,x\n'
    path = tmp_path / f"r.{ending}"
    path.write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    with pytest.raises(AuditError, match=r"r\.csv.*: row 2: is not UTF-8; .*iconv"):
        read([path])
    path = text_table(tmp_path / "wide.csv", "speaker,reference,hypothesis\na,b,c\n", "utf-16")
    with pytest.raises(AuditError, match=r"wide\.csv: the row of column names: is not UTF-8"):
        read([path])


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("r.csv", b"", "is empty"),
        ("r.jsonl", b"", "is empty"),
        ("r.xlsx", b"PK", "is no table that is known; give"),
        ("r.parquet", b"PAR1 but not really", "cannot be read as it stands"),
        ("r.csv", b"speaker,errors,words\r\na,1,9\nb,1,9\r\n", "line ends are not all of one kind"),
        ("r.csv", b"speaker,errors,words\na,1,2\nb,1\n", "line 3: cannot be read"),
        ("r.csv", b'speaker,errors,words\na,1,"2\n', "cannot be read"),
        ("r.jsonl", b'{"speaker": "a", "errors": 1, "words": 2}\n{"speaker"\n', "row 2: is no JSON"),
    ],
)  # fmt: skip
def test_files_that_are_none(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(AuditError, match=says):
        read([path])


def test_what_is_asked_wrongly(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="is not there"):
        read([tmp_path / "none.csv"])
    with pytest.raises(AuditError, match="give at least one"):
        read([])
    path = text_table(tmp_path / "r.csv", "speaker,errors,words\na,1,2\n")
    with pytest.raises(AuditError, match="1 tables and 2 files of embeddings"):
        read([path], vectors=[path, path])
    with pytest.raises(AuditError, match="cannot be read as embeddings"):
        read([path], vectors=[path])


def test_odd_names_of_columns_are_only_names(tmp_path: Path) -> None:
    names = ["speaker", "errors", "words", 'a"b', "c'd); DROP TABLE x; --", "number", "row"]
    text = (
        ",".join('"' + each.replace('"', '""') + '"' for each in names) + "\n" + "s,1,2,p,q,r,t\n"
    )
    wish = Columns(by=tuple(names[3:]))
    csv = read([text_table(tmp_path / "r.csv", text)], wish)
    assert csv.sums.values == (("p",), ("q",), ("r",), ("t",))
    row = dict(zip(names, ["s", 1, 2, "p", "q", "r", "t"], strict=True))
    lines = read([json_table(tmp_path / "r.jsonl", [row])], wish)
    parquet = parquet_table(tmp_path / "r.parquet", f"FROM read_json('{tmp_path / 'r.jsonl'}')")
    for found in (lines, read([parquet], wish)):
        assert found.sums.values == csv.sums.values
