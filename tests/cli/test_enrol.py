"""`allears enrol`, and who of those enrolled is heard."""

import json
import math

import pytest

from tests.cli.command import refused, within
from tests.cli.voices import OURS, furnish


@pytest.fixture
def room(tmp_path):
    furnish(tmp_path)
    return tmp_path


def enrol(room, *arguments):
    ended = within("enrol", *arguments, "--to", "g.safetensors", *OURS, "--json", cwd=room)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def who(room, *arguments):
    ended = within("verify", *arguments, "--gallery", "g.safetensors", *OURS, "--json", cwd=room)
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


def test_who_is_enrolled_is_known(room):
    assert enrol(room, "Ann", "a.wav")["names"] == ["Ann"]
    assert enrol(room, " Böb Lee ", "b.wav")["names"] == ["Ann", "Böb Lee"]
    said = who(room, "b.wav")
    assert said["name"] == "Böb Lee"
    assert [each["name"] for each in said["voices"]] == ["Böb Lee", "Ann"]
    assert said["threshold"] == pytest.approx(math.log(2))
    # Of the same samples the cosine is 1, so nobody could be more alike.
    assert said["score"] > said["voices"][1]["score"] and said["llr"] == said["voices"][0]["llr"]
    assert who(room, "b.wav", "--threshold", said["llr"] + 1)["name"] is None


def test_a_person_is_told_who_it_is(room):
    enrol(room, "Ann", "a.wav")
    given = ("--gallery", "g.safetensors", *OURS)
    ended = within("verify", "b.wav", *given, "--prior", 1e-9, cwd=room)
    lines = ended.stdout.splitlines()
    assert lines[0] == "nobody who is enrolled" and lines[1].startswith("Ann: ")
    assert lines[2].endswith("at least more than a million times likelier than two")
    ended = within("verify", "a.wav", *given, cwd=room)
    assert ended.stdout.splitlines()[0] == "Ann"


def test_several_clips_are_averaged_and_a_name_is_replaced(room):
    enrol(room, "Ann", "a.wav")
    enrol(room, "Ann", "a.wav", "b.wav")
    assert enrol(room, "Ann", "b.wav", "a.wav")["replaced"]
    both = [who(room, clip)["llr"] for clip in ("a.wav", "b.wav")]
    enrol(room, "Ann", "a.wav")
    alone = [who(room, clip)["llr"] for clip in ("a.wav", "b.wav")]
    assert both[0] < alone[0] and both[1] > alone[1]


def test_one_gallery_is_the_same_bytes_whatever_the_order(room):
    for name, clip in (("Ann", "a.wav"), ("Ben", "b.wav")):
        enrol(room, name, clip)
    first = (room / "g.safetensors").read_bytes()
    (room / "g.safetensors").unlink()
    for name, clip in (("Ben", "b.wav"), ("Ann", "a.wav")):
        enrol(room, name, clip)
    assert (room / "g.safetensors").read_bytes() == first


def test_clips_of_two_are_warned_of(room):
    steep = ("--model", "steep.safetensors", "--to", "s.safetensors")
    ended = within("enrol", "Ann", "two.wav", *steep, cwd=room)
    assert ended.returncode == 0 and "two.wav: its " in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("Ann", "missing.wav"), "missing.wav: cannot be opened"),
        (("Ann", "a.wav", "quiet.wav"), "quiet.wav: 0.00 s of voice"),
        (("Ann", "tenth.wav"), "tenth.wav: 0.10 s of sound"),
        (("Ann", "nan.wav"), "nan.wav: some samples are NaN"),
        ((" ", "a.wav"), "give the name of who speaks"),
        (("A\nB", "a.wav"), "give the name of who speaks"),
        (("Ann", "a.wav", "--to", "g.npz"), "ends in .safetensors"),
        (("Ann", "a.wav", "--to", "no/g.safetensors"), "there is no folder no"),
        (("Ann", "a.wav", "--to", "small.safetensors"), "is named twice"),
        (("Ann", "a.wav", "--to", "steep.safetensors"), "no whole gallery of voices"),
        (("Ann", "a.wav", "--model", "other.safetensors"), "was enrolled with another network"),
    ],
)
def test_who_cannot_be_enrolled_leaves_the_gallery_as_it_is(room, arguments, says):
    enrol(room, "Ben", "b.wav")
    given = ("enrol", "--to", "g.safetensors", *OURS, *arguments)
    assert says in refused(*given, cwd=room)


def test_a_gallery_of_another_network_is_refused(room):
    enrol(room, "Ben", "b.wav")
    given = ("--gallery", "g.safetensors", "--model", "other.safetensors")
    assert "was enrolled with another network" in refused("verify", "a.wav", *given, cwd=room)
    # One that is calibrated otherwise hears the same.
    ended = within(
        "verify", "b.wav", "--gallery", "g.safetensors", "--model", "steep.safetensors", cwd=room
    )
    assert ended.returncode == 0 and ended.stdout.startswith("Ben\n")
