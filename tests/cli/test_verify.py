"""`allears verify`: two clips, a gallery, lists of trials, and what is none of these."""

import csv
import json
import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.cli.command import refused, run, within
from tests.cli.voices import LIST, OURS, furnish, pairs, write

QUICK = (*OURS, "--replicates", 20, "--min-speakers", 2)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    found = tmp_path_factory.mktemp("room")
    furnish(found)
    write(found / "trials.csv", pairs(found))
    ended = within(
        "verify", "--trials", "trials.csv", *QUICK, "--embeddings", "kept.npz", cwd=found
    )
    assert ended.returncode == 0, ended.stderr
    return found


def told(room, *arguments):
    ended = within("verify", *arguments, *OURS, cwd=room)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def found(room, *arguments):
    return json.loads(told(room, *arguments, "--json"))


def listed(room, *arguments):
    """What a list came to; recordings are those that the room has heard."""
    ended = within("verify", *arguments, *QUICK, "--embeddings", "kept.npz", "--json", cwd=room)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def table(path):
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


def test_a_person_is_told_the_decision_and_how_sure_it_is(room):
    ended = run("verify", "a.wav", "b.wav", *OURS, cwd=room)
    lines = ended.stdout.splitlines()
    assert lines[0] in ("one speaker", "two speakers") and len(lines) == 5
    assert re.match(r"[\d.]+ times likelier that it is one speaker than two \(log10 ", lines[1])
    assert lines[2] == "decided for one speaker where that is at least as likely as two"
    assert re.fullmatch(r"a\.wav: 2\.\d s of voice", lines[3])


def test_programs_are_told_the_same(room):
    said = found(room, "a.wav", "b.wav")
    assert list(said) == [
        "first", "second", "same", "score", "llr", "log10_ratio", "threshold", "seconds", "warnings",
    ]  # fmt: skip
    assert said["llr"] == pytest.approx(0.7 * said["score"] - 1.0)
    assert said["log10_ratio"] == pytest.approx(said["llr"] / math.log(10))
    assert said["same"] is (said["llr"] >= 0) and said["threshold"] == 0
    assert found(room, "b.wav", "a.wav")["llr"] == pytest.approx(said["llr"], abs=1e-5)


def test_the_decision_is_where_it_is_asked_for(room):
    llr = found(room, "a.wav", "b.wav")["llr"]
    for threshold, same in ((llr + 0.01, False), (llr - 0.01, True)):
        assert found(room, "a.wav", "b.wav", "--threshold", threshold)["same"] is same
    said = found(room, "a.wav", "b.wav", "--prior", 0.1)
    assert said["threshold"] == pytest.approx(math.log(9))
    assert "at least 9.0 times likelier than two" in told(room, "a.wav", "b.wav", "--prior", 0.1)


def test_little_voice_and_two_speakers_in_a_clip_are_warned_of(room):
    ended = within("verify", "brief.wav", "two.wav", "--model", "steep.safetensors", cwd=room)
    assert ended.returncode == 0
    brief, two = ended.stderr.splitlines()
    assert re.match(r"allears: brief\.wav: [01]\.\d s of voice are little", brief)
    assert re.match(r"allears: two\.wav: its \w+ and its \w+ do not sound like one speaker", two)
    ended = within(
        "verify", "a.wav", "long.wav", "--model", "steep.safetensors", "--json", cwd=room
    )
    assert ended.stderr == "" and json.loads(ended.stdout)["warnings"] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("a.wav",), "1 clips to verify: give two clips"),
        ((), "0 clips to verify: give two clips"),
        (("a.wav", "b.wav", "two.wav"), "give two clips"),
        (("a.wav", "b.wav", "--prior", "1"), "more than 0 and less than 1"),
        (("a.wav", "b.wav", "--prior", "nan"), "more than 0 and less than 1"),
        (("a.wav", "b.wav", "--threshold", "inf"), "give a number"),
        (("a.wav", "b.wav", "--threshold", "1", "--prior", "0.5"), "give one of them"),
        (("a.wav", "b.wav", "--by", "sex"), "--by is for lists of trials"),
        (("a.wav", "--trials", "trials.csv"), "leave clips and --gallery out"),
        (("a.wav", "missing.wav"), "missing.wav: cannot be opened"),
        (("a.wav", "folder.wav"), "folder.wav: is a directory"),
        (("a.wav", "text.wav"), "text.wav: not audio"),
        (("a.wav", "none.wav"), "none.wav: the audio in it has no samples"),
        (("nan.wav", "a.wav"), "nan.wav: some samples are NaN"),
        (("a.wav", "tenth.wav"), "tenth.wav: 0.10 s of sound; a voice wants 0.3 s or more"),
        (("quiet.wav", "a.wav"), "quiet.wav: 0.00 s of voice in 1.00 s of sound"),
        (("a.wav", "b.wav", "--gallery", "missing.safetensors"), "give one clip with --gallery"),
        (("a.wav", "--gallery", "missing.safetensors"), "missing.safetensors: no whole gallery"),
        (("a.wav", "--gallery", "small.safetensors"), "holds voices"),
    ],
)  # fmt: skip
def test_what_cannot_be_verified_is_refused(room, arguments, says):
    assert says in refused("verify", *arguments, *OURS, cwd=room)


