"""Bad rows: what is left out, why, and which; and what cannot be gone on from."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from allears.fairness.columns import Columns
from allears.fairness.reading import UNTOLD, Read, read
from allears.fairness.refusal import AuditError
from tests.fairness.tables import in_form, json_table, parquet_table, text_table

GOOD = b'{"speaker": "a", "errors": 1, "words": 2}\n'


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
        "the reference is empty": (2, (3, 4)),
        "the speaker is missing": (2, (5, 6)),
        "the reference has no words once normalised": (1, (7,)),
        "counted": (2, (1, 2)),
    }
    assert found.sums.counts.tolist() == [[4, 5, 3]]
    assert not found.notes


NOTHING = [
    # What is in the field; errors and words of 2 words said; told of as nothing heard
    (None, (2, 2), True),
    ("", (2, 2), True),
    ("  ", (2, 2), True),
    ("NaN", (2, 2), True),
    ("None", (2, 2), True),
    ("<NA>", (2, 2), True),
    ("null", (2, 2), True),
    ("nan two", (1, 2), False),
    ("one two", (0, 2), False),
]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_nothing_recognised_is_the_same_in_every_form(tmp_path: Path, form: str) -> None:
    rows = [
        {"utterance": f"u{at}", "speaker": f"s{at}", "reference": "one two", "hypothesis": heard}
        for at, (heard, _, _) in enumerate(NOTHING)
    ]
    rows += [
        {"utterance": "v", "speaker": "t0", "reference": "Null", "hypothesis": "null"},
        {"utterance": "v", "speaker": "t1", "reference": "None", "hypothesis": "gone"},
        {"utterance": "v", "speaker": "t2", "reference": "", "hypothesis": "gone"},
    ]
    found = read([in_form(tmp_path, form, rows)], normaliser="lower")
    assert found.sums.counts[:, :2].tolist() == [
        *(list(errors) for _, errors, _ in NOTHING), [0, 1], [1, 1],
    ]  # fmt: skip
    silent = tuple(at for at, (_, _, nothing) in enumerate(NOTHING, 1) if nothing)
    told = {each.reason.split(", or no")[0]: (each.rows, each.first) for each in found.left_out}
    assert told == {
        "the reference is empty, so its errors cannot be divided": (1, (12,)),
        "counted, all words as errors: the hypothesis is empty": (
            len(silent), silent[:5],
        ),
        "counted, but the reference may be missing: it is no more than NA, NaN, None or null": (1, (11,)),
    }  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_label_that_nobody_wrote_down_is_none(tmp_path: Path, form: str) -> None:
    told = [None, "", " ", "NA", "NaN", "None", "null", "NULL", "<NA>", "n/a", "none", "na", "f"]
    rows = [
        {"speaker": "s", "errors": 1, "words": 2, "gender": gender, "at": at}
        for at, gender in enumerate(told)
    ]
    found = read([in_form(tmp_path, form, rows)], Columns(by=("gender",)))
    assert found.sums.values == (("f", "na", "none"),)
    assert found.sums.counts[:, 2].tolist() == [10, 1, 1, 1]


def test_texts_of_another_kind_are_told_of(tmp_path: Path) -> None:
    rows = [
        {"speaker": "s", "reference": "one two", "hypothesis": each}
        for each in ("one two", ["one", "two"], {"text": "one two"}, 12)
    ]
    found = read([json_table(tmp_path / "r.jsonl", rows)], normaliser="lower")
    reason = "the reference or the hypothesis is no text but a list or an object"
    assert left_out(found) == {reason: (2, (2, 3))}
    assert found.sums.counts.tolist() == [[2, 4, 2]]
    lists = parquet_table(
        tmp_path / "r.parquet", "SELECT 's' AS speaker, 'one' AS reference, ['one'] AS hypothesis"
    )
    with pytest.raises(AuditError, match=f"no row is left to audit: {reason} .1 row"):
        read([lists])


def test_texts_that_a_program_wrote_as_bytes(tmp_path: Path) -> None:
    query = "SELECT 's' AS speaker, encode('café') AS reference, encode('café') AS hypothesis, encode('é') AS by"
    found = read([parquet_table(tmp_path / "r.parquet", query)], Columns(by=("by",)))
    assert (found.sums.counts.tolist(), found.sums.values) == ([[0, 1, 1]], (("é",),))


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
        ("r.csv", b"speaker,errors,words\na,1,2\nb,1\n", "line 3: cannot be read: there are 2 fields, and 3"),
        ("r.csv", b'speaker,errors,words\na,1,"2\n', "line 2: cannot be read: a quote is not closed"),
        ("r.csv", b"speaker,errors,words\na,1," + b"2 " * 1_000_001, "line 2: cannot be read: it is longer"),
        ("r.csv", b"speaker,speaker,errors,words\na,a,1,2", "has 2 columns 'speaker'; rename"),
        ("r.csv.gz", gzip.compress(GOOD, mtime=0)[:-6], "cannot be read .Compressed file ended"),
        ("r.csv.gz", gzip.compress(GOOD, mtime=0)[:-8] + bytes(8), "cannot be read .CRC check failed"),
        ("r.csv.gz", gzip.compress(GOOD, mtime=0)[:10] + b"\xff" * 9, "cannot be read .Error -3"),
        ("r.jsonl", GOOD + b'{"speaker"\n', "row 2: is no JSON"),
        ("r.jsonl", b"[1, 2]\n", "row 1: is no JSON object"),
        ("r.jsonl", GOOD + b'\n{"a": "\\ud800"}\n', "row 3: has half a character"),
        ("r.jsonl", GOOD + b'{"speaker": "a", "speaker": "b"}\n', "row 2: has a field twice"),
        ("r.jsonl", GOOD + b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}", "row 2: is no JSON that can be read"),
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
