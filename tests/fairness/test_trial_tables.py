"""Trial lists in files: columns by many names, what is known of speakers, and lists that cannot be used."""

import json
from pathlib import Path

import duckdb
import pytest

from allears.fairness import trial_tables
from allears.fairness.refusal import AuditError
from allears.fairness.trial_columns import looks_like_trials

HEAD = "score,label,enrolled,test,enrolled_accent,test_accent"
GOOD = ("1.5,1,b,b,north,north", "-2,0,b,a,north,")


def listed(folder: Path, *rows: str, head: str = HEAD, name: str = "trials.csv") -> Path:
    path = folder / name
    path.write_text("\n".join((head, *rows)) + "\n")
    return path


def test_scores_labels_speakers_and_what_is_known_of_them(tmp_path: Path) -> None:
    found = trial_tables.read([listed(tmp_path, *GOOD, "0.5,target,a,a,,")], by=["accent"])
    trials = found.trials
    assert trials.speakers == ("a", "b")
    assert trials.scores.tolist() == [1.5, -2.0, 0.5]
    assert trials.target.tolist() == [True, False, True]
    assert (trials.enrolled.tolist(), trials.spoke.tolist()) == ([1, 1, 0], [1, 0, 0])
    assert trials.labels == {"accent": (None, "north")}
    assert found.notes == (trial_tables.UNTOLD,)


@pytest.mark.parametrize(
    ("head", "same", "different"),
    [
        ("Score,target,enrol_speaker,test_speaker,enrol_sex,test_sex", "TRUE", "False"),
        ("similarity,is_target,speaker_1,speaker_2,sex_1,sex_2", "1.0", "0.0"),
        ("cosine,key,spk1,spk2,sex1,sex2", "target", "imposter"),
        ("llr,same_speaker,enrolled,spoke,sex_enrolled,sex_spoke", "same", "different"),
    ],
)
def test_names_that_lists_have(tmp_path: Path, head: str, same: str, different: str) -> None:
    rows = f"2,{same},a,a,f,f", f"1,{different},a,b,f,m"
    path = listed(tmp_path, *rows, head=head)
    assert trial_tables.is_trials(path)
    trials = trial_tables.read([path], by=["sex"]).trials
    assert trials.target.tolist() == [True, False]
    assert trials.labels == {"sex": ("f", "m")}


def test_every_form_reads_the_same(tmp_path: Path) -> None:
    rows = [("2.5", True, "a", "a"), ("-1", False, "a", "b")]
    names = ("score", "target", "enrolled", "tested")
    lines = [dict(zip(names, row, strict=True)) for row in rows]
    (tmp_path / "trials.jsonl").write_text("\n".join(map(json.dumps, lines)))
    listed(
        tmp_path,
        "2.5\ttrue\ta\ta",
        "-1\tfalse\ta\tb",
        head="\t".join(names),
        name="trials.tsv",
    )
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT 2.5::FLOAT AS score, true AS target, 'a' AS enrolled, 'a' AS tested "
            "UNION ALL SELECT -1, false, 'a', 'b'"
        ).execute(f"COPY t TO '{tmp_path / 'trials.parquet'}'")
    for form in ("jsonl", "tsv", "parquet"):
        trials = trial_tables.read([tmp_path / f"trials.{form}"]).trials
        assert trials.scores.tolist() == [2.5, -1.0], form
        assert trials.target.tolist() == [True, False]
        assert trials.speakers == ("a", "b")


def test_a_table_of_speakers(tmp_path: Path) -> None:
    trials = listed(tmp_path, "1,1,a,a", "0,0,a,b", "0,0,c,b", head="score,label,enrolled,test")
    about = listed(
        tmp_path, "a,f,old", "b,m,NA", "z,m,old", head="speaker,gender,age", name="who.csv"
    )
    found = trial_tables.read([trials], by=["gender", "age"], speakers=about)
    assert found.trials.labels == {"gender": ("f", "m", None), "age": ("old", None, None)}
    usual = trial_tables.read([trials], usual=("gender", "accent"), speakers=about)
    assert tuple(usual.trials.labels) == ("gender",)
    strangers = listed(tmp_path, "x,f", head="speaker,gender", name="others.csv")
    with pytest.raises(AuditError, match=r"others.csv: knows nobody of .*trials.csv, such as 'a'"):
        trial_tables.read([trials], by=["gender"], speakers=strangers)
    twice = listed(tmp_path, "a,f", "b,m", "a,m", head="speaker,gender", name="twice.csv")
    with pytest.raises(AuditError, match=r"twice.csv: row 3: speaker 'a' has gender 'm', but 'f'"):
        trial_tables.read([trials], by=["gender"], speakers=twice)


