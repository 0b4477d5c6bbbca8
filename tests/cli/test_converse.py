"""`allears converse`: files, pipes, terminals and what is no sound; a small untrained network tells of turns."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from allears.asr.bundle import serialise
from allears.cli.converse import Format
from allears.parties import opening
from allears.parties.formats import FORMATS
from allears.speaker.embedder import SHIPPED_FILE
from tests.asr import small as single
from tests.cli.command import COMMAND, ENVIRONMENT, refused, start, within
from tests.cli.listening import RATE, furnish, next_line, objects, piped, raw, without_torch
from tests.parties.small import exported
from tests.real import speech

OURS = ("--model", "small.safetensors")
KEYS = ["event", "turn", "speaker", "start", "end", "text", "words", "told", "latency"]
NOBODY = "allears: this install has no network of voices"


@pytest.fixture(autouse=True)
def no_voices(monkeypatch, tmp_path):
    """What ships has no part in this."""
    monkeypatch.setattr(opening, "EMBEDDER_FILE", tmp_path / "none.safetensors")


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    found = tmp_path_factory.mktemp("room")
    (found / "small.safetensors").write_bytes(serialise(exported()))
    (found / "single.safetensors").write_bytes(serialise(single.exported()))
    furnish(found)
    soundfile.write(found / "two.flac", np.stack([speech("lj", 3), speech("jfk", 3)], 1), RATE)
    soundfile.write(found / "right.wav", speech("jfk", 3), RATE)
    soundfile.write(found / "short.wav", speech("lj", 0.5), RATE)
    return found


def told(room, *arguments):
    """What is said on stdout; that nobody is named is said once."""
    ended = within("converse", *arguments, *OURS, cwd=room)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.startswith(NOBODY) and len(ended.stderr.splitlines()) == 1
    return ended.stdout


def finals(found):
    return [each for each in found if each["event"] == "final"]


def lawful(found):
    """The order in which things are told."""
    assert all(list(each) == KEYS for each in found)
    assert all(a["told"] <= b["told"] for a, b in pairwise(found))
    turns = {}
    for each in found:
        turns.setdefault(each["turn"], []).append(each["event"])
    assert list(turns) == list(range(1, len(turns) + 1)) and turns
    for names in turns.values():
        assert (names[0], names[-2:]) == ("turn_start", ["final", "turn_end"])
        assert set(names[1:-2]) <= {"partial"}


# Files


def test_events_as_they_come(room):
    found = objects(told(room, "a.wav", "--json"))
    lawful(found)
    assert told(room, "a.wav", "--format", "jsonl") == told(room, "a.wav", "--json")
    assert {each["event"] for each in found} == {"turn_start", "partial", "final", "turn_end"}
    for each in found:
        since = each["start"] if each["event"] == "turn_start" else each["end"]
        assert each["latency"] == pytest.approx(each["told"] - since, abs=0.0021)
        assert all(set(word) == {"text", "start", "end", "confidence"} for word in each["words"])
        assert " ".join(word["text"] for word in each["words"]) == each["text"]


def test_every_format_tells_the_same_turns(room):
    said = [each for each in finals(objects(told(room, "a.wav", "--json"))) if each["text"]]
    text = told(room, "a.wav").splitlines()
    assert [line.split(" unknown: ")[1] for line in text] == [each["text"] for each in said]
    assert all(re.match(r"\[\d\d:\d\d\.\d–\d\d:\d\d\.\d\] ", line) for line in text)
    said.sort(key=lambda each: each["start"])
    stm = [line.split(maxsplit=5) for line in told(room, "a.wav", "--format", "stm").splitlines()]
    assert [(float(each[3]), float(each[4]), each[5]) for each in stm] == [
        (each["start"], each["end"], each["text"]) for each in said
    ]
    seglst = json.loads(told(room, "a.wav", "--format", "seglst"))
    assert [each["words"] for each in seglst if each["words"]] == [each["text"] for each in said]
    rttm = told(room, "a.wav", "--format", "rttm").splitlines()
    starts = [float(line.split()[3]) for line in rttm]
    assert starts == sorted(starts) and len(starts) >= len(said) - 1
    vtt = told(room, "a.wav", "--format", "vtt")
    shown = re.findall(r"-->.*\n(.*)\n", vtt)
    assert vtt.startswith("WEBVTT\n\n00:00:0") and "<v" not in vtt
    assert sorted(" ".join(shown).split()) == sorted(w for e in said for w in e["text"].split())
    assert [each.value for each in Format] == list(FORMATS)


def test_channels_are_mixed_or_one_is_heard_alone(room):
    right = told(room, "right.wav")
    assert told(room, "two.flac", "--channel", 2) == right != told(room, "two.flac")
    assert "channels 1 to 2" in refused("converse", "two.flac", "--channel", 3, *OURS, cwd=room)


def test_into_a_file_whole(room):
    assert told(room, "a.wav", "--format", "rttm", "--out", "said.rttm") == ""
    assert (room / "said.rttm").read_text() == told(room, "a.wav", "--format", "rttm")
    (room / "said.rttm").unlink()
    assert not list(room.glob("*.part"))


@pytest.mark.parametrize("form", ["jsonl", "vtt"])
def test_one_that_breaks_while_it_is_written_leaves_nothing(room, form):
    before = set(room.iterdir())
    ended = within(
        "converse", "nan.wav", "--format", form, "--out", "broken", *OURS, cwd=room
    )  # fmt: skip
    assert ended.returncode == 2 and "nan.wav: some samples are NaN" in ended.stderr
    assert ended.stdout == "" and set(room.iterdir()) == before


def test_what_is_heard_at_once_is_as_asked(room):
    def fastest(*arguments):
        found = objects(told(room, "a.wav", "--json", *arguments))
        lawful(found)
        return found[0]["told"]

    assert fastest("--chunk-ms", 40) < fastest("--chunk-ms", 2000)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "nothing to hear"),
        (("empty.wav",), "empty.wav: the file is empty"),
        (("none.wav",), "none.wav: .* no samples"),
        (("text.txt", "--format", "vtt"), "text.txt: not audio"),
        (("text.txt", "--json"), "text.txt: not audio"),
        (("missing.wav",), "missing.wav: cannot be opened"),
        ((".",), "is a directory"),
        (("a.wav", "--mic"), "microphone alone"),
        (("--mic", "--channel", 1), "microphone alone"),
        (("a.wav", "--json", "--format", "stm"), "contradict"),
        (("a.wav", "--out", "a.wav"), "named twice"),
        (("a.wav", "--out", "small.safetensors"), "named twice"),
        (("a.wav", "--enrol", "Ann=right.wav", "--out", "right.wav"), "named twice"),
        (("a.wav", "--out", "no/where"), "there is no folder"),
        (("a.wav", "--enrol", "ann.wav"), "give NAME=CLIP"),
        (("a.wav", "--enrol", "=ann.wav"), "give NAME=CLIP"),
        (("a.wav", "--enrol", " =ann.wav"), "give NAME=CLIP"),
        (("a.wav", "--enrol", "Ann="), "give NAME=CLIP"),
        (("a.wav", "--enrol", "A\x1bn=a.wav"), "give NAME=CLIP"),
        (("a.wav", "--enrol", "Ann=a.wav", "--enrol", "Ann=right.wav"), "Ann is there twice"),
        (("a.wav", "--enrol", "Ann=right.wav"), "nobody can be enrolled; .*--embedder FILE"),
        (("a.wav", "--model", "a.wav"), "a.wav: no whole recogniser"),
        (("a.wav", "--model", "single.safetensors"), "one talker at a time; .*allears transcribe"),
        (("a.wav", "--embedder", "text.txt"), "text.txt: "),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(room, arguments, why):
    ours = () if "--model" in arguments else OURS
    assert re.search(why, refused("converse", *arguments, *ours, cwd=room))


def test_the_one_that_ships_is_what_is_asked_for_by_default(room, monkeypatch):
    monkeypatch.setattr(opening, "SHIPPED_FILE", room / "none.safetensors")
    assert "--model FILE.safetensors" in refused("converse", "a.wav", cwd=room)
    monkeypatch.setattr(opening, "SHIPPED_FILE", room / "small.safetensors")
    assert within("converse", "a.wav", cwd=room).stdout == told(room, "a.wav")


def test_help_shows_how(room):
    shown = " ".join(within("converse", "--help", cwd=room).stdout.split())
    assert "allears converse meeting.wav --format vtt --out meeting.vtt" in shown
    assert "converse" in within("--help", cwd=room).stdout


def test_nothing_of_torch_is_needed(room):
    ended = without_torch("converse", "a.wav", *OURS, cwd=room)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == told(room, "a.wav")


# Pipes


def test_turns_are_told_before_the_pipe_ends_and_ctrl_c_ends_them(room):
    process = start("converse", "-", "--json", *OURS, cwd=room, stdin=subprocess.PIPE)
    pipe = process.stdin.buffer
    pipe.write(raw(speech("lj", 1)))
    pipe.flush()
    first = json.loads(next_line(process))
    assert process.poll() is None and first["event"] == "turn_start"
    process.send_signal(signal.SIGINT)  # while stdin is open, and stays so
    out, err = process.stdout.read(), process.stderr.read()
    assert process.wait(120) == 0
    for each in (process.stdin, process.stdout, process.stderr):
        each.close()
    # A process of its own knows the voices that ship, if any do.
    assert len(err.splitlines()) == (not SHIPPED_FILE.is_file()) and err.startswith(
        NOBODY[: len(err)]
    )
    found = [first, *objects(out)]
    lawful(found)
    assert found[-1]["event"] == "turn_end" and found[-1]["told"] <= 1.0


def test_a_pipe_tells_what_the_file_does(room):
    with (room / "a.wav").open("rb") as file:
        ended = piped("converse", "--format", "stm", *OURS, cwd=room, file=file)
    assert ended.returncode == 0, ended.stderr
    whole = told(room, "a.wav", "--format", "stm")
    assert ended.stdout == re.sub("^a ", "- ", whole, flags=re.MULTILINE)


def test_a_pipe_without_sound_is_refused(room):
    ended = piped("converse", "--format", "vtt", *OURS, cwd=room, file=subprocess.DEVNULL)
    assert (ended.returncode, ended.stdout) == (2, "") and "no sound came" in ended.stderr


def test_a_microphone_that_is_not_there_is_said(room, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert "--mic needs sounddevice" in refused("converse", "--mic", *OURS, cwd=room)


# Terminals


def test_a_terminal_shows_turns_that_go_on_under_those_that_are_over(room):
    ours, theirs = pty.openpty()
    environment = ENVIRONMENT | {"TERM": "xterm-256color", "COLUMNS": "120"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [*COMMAND, "converse", "a.wav", *OURS],
        cwd=room, env=environment, stdout=theirs, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(theirs)
    shown = b"".join(iter(lambda: _read(ours), b"")).decode()
    os.close(ours)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert "\x1b[3" in shown, "turns that go on stand in italics"
    lines = told(room, "a.wav").splitlines()
    places = [plain.rindex(line) for line in lines]
    assert len(lines) >= 3 and places == sorted(places)


def _read(terminal):
    """What comes from it; nothing where it is closed."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""