def test_a_model_that_is_none_is_refused(room, monkeypatch):
    from allears.speaker import embedder

    said = refused("verify", "a.wav", "b.wav", "--model", "a.wav", cwd=room)
    assert "a.wav: no whole network of voices" in said
    monkeypatch.setattr(embedder, "SHIPPED_FILE", room / "nothing.safetensors")
    said = refused("verify", "a.wav", "b.wav", cwd=room)
    assert "nothing.safetensors" in said and "--model FILE.safetensors" in said


def test_a_list_is_judged_for_all_and_by_subgroup(room):
    said = listed(room, "--trials", "trials.csv")
    rows = table(room / "trials.csv")
    targets = sum(row["same"] == "1" for row in rows)
    assert (said["trials"], said["targets"]) == (len(rows), targets) and said["speakers"] == 6
    for name in ("eer", "mindcf", "cllr"):
        assert said[f"{name}_low"] <= said[name] <= said[f"{name}_high"]
    groups = {(each["grouping"], each["group"]): each for each in said["groups"]}
    assert set(groups) == {
        ("sex", "female"), ("sex", "male"), ("sex", "female – male"), ("kind", "far"), ("kind", "near"),
    }  # fmt: skip
    for each in groups.values():
        if each["trials"] == "across":
            assert each["mindcf"] is None and each["targets"] == 0
        else:
            assert all(each[name] is not None for name in ("eer", "mindcf", "cllr", "fmr", "fnmr"))
    near, far = groups["kind", "near"], groups["kind", "far"]
    assert (near["trials"], far["trials"]) == ("labelled", "labelled")
    assert near["targets"] + far["targets"] == targets
    # Errors at the one threshold add up to those of all.
    refusals = sum(each["fnmr"] * each["targets"] for each in (near, far))
    assert refusals == pytest.approx(said["fnmr"] * targets)


