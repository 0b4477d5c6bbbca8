"""From files to sums: every form of file, real results, two systems."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allears.fairness.columns import Columns
from allears.fairness.pairs import ALONE, OTHER_REFERENCE, read_pair
from allears.fairness.reading import Read, read
from allears.fairness.refusal import AuditError
from tests.fairness.tables import AUDITS, json_table, needs_audits, parquet_table, text_table

ROWS = [
    {"utterance": "u1", "speaker": "b", "gender": "f", "reference": 'say "hi",\nnow', "hypothesis": "say hi"},
    {"utterance": "u2", "speaker": "a", "gender": "m", "reference": "one two three",
     "hypothesis": "one too three four"},
    {"utterance": "u3", "speaker": "b", "gender": "f", "reference": "yes", "hypothesis": ""},
    {"utterance": "u4", "speaker": "b", "gender": None, "reference": "é è", "hypothesis": "é è"},
]  # fmt: skip
CSV = (
    "utterance,speaker,gender,reference,hypothesis\r\n"
    'u1,b,f,"say ""hi"",\nnow",say hi\r\nu2,a,m,one two three,one too three four\r\n'
    'u3,b,f,yes,\r\nu4,b,,"é è",é è\r\n'
)


def simple(paths: list[Path], **rest: object) -> Read:
    return read(paths, Columns(by=("gender",)), normaliser="lower", **rest)  # type: ignore[arg-type]


def as_by_hand(found: Read) -> None:
    assert found.sums.speakers == ("a", "b")
    assert found.sums.columns == ("gender",)
    assert found.sums.values == (("f", "m"),)
    assert found.sums.speaker.tolist() == [0, 1, 1]
    assert found.sums.codes.tolist() == [[1], [-1], [0]]
    assert found.sums.counts.tolist() == [[2, 3, 1], [0, 2, 1], [2, 4, 2]]
    (silent,) = found.left_out
    assert (silent.counted, silent.rows, silent.first, found.rows) == (True, 1, (3,), 4)


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("r.csv", CSV, "utf-8"),
        ("r.csv", CSV, "utf-8-sig"),
        ("a[1]*'?.csv", CSV.replace("\r\n", "\n"), "utf-8"),
        ("r.tsv", CSV.replace('",\nnow', "COMMA\nnow").replace(",", "\t").replace("COMMA", '",'), "utf-8"),
        ("r.csv", CSV.replace('",\nnow', "COMMA\nnow").replace(",", ";").replace("COMMA", '",'), "utf-8"),
    ],
)  # fmt: skip
def test_text(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    as_by_hand(simple([text_table(tmp_path / name, text, encoding)]))


def test_json_lines(tmp_path: Path) -> None:
    as_by_hand(simple([json_table(tmp_path / "r.jsonl", ROWS)]))


def test_parquet(tmp_path: Path) -> None:
    source = json_table(tmp_path / "r.jsonl", ROWS)
    as_by_hand(simple([parquet_table(tmp_path / "r.parquet", f"FROM read_json('{source}')")]))


def test_many_files(tmp_path: Path) -> None:
    parts = [json_table(tmp_path / f"{at}.jsonl", ROWS[at:]) for at in (2, 0)]
    found = simple(parts)
    assert found.left_out[0].rows == 2  # u3 and u4 again
    assert found.left_out[0].reason.endswith(f"(first in {parts[1]})")
    assert found.left_out[0].first == (3, 4)
    assert found.sums.counts.tolist() == [[2, 3, 1], [0, 2, 1], [2, 4, 2]]
    with pytest.raises(AuditError, match=r"1\.csv: has no column 'gender'"):
        simple(
            [parts[0], text_table(tmp_path / "1.csv", "utterance,speaker,reference,hypothesis\n")]
        )


def test_worst_utterances_only_where_asked_for(tmp_path: Path) -> None:
    path = json_table(tmp_path / "r.jsonl", ROWS)
    assert simple([path]).examples == ()
    found = simple([path], texts=True)
    women = found.sums.codes[:, 0] == 0
    (worst,) = found.worst("women", women)
    assert (worst.group, worst.reference, worst.hypothesis) == ("women", "yes", "")
    assert len(found.worst("everybody", np.ones(3, bool))) == 2


def test_counts_and_places_and_zip_codes(tmp_path: Path) -> None:
    text = (
        "spk,errors,words,lat,lon,zip\n"
        "a,1,10,51.5,-0.125,2139\na,0,5.0,,,2139.0\nb,2,10,40.7,-74,10001-1234\n"
    )
    found = read([text_table(tmp_path / "r.csv", text)])
    assert found.sums.columns == ("zip",)
    assert found.sums.values == (("02139", "10001"),)
    assert found.sums.counts.tolist() == [[1, 15, 2], [2, 10, 1]]
    assert found.sums.places is not None
    assert found.sums.places.tolist() == [[51.5, -0.125], [40.7, -74.0]]


def test_voices_from_a_column_and_from_a_file(tmp_path: Path) -> None:
    vectors = np.random.default_rng(5).normal(size=(4, 3)).astype(np.float32)
    vectors[3] = 0
    np.save(tmp_path / "v.npy", vectors)
    rows = [{**row, "embedding": each.tolist()} for row, each in zip(ROWS, vectors, strict=True)]
    column = simple([json_table(tmp_path / "e.jsonl", rows)]).sums.voices
    file = simple([json_table(tmp_path / "r.jsonl", ROWS)], vectors=[tmp_path / "v.npy"])
    unit = vectors[:3] / np.linalg.norm(vectors[:3], axis=1, keepdims=True)
    both = unit[0] + unit[2]
    by_hand = np.stack([unit[1], both / np.linalg.norm(both)])
    assert column is not None and file.sums.voices is not None
    np.testing.assert_allclose(column, by_hand, atol=1e-7)
    np.testing.assert_allclose(file.sums.voices, by_hand, atol=1e-7)
    assert [(each.rows, each.first) for each in file.left_out] == [(1, (3,)), (1, (4,))]
    np.save(tmp_path / "v.npy", vectors[:3])
    with pytest.raises(AuditError, match=r"v\.npy: has 3 rows, .* has 4"):
        simple([tmp_path / "r.jsonl"], vectors=[tmp_path / "v.npy"])
    rows[2]["embedding"] = [1.0, 2.0]
    with pytest.raises(AuditError, match="row 3: the embedding has 2 numbers, others 3"):
        simple([json_table(tmp_path / "e.jsonl", rows)])


def test_two_systems_on_the_same_utterances(tmp_path: Path) -> None:
    first = json_table(tmp_path / "first.jsonl", ROWS)
    others = [dict(row, hypothesis="one two three") for row in ROWS[::-1]]
    others[3]["speaker"] = None
    others[1]["reference"] = "no"
    second = json_table(tmp_path / "second.jsonl", [*others, dict(ROWS[0], utterance="u9")])
    pair = read_pair([first], [second], Columns(by=("gender",)), normaliser="lower")
    assert pair.first.sums.speakers == pair.second.sums.speakers == ("a", "b")
    assert pair.first.sums.counts.tolist() == [[2, 3, 1], [0, 2, 1]]
    assert pair.second.sums.counts.tolist() == [[0, 3, 1], [3, 2, 1]]
    reasons = {
        each.reason.split(" (first")[0]: (each.rows, each.first) for each in pair.first.left_out
    }
    assert reasons[ALONE] == (2, (1,))  # u1 counts in the first alone, u9 is in the second alone
    assert reasons[OTHER_REFERENCE] == (1, (3,))
    assert reasons["the speaker is missing"] == (1, (4,))


def test_two_systems_without_ids_need_the_same_references(tmp_path: Path) -> None:
    plain = [{key: row[key] for key in row if key != "utterance"} for row in ROWS]
    first = json_table(tmp_path / "first.jsonl", plain)
    second = json_table(tmp_path / "second.jsonl", [dict(row, hypothesis="yes") for row in plain])
    pair = read_pair([first], [second], normaliser="lower")
    assert pair.second.sums.counts.tolist() == [[3, 3, 1], [5, 6, 3]]
    for broken, row in ((plain[:3], 4), ([plain[0], plain[2], plain[1], plain[3]], 2)):
        json_table(tmp_path / "second.jsonl", broken)
        with pytest.raises(AuditError, match=f"row {row}: the references are not the same"):
            read_pair([first], [second], normaliser="lower")


@needs_audits
def test_real_results_as_counted_by_hand() -> None:
    found = read(
        [AUDITS / "artie_deepspeech-0.7.3.csv"], Columns(by=("gender",)), normaliser="lower"
    )
    assert found.rows == 1712
    assert found.sums.everybody().totals()[0, 2] == 1712
    assert found.sums.by(["gender"]).names == ("female", "male", "other")
    assert found.sums.everybody().rates()[0] == pytest.approx(0.4107, abs=1e-4)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.text(alphabet='a",\n\r;\t\0é1', max_size=200).map(str.encode),
    ),
    ending=st.sampled_from(["csv", "tsv", "jsonl", "parquet", "csv.gz"]),
    head=st.sampled_from([b"", b"reference,hypothesis,speaker\n", b'{"reference": "a"}\n']),
)
def test_any_bytes_are_read_or_refused(
    tmp_path: Path, body: bytes, ending: str, head: bytes
) -> None:
    path = tmp_path / f"r.{ending}"
    path.write_bytes(head + body)
    try:
        found = read([path], normaliser="lower")
    except AuditError as error:
        assert str(path) in str(error)
    else:
        assert found.sums.counts.min() >= 0