def test_a_trial_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    head = "score,label,enrolled,test,enrolled_utterance,test_utterance"
    rows = ("2,1,a,a,u1,u2", "0,0,a,b,u1,u3", "2,1,a,a,u1,u2", "1,1,a,a,u1,u4")
    found = trial_tables.read([listed(tmp_path, *rows, head=head)])
    assert found.trials.scores.tolist() == [2, 0, 1]
    (left,) = found.left_out
    assert (left.rows, left.first) == (1, (3,))
    assert found.notes == ()
    other = listed(tmp_path, *rows, "3,1,a,a,u1,u2", head=head)
    with pytest.raises(AuditError, match=r"row 5: scores 3 a trial that was scored 2 before"):
        trial_tables.read([other])


def test_a_trial_in_a_second_file_is_the_same_trial(tmp_path: Path) -> None:
    head = "trial,score,label,enrolled,test"
    first = listed(tmp_path, "t1,2,1,a,a", "t2,0,0,a,b", head=head)
    second = listed(tmp_path, "t3,2,1,a,a", "t2,0,0,a,b", head=head, name="more.csv")
    found = trial_tables.read([first, second])
    assert found.trials.scores.tolist() == [2, 0, 2]
    assert found.left_out[0].first == (2,) and "more.csv" in found.left_out[0].reason


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("nan,1,a,a,,", "row 3: score 'nan' is no number"),
        ("inf,1,a,a,,", "row 3: score 'inf' is no number"),
        (",1,a,a,,", "row 3: score '' is no number"),
        ("much,1,a,a,,", "row 3: score 'much' is no number"),
        ("1,perhaps,a,a,,", "row 3: label 'perhaps' says not whether"),
        ("1,1,,a,,", "row 3: enrolled names nobody"),
        ("1,0,a,NA,,", "row 3: test names nobody"),
        ("1,1,b,b,south,", "row 3: speaker 'b' has accent 'south', but 'north' before"),
        ("1,1,a,b,,", "row 3: label says one speaker, enrolled 'a' and test 'b' say otherwise"),
        ("1,0,a,a,,", "row 3: label says two speakers"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(AuditError, match=f"trials.csv: {message}"):
        trial_tables.read([listed(tmp_path, *GOOD, row)], by=["accent"])


def test_lists_that_tell_nothing(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="has no rows"):
        trial_tables.read([listed(tmp_path)])
    with pytest.raises(AuditError, match="is empty"):
        trial_tables.read([listed(tmp_path, head="")])
    with pytest.raises(AuditError, match="no trials of two speakers"):
        trial_tables.read([listed(tmp_path, "1,1,a,a,,")])
    with pytest.raises(AuditError, match="no trials of one speaker"):
        trial_tables.read([listed(tmp_path, "1,0,a,b,,")])
    with pytest.raises(AuditError, match=r"no column looks like the tested .*--tested COLUMN"):
        trial_tables.read([listed(tmp_path, "1,1,a", head="score,label,enrolled")])
    with pytest.raises(AuditError, match="the score could be cosine or llr"):
        trial_tables.read([listed(tmp_path, "1,1,1,a,a", head="cosine,llr,label,enrolled,test")])
    with pytest.raises(AuditError, match=r"no column 'points' \(--score\)"):
        trial_tables.read([listed(tmp_path, *GOOD)], {"score": "points"})
    with pytest.raises(AuditError, match=r"nothing says the age .* there are: accent"):
        trial_tables.read([listed(tmp_path, *GOOD)], by=["age"])
    with pytest.raises(AuditError, match="is not there"):
        trial_tables.read([tmp_path / "missing.csv"])


def test_named_columns_are_taken(tmp_path: Path) -> None:
    path = listed(tmp_path, "9,2,1,a,a", "9,0,0,a,b", head="score,points,x,y,z")
    names = {"score": "points", "target": "x", "enrolled": "y", "tested": "z"}
    assert trial_tables.read([path], names).trials.scores.tolist() == [2, 0]


def test_results_of_recognition_are_no_trials() -> None:
    assert not looks_like_trials(["speaker", "target", "hypothesis", "score", "test"])
    assert not looks_like_trials(["speaker", "errors", "words", "score", "label", "enrolled"])
    assert not looks_like_trials(["reference", "hypothesis", "speaker"])
    assert looks_like_trials(["score", "target", "enrolled"])