def test_scores_are_those_of_pairs_and_an_audit_reads_them(room):
    listed(room, "--trials", "trials.csv", "--scores", "scores.csv", "--by", "sex")
    rows = table(room / "scores.csv")
    for row in rows[:: len(rows) // 3]:
        alone = found(room, row["first"], row["second"])
        assert float(row["llr"]) == pytest.approx(alone["llr"], abs=1e-4)
    brief = ("--replicates", 20, "--min-speakers", 2, "--json")
    ended = within("audit", "scores.csv", *brief, "--by", "sex", cwd=room)
    assert ended.returncode == 0, ended.stderr
    audited, said = json.loads(ended.stdout), listed(room, "--trials", "trials.csv", "--by", "sex")
    assert audited["overall"]["eer"] == pytest.approx(said["eer"])
    assert [each["fmr"] for each in audited["groups"]] == pytest.approx(
        [each["fmr"] for each in said["groups"]]
    )
    assert audited["notes"] == said["notes"]


def test_a_person_is_told_of_a_list_and_sees_a_picture(room):
    arguments = ("--trials", "trials.csv", *QUICK, "--embeddings", "kept.npz", "--det", "det.svg")
    ended = within("verify", *arguments, "--prior", 0.2, cwd=room)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert max(map(len, ended.stdout.splitlines())) <= 80
    for heading in ("EER", "minDCF", "Cllr", "refused", "let in"):
        assert heading in ended.stdout
    assert "One threshold holds for all, 1.386, given" in ended.stdout.replace("\n", " ")
    picture = (room / "det.svg").read_text("utf-8")
    assert picture.count('class="line"') == 2 * 4 and picture.count("everybody</text>") == 4
    assert ElementTree.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"


def test_what_was_heard_is_not_heard_again(room, monkeypatch):
    from allears.speaker import recordings

    before = (room / "kept.npz").read_bytes()
    heard = []
    monkeypatch.setattr(recordings, "hear", lambda _, path: heard.append(path))
    listed(room, "--trials", "trials.csv")
    assert not heard and (room / "kept.npz").read_bytes() == before
    with np.load(room / "kept.npz") as file:
        assert file["embeddings"].shape == (26, 16)


def test_a_recording_that_was_changed_is_heard_again(room):
    rows = [["a.wav", "clips/0.flac", 1], ["a.wav", "b.wav", 0]]
    write(room / "few.csv", rows, LIST[:3])
    arguments = ("verify", "--trials", "few.csv", *QUICK, "--embeddings", "few.npz", "--json")
    once = json.loads(within(*arguments, cwd=room).stdout)
    clip = (room / "b.wav").read_bytes()
    (room / "b.wav").write_bytes((room / "brief.wav").read_bytes())
    again = json.loads(within(*arguments, cwd=room).stdout)
    (room / "b.wav").write_bytes(clip)
    assert once["cllr"] != again["cllr"]
    assert any("speakers are not named" in each for each in once["notes"])


def test_embeddings_of_another_network_are_refused(room):
    few = ("--trials", "trials.csv", "--replicates", 20, "--embeddings")
    said = refused("verify", *few, "kept.npz", "--model", "other.safetensors", cwd=room)
    assert "kept.npz: embeddings of another network of voices; delete it" in said
    (room / "damaged.npz").write_bytes((room / "kept.npz").read_bytes()[:-99])
    said = refused("verify", *few, "damaged.npz", *OURS, cwd=room)
    assert "damaged.npz: no whole file of embeddings" in said


def test_what_was_heard_is_kept_also_where_another_recording_is_refused(room):
    write(room / "some.csv", [["a.wav", "b.wav", 1], ["a.wav", "quiet.wav", 0]], LIST[:3])
    ended = within(
        "verify", "--trials", "some.csv", *QUICK, "--embeddings", "some.npz", "--json", cwd=room
    )
    assert ended.returncode == 2 and ended.stdout == "" and "row 2: quiet.wav" in ended.stderr
    with np.load(room / "some.npz") as file:
        assert [each.rsplit("/", 1)[1] for each in file["recordings"]] == ["a.wav", "b.wav"]


HEAD = LIST[:3]
A, B, C = "a.wav", "b.wav", "two.wav"


@pytest.mark.parametrize(
    ("head", "rows", "says"),
    [
        (("first", "same"), [[A, 1]], "no column 'second'; there are first, same; a list"),
        (("first", "second", "Second", "same"), [[A, B, B, 1]], "several columns 'second'"),
        (HEAD, [], "has no rows"),
        (HEAD, [[A, B, 1], [A, "", 0]], "row 2: second is empty; name a recording"),
        (HEAD, [[A, B, 1], [A, C, "maybe"]], "row 2: same 'maybe' says not whether"),
        (HEAD, [[A, B, "yes"]], "no trials of two speakers"),
        (HEAD, [[A, B, "False"]], "no trials of one speaker"),
        (HEAD, [[A, B, 1], [B, C, 0], [A, C, 1]], "row 2: same says two speakers, other rows"),
        (HEAD, [[A, B, 1], [B, A, "no"]], "row 2: same says two speakers, row 1 of the same"),
        (HEAD, [[A, B, 1], [A, "x/y.wav", 0]], "row 2: x/y.wav is no file"),
        (HEAD, [[A, B, 1], [A, "tenth.wav", 0]], "row 2: tenth.wav: 0.10 s of sound"),
        (HEAD, [[A, "quiet.wav", 1], [A, "nan.wav", 0]], "1 more recordings cannot be heard"),
        ((*HEAD, "speaker_1", "speaker_2"), [[A, B, 1, "s", "t"]], "row 1: same says one speaker"),
        (
            (*HEAD, "speaker_1", "speaker_2"),
            [[A, B, 0, "s", "t"], [A, C, 0, "u", "t"]],
            "row 2: 'a.wav' is of 'u' here and of 's' elsewhere",
        ),
    ],
)  # fmt: skip
def test_lists_that_cannot_be_judged_are_refused(room, head, rows, says):
    write(room / "bad.csv", rows, head)
    said = refused("verify", "--trials", "bad.csv", *QUICK, "--json", cwd=room)
    assert said.startswith("bad.csv: ") and says in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--by", "height"), "nothing says the height"),
        (("--by", "sex*kind"), "nothing says the kind of both speakers"),
        (("--det", "det.png"), "det.png: give a name that ends in .svg"),
        (("--scores", "trials.csv"), "choose another name"),
        (("--scores", "no/scores.csv"), "there is no folder no"),
        (("--embeddings", "kept.json"), "ends in .npz"),
    ],
)
def test_what_a_list_cannot_be_asked_is_refused(room, arguments, says):
    assert says in refused("verify", "--trials", "trials.csv", *QUICK, *arguments, cwd=room)


def test_an_empty_file_is_refused(room):
    (room / "empty.csv").write_text("")
    assert "empty.csv: is empty" in refused("verify", "--trials", "empty.csv", *OURS, cwd=room)


def test_trials_that_tell_nothing_are_left_out(room):
    rows = [[A, A, 1], [A, B, 1], [B, A, 1], [A, C, 0]]
    write(room / "again.csv", rows, HEAD)
    said = json.loads(within("verify", "--trials", "again.csv", *QUICK, "--json", cwd=room).stdout)
    assert said["trials"] == 2
    assert [(each["rows"], each["first"]) for each in said["left_out"]] == [(1, [1]), (1, [3])]
