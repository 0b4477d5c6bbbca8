"""`allears mitigate`: from an audit to a better model, stopped and gone on, and what it refuses."""

import csv
import importlib.util
import json
import shutil
from unittest import mock

import numpy as np
import pytest
import soundfile
from safetensors.numpy import load_file

from allears.asr import checkpoint, restoring
from allears.asr.opening import SHIPPED_FILE
from allears.fairness.audit import audit as audited
from allears.fairness.report.tables import as_json
from allears.fairness.wish import Wish
from allears.mitigation import cohort_embedding
from tests.cli.command import refused, within
from tests.mitigation import tones
from tests.mitigation.tones import GROUPS, base, group
from tests.speaker.material import voices
from tests.speaker.small import network

BRIEF = ("--steps", 8, "--seconds", 2, "--rate", 0.01, "--replicates", 20)
MEND = ("mitigate", "--audit", "audit.json", "--data", "data", "--model", "base.safetensors")


@pytest.fixture
def room(tmp_path):
    tones.table(tmp_path / "data")
    tones.audit(tmp_path / "audit.json")
    shutil.copy(base(), tmp_path / "base.safetensors")
    return tmp_path


def mended(room, *arguments, to="out", brief=BRIEF):
    ended = within(*MEND, "--to", to, *brief, *arguments, cwd=room)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def cohorts(path):
    """Groups of an audit with their speakers and words."""
    found = json.loads(path.read_text())
    return {
        (row["grouping"], row["group"]): (row["speakers"], row["words"]) for row in found["groups"]
    }


def test_from_an_audit_to_a_better_model(room):
    said = mended(room)
    lines = said.strip().splitlines()
    assert "served worse for sure: accent: south" in " ".join(lines)
    assert "6 to learn from, 2 to choose by, 4 to test on" in " ".join(lines)
    assert "elastic weights, strength" in said
    assert lines[-1] == "No cohort became significantly worse."
    out = room / "out"
    checkpoint.load(out / "model.safetensors")
    assert (out / "model.safetensors").read_bytes() != base().read_bytes()
    assert cohorts(out / "before.json") == cohorts(out / "after.json")
    assert cohorts(out / "before.json").keys() == {("accent", "south"), ("accent", "north")}
    assert all("accent" in (out / f"{each}.html").read_text() for each in ("before", "after"))
    before, after = (speakers(out / f"work/{name}.csv") for name in ("before", "after"))
    assert before == after and len(before) == 4
    trained = json.loads((out / "work/packs/train/index.json").read_text())["utterances"]
    chosen = json.loads((out / "work/packs/development/index.json").read_text())["utterances"]
    assert before.isdisjoint(each["speaker"] for each in (*trained, *chosen))


def test_without_a_model_the_one_that_ships_goes_on(room):
    named = MEND.index("--model")
    unnamed = (*MEND[:named], *MEND[named + 2 :], "--method", "finetune", "--steps", 1)
    ended = within(*unnamed, "--to", "out", "--seconds", 2, "--replicates", 20, cwd=room)
    assert (ended.returncode, ended.stderr) == (0, "")
    found, _ = restoring.load(room / "out/model.safetensors")
    shipped, _ = restoring.load(SHIPPED_FILE)
    assert found.config == shipped.config


def speakers(table):
    with table.open(encoding="utf-8", newline="") as file:
        return {each["speaker"] for each in csv.DictReader(file)}


def test_as_json_and_again_without_doing_anything_twice(room):
    found = json.loads(mended(room, "--json", "--method", "finetune"))
    assert found == json.loads((room / "out/summary.json").read_text())
    assert found["taken"] and found["worse"] == [] and found["cohort"] == "accent: south"
    (everybody, *_) = found["changes"]
    assert everybody["group"] == "everybody" and everybody["speakers"] == 4
    assert everybody["after"]["value"] < everybody["before"]["value"]
    heard = {path: path.stat().st_mtime_ns for path in (room / "out/work").glob("heard*")}
    assert json.loads(mended(room, "--json", "--method", "finetune")) == found
    assert heard == {path: path.stat().st_mtime_ns for path in (room / "out/work").glob("heard*")}


def test_a_stopped_one_goes_on_to_the_very_same_model(room):
    mended(room, "--method", "finetune", to="whole")
    hours, stops = 0.02 / 3600, 0
    arguments = "--method", "finetune", "--hours"
    while "the same command goes on" in mended(room, *arguments, hours, to="stopped"):
        assert not (room / "stopped/model.safetensors").exists()
        hours, stops = 3 * hours, stops + 1
    assert stops
    for name in ("before.json", "after.json", "summary.json"):
        one, other = ((room / each / name).read_text() for each in ("whole", "stopped"))
        assert one.replace("whole/", "stopped/") == other
    one, other = (load_file(room / each / "model.safetensors") for each in ("whole", "stopped"))
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_what_helps_nobody_is_not_taken(room):
    said = mended(room, "--method", "finetune", "--rate", 1e-9)
    assert "the old model is kept" in said
    assert (
        said.strip().splitlines()[-1]
        == "No cohort became significantly worse: the old model is kept."
    )
    assert (room / "out/model.safetensors").read_bytes() == base().read_bytes()


def test_a_cohort_heard_more_often_where_some_has_no_text(room):
    rows = [row | {"split": split(row)} for row in tones.read(room / "data")]
    silent = [row | {"text": "" if row["speaker"].endswith("2") else row["text"]} for row in rows]
    tones.write(room / "data", silent)
    said = mended(room, "--method", "oversample")
    assert "the cohort heard" in said
    assert (room / "out/work/written.json").exists()


def test_a_model_that_is_told_who_is_in_the_cohort(room):
    said = mended(room, "--method", "embedding", "--cohort", "north")
    assert "as named, accent: north, which is not served worse than the rest" in " ".join(
        said.split()
    )
    model, _ = cohort_embedding.load(room / "out/model.safetensors")
    assert model.cohorts == ("accent: north", "others")


def test_an_audit_as_it_is_written_names_its_groups(room):
    rows = ["speaker,utterance,accent,errors,words"]
    rows += [f"{row['speaker']},{number},{row['accent']},{int(row['accent'] == 'south')},{2 + number % 2}"
             for number, row in enumerate(tones.read(room / "data"))]  # fmt: skip
    (room / "results.csv").write_text("\n".join(rows))
    found = audited([room / "results.csv"], Wish(by=("accent",), replicates=20))
    (room / "audit.json").write_text(as_json(found))
    assert "accent: south; 6 of 12 speakers" in " ".join(
        mended(room, "--method", "finetune").split()
    )


def test_a_network_of_voices(tmp_path):
    from allears.speaker import checkpoint as networks

    sound = voices((1.0, 0.8, 1.25, 0.9))
    (tmp_path / "data").mkdir()
    rows = []
    for number, each in enumerate(sound.utterances):
        soundfile.write(tmp_path / f"data/{number}.wav", sound.samples(number), 16_000)
        rows.append({"path": f"{number}.wav", "speaker": each.speaker, "clip": each.speaker[:2]})
    tones.write(tmp_path / "data", rows)
    networks.save(network(), tmp_path / "base.safetensors")
    sides = {
        "fnmr_difference": 0.1,
        "fnmr_significant": True,
        "fmr_difference": -0.1,
        "fmr_significant": True,
    }
    group = {
        "grouping": "clip",
        "group": "lj",
        "trials": "within",
        "eer": 0.2,
        "rule": {"labels": {"clip": "lj"}},
    }
    tones.audit(tmp_path / "audit.json", [group | sides], kind="verification")
    said = mended(tmp_path, "--task", "verify", brief=("--steps", 2, "--replicates", 20))
    assert (
        "equal error rate" in said
        and "No cohort became significantly worse" in said.splitlines()[-1]
    )
    networks.load(tmp_path / "out/model.safetensors")
    found = [
        json.loads((tmp_path / f"out/{each}.json").read_text()) for each in ("before", "after")
    ]
    assert found[0]["overall"]["trials"] == found[1]["overall"]["trials"] > 0
    assert (tmp_path / "out/voices.safetensors").exists()


def test_audits_and_recordings_that_do_not_go_together(room):
    def why(*groups, arguments=()):
        tones.audit(room / "audit.json", groups)
        return refused(*MEND, "--to", "out", *arguments, cwd=room)

    voice = group("voice 3", None, grouping="voice", kind="voice")
    assert "voice: voice 3: the audit does not say who is in it" in why(voice)
    assert "data: has no column 'dialect'" in why(group("x", {"labels": {"dialect": "x"}}))
    west = group("west", {"labels": {"accent": "west"}})
    assert "none of 12 speakers is in accent: west; is the audit of other" in why(west)
    assert "no group is served worse" in why(GROUPS[1])
    assert "audit.json has no such group" in why(*GROUPS, arguments=("--cohort", "east"))
    where = group("region 1", {"boxes": [[-90, -180, 35, -89.5]]}, grouping="place")
    assert "1 speaker is in place: region 1; 3 at least are needed" in why(where)
    tones.audit(room / "audit.json", kind="verification")
    assert "--task asr needs one of recognition" in refused(*MEND, "--to", "out", cwd=room)


def split(row):
    """By the speaker's number."""
    return {"0": "dev", "1": "test"}.get(row["speaker"][-1], "train")


def test_options_that_cannot_be(room):
    def why(*arguments):
        return refused(*MEND, "--to", "out", *arguments, cwd=room)

    assert "--method arw: is not for --task asr; choose ewc" in why("--method", "arw")
    assert "--model nowhere: is no file" in why("--model", "nowhere")
    assert "--rate 0" in why("--rate", 0)
    assert "no checkpoint" in why("--model", "audit.json")
    assert "is not there" in why("--data", "elsewhere")
    without = ("mitigate", "--audit", "audit.json", "--data", "data", "--to", "out")
    assert "--model: name the model" in refused(*without, "--task", "verify", cwd=room)
    (room / "out").mkdir()
    (room / "out/model.safetensors").write_bytes(b"mine")
    assert "that no mitigation has written" in why()
    rows = tones.read(room / "data")
    tones.write(room / "data", [row | {"text": "a 7"} for row in rows])
    assert "'7' is none of a to z" in why() and "--leave-out" in why()
    silent = [
        row | {"text": "" if row["accent"] == "south" else "a", "split": split(row)} for row in rows
    ]
    tones.write(room / "data", silent)
    assert "no recording of accent: south to choose by has one" in why()
    told = [row | {"text": row["text"] if row["split"] == "train" else "a"} for row in silent]
    tones.write(room / "data", told)
    assert "text: no training recording of accent: south has one" in why()
    tones.write(room / "data", [row | {"text": "cab"} for row in rows])
    assert "utterances.csv, line 2" in why()
    found = importlib.util.find_spec
    with mock.patch(
        "importlib.util.find_spec", lambda name: None if name == "torch" else found(name)
    ):
        assert "mitigation needs torch ([asr]): pip install" in why()


def test_a_folder_of_another_wish(room):
    mended(room, "--method", "finetune", "--hours", 0)
    why = refused(*MEND, "--to", "out", *BRIEF, "--method", "finetune", "--seed", 1, cwd=room)
    assert "holds a mitigation with another" in why
