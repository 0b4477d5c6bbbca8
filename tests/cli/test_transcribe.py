"""`allears transcribe`: files, pipes and what is no sound; a small untrained recogniser says a lot."""

import json
import os
import re
import signal
import subprocess
import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from allears.asr import opening
from allears.asr.bundle import serialise
from allears.asr.formats import FORMATS
from allears.audio.resample import resample
from allears.cli import hearing
from allears.cli.transcribe import Format
from tests.asr.small import exported
from tests.cli.command import refused, run, start, within
from tests.cli.listening import RATE, furnish, next_line, objects, piped, raw, without_torch
from tests.real import speech

OURS = ("--recogniser", "small.safetensors", "--longest", 1)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    found = tmp_path_factory.mktemp("room")
    (found / "small.safetensors").write_bytes(serialise(exported()))
    furnish(found)
    soundfile.write(found / "b.flac", np.stack([speech("jfk", 2)] * 2, 1), RATE)
    soundfile.write(found / "c.ogg", speech("lj", 4)[::2], 8_000)
    soundfile.write(found / "silence.wav", np.zeros(2 * RATE), RATE)
    return found


def said(room, *arguments):
    ended = within("transcribe", *arguments, *OURS, cwd=room)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return ended.stdout


# Files


def test_a_line_for_each_file_in_the_order_given(room):
    lines = [line.split("\t") for line in said(room, "c.ogg", "b.flac", "a.wav").splitlines()]
    assert [line[0] for line in lines] == ["c.ogg", "b.flac", "a.wav"]
    assert all(set(line[1]) <= set("abc' ") and line[1] for line in lines)
    for name, words in lines:
        assert said(room, name) == f"{name}\t{words}\n"


def test_results_as_they_come(room):
    found = objects(said(room, "a.wav", "b.flac", "--format", "jsonl"))
    assert said(room, "a.wav", "b.flac", "--json") == said(
        room, "a.wav", "b.flac", "--format", "jsonl"
    )
    files = [each["file"] for each in found]
    assert files == sorted(files) and set(files) == {"a.wav", "b.flac"}
    finals = [each for each in found if each["file"] == "a.wav" and each["final"]]
    assert len(finals) >= 3 and all(each["words"] and each["reason"] for each in finals)
    assert finals[-1]["end"] == 3.0
    assert any(not each["final"] for each in found)
    for before, after in pairwise(finals):
        assert before["start"] < before["end"] <= after["start"] + 1e-9
    words = [word for each in finals for word in each["words"]]
    assert all(0 <= word["start"] <= word["end"] <= 3 for word in words)
    assert [word["start"] for word in words] == sorted(word["start"] for word in words)


def test_every_format_tells_the_same_words(room):
    words = said(room, "a.wav").split("\t")[1].split()
    srt, vtt = said(room, "a.wav", "--format", "srt"), said(room, "a.wav", "--format", "vtt")
    ctm = said(room, "a.wav", "--format", "ctm", "b.flac").splitlines()
    shown = [line for line in srt.splitlines() if not re.match(r"\d+$|\d.*-->|$", line)]
    assert " ".join(shown).split() == words
    assert vtt.startswith("WEBVTT\n\n00:00:0")
    assert [line.split()[4] for line in ctm if line.startswith("a ")] == words
    assert {line.split()[0] for line in ctm} == {"a", "b"}
    assert [each.value for each in Format] == list(FORMATS)


def test_alternatives_phrases_and_pauses(room):
    found = objects(said(room, "a.wav", "--json", "--alternatives", 2, "--chunk-ms", 80))
    assert any(len(each["alternatives"]) == 2 for each in found if each["final"])
    plain = said(room, "a.wav")
    assert said(room, "a.wav", "--phrase", "abc:9", "--phrase", "a cab") != plain
    ended = within(
        "transcribe", "a.wav", "--recogniser", "small.safetensors", "--pause", 0.1, "--json", cwd=room
    )  # fmt: skip
    assert ended.returncode == 0


def test_a_channel_alone(room):
    both = np.stack([speech("lj", 2), speech("jfk", 2)], 1)
    soundfile.write(room / "two.wav", both, RATE)
    soundfile.write(room / "right.wav", both[:, 1], RATE)
    right = said(room, "two.wav", "--channel", 2).split("\t")[1]
    assert right == said(room, "right.wav").split("\t")[1]
    assert "channels 1 to 2" in refused("transcribe", "two.wav", "--channel", 3, *OURS, cwd=room)


def test_into_a_file_whole(room):
    assert said(room, "a.wav", "b.flac", "--out", "said.txt") == ""
    assert (room / "said.txt").read_text() == said(room, "a.wav", "b.flac")
    assert not list(room.glob("*.part"))


def test_what_was_wrong_is_named_and_the_rest_is_done(room):
    names = ["a.wav", "text.txt", "nan.wav", "b.flac", "missing.wav"]
    for out in ((), ("--out", "some.jsonl")):
        ended = within("transcribe", *names, "--json", *out, *OURS, cwd=room)
        assert ended.returncode == 2
        (line,) = ended.stderr.splitlines()
        assert line.startswith("allears: 3 of 5 files: ")
        for name in (
            "text.txt: not audio",
            "nan.wav: some samples",
            "missing.wav: cannot be opened",
        ):
            assert name in line
    written = (room / "some.jsonl").read_text()
    assert written == said(room, "a.wav", "b.flac", "--json")
    (room / "some.jsonl").unlink()


def test_one_that_breaks_while_it_is_written_leaves_nothing(room):
    names = ["nan.wav", "a.wav"]
    ended = within("transcribe", *names, "--json", "--out", "some.jsonl", *OURS, cwd=room)
    assert ended.returncode == 2 and "1 of 2 files: nan.wav" in ended.stderr
    assert (room / "some.jsonl").read_text() == said(room, "a.wav", "--json")
    (room / "some.jsonl").unlink()
    refused("transcribe", "nan.wav", "text.txt", "--json", "--out", "none.jsonl", *OURS, cwd=room)


def test_silence_noise_and_music_are_heard_out(room):
    time = np.arange(3 * RATE) / RATE
    music = sum(np.sin(2 * np.pi * f * time) for f in (220, 277, 330)) / 4
    soundfile.write(room / "music.wav", music, RATE)
    soundfile.write(room / "noise.wav", np.random.default_rng(0).normal(0, 0.2, 3 * RATE), RATE)
    lines = said(room, "silence.wav", "music.wav", "noise.wav").splitlines()
    assert [line.split("\t")[0] for line in lines] == ["silence.wav", "music.wav", "noise.wav"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "nothing to hear"),
        (("empty.wav",), "empty.wav: the file is empty"),
        (("none.wav",), "none.wav: .* no samples"),
        (("text.txt", "--format", "vtt"), "text.txt: not audio"),
        (("missing.wav",), "missing.wav: cannot be opened"),
        ((".",), "is a directory"),
        (("a.wav", "-"), "stdin alone"),
        (("a.wav", "--mic"), "microphone alone"),
        (("a.wav", "b.flac", "--format", "srt"), "one recording"),
        (("a.wav", "--json", "--format", "srt"), "contradict"),
        (("a.wav", "--out", "a.wav"), "named twice"),
        (("a.wav", "--out", "no/where"), "there is no folder"),
        (("a.wav", "--phrase", "a:-1"), "boost above 0"),
        (("a.wav", "--phrase", ":3"), "boost above 0"),
        (("a.wav", "--phrase", "a:b"), "boost above 0"),
        (("a.wav", "--phrase", "zebra"), "'zebra' has 'z'"),
        (("a.wav", "--pause", "0"), "give between 0.05 and 60"),
        (("a.wav", "--recogniser", "whisper"), "no recogniser of this name"),
        (("a.wav", "--recogniser", "a.safetensors"), "a.safetensors: no whole recogniser"),
        (("a.wav", "--recogniser", "sherpa-onnx:."), "has no tokens.txt"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(room, arguments, why):
    ours = () if "--recogniser" in arguments else OURS[: 2 if "--pause" in arguments else None]
    assert re.search(why, refused("transcribe", *arguments, *ours, cwd=room))


def test_the_one_that_ships_is_what_is_asked_for_by_default(room, monkeypatch):
    monkeypatch.setattr(opening, "SHIPPED_FILE", room / "small.safetensors")
    ended = within("transcribe", "a.wav", "--longest", 1, cwd=room)
    assert ended.stdout == said(room, "a.wav")


def test_help_shows_how(room):
    ended = within("transcribe", "--help", cwd=room)
    shown = " ".join(ended.stdout.split())
    assert "allears transcribe talk.mp3 --format srt --out talk.srt" in shown
    assert "transcribe" in within("--help", cwd=room).stdout


def test_nothing_of_torch_is_needed(room):
    ended = without_torch("transcribe", "a.wav", "--recogniser", "small.safetensors", cwd=room)
    assert (ended.returncode, ended.stderr) == (0, "") and ended.stdout.startswith("a.wav\t")


def test_pocketsphinx_hears_real_words(room):
    pytest.importorskip("pocketsphinx")
    soundfile.write(room / "end.wav", speech("lj")[-40_000:], RATE)
    ended = within(
        "transcribe", "end.wav", "--recogniser", "pocketsphinx", "--format", "ctm", cwd=room
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    heard = [line.split() for line in ended.stdout.splitlines()]
    assert {"of", "the", "printing"} <= {word[4] for word in heard}
    assert all(0 <= float(word[2]) <= 2.5 and 0 <= float(word[5]) <= 1 for word in heard)


# Pipes


def opened(room, *arguments):
    """The command, and its stdin."""
    process = start("transcribe", "-", *arguments, *OURS, cwd=room, stdin=subprocess.PIPE)
    return process, process.stdin.buffer


def test_words_come_before_the_pipe_ends(room):
    process, pipe = opened(room, "--json")
    pipe.write(raw(speech("lj", 3)))
    pipe.flush()
    first = json.loads(next_line(process))
    assert process.poll() is None and first["file"] == "-" and not first["final"]
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    found = [first, *objects(out)]
    assert found[-1]["final"] and found[-1]["reason"] == "end" and found[-1]["end"] == 3.0
    assert sum(each["final"] for each in found) >= 3


def test_phrases_come_before_the_pipe_ends_and_ctrl_c_loses_none(room):
    process, pipe = opened(room)
    pipe.write((room / "a.wav").read_bytes())
    pipe.flush()
    first = next_line(process)
    assert first.strip() and "\t" not in first
    second = next_line(process)
    process.send_signal(signal.SIGINT)  # while stdin is open, and stays so
    assert process.wait(120) == 0
    _, err = process.communicate()
    whole = said(room, "a.wav").split("\t")[1].split()
    heard = (first + second).split()
    assert err == "" and heard and heard == whole[: len(heard)]


def test_a_pipe_says_what_the_file_does(room):
    for name in ("a.wav", "silence.wav"):
        with (room / name).open("rb") as file:
            ended = piped("transcribe", *OURS, cwd=room, file=file)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.split() == said(room, name).split("\t")[1].split()


def test_pipes_without_sound_are_refused(room):
    for data, why in ((b"", "no sound came"), ((room / "b.flac").read_bytes(), "another format")):
        (room / "piped").write_bytes(data)
        with (room / "piped").open("rb") as file:
            ended = piped("transcribe", *OURS, cwd=room, file=file)
        assert (ended.returncode, ended.stdout) == (2, "") and why in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


@pytest.fixture
def interruptible():
    """Ctrl-C as a terminal has it; who runs tests in many processes ignores it there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_microphone_is_heard_until_ctrl_c(monkeypatch):
    """The device is a double, at another rate than ours."""
    sound = resample(speech("lj", 3), RATE, 48_000)

    class Device:
        def __init__(self, samplerate, channels, dtype, blocksize, callback):
            assert (samplerate, channels, dtype) == (48_000, 1, "float32")
            self.blocksize, self.callback = blocksize, callback

        def __enter__(self):
            for at in range(0, len(sound), self.blocksize):
                block = sound[at : at + self.blocksize, None].copy()
                self.callback(block, len(block), None, None)
                block[:] = np.nan  # the driver uses it again

        def __exit__(self, *_):
            pass

    double = SimpleNamespace(
        query_devices=lambda **_: {"default_samplerate": 48_000.0},
        InputStream=Device,
        PortAudioError=OSError,
    )
    monkeypatch.setitem(sys.modules, "sounddevice", double)
    before = signal.getsignal(signal.SIGINT)
    heard, found = hearing.microphone(), []
    while sum(map(len, found)) < 2.5 * RATE:
        found.append(next(heard))
    signal.raise_signal(signal.SIGINT)
    found += heard
    assert signal.getsignal(signal.SIGINT) == before
    joined = np.concatenate(found)
    assert 2.5 * RATE <= len(joined) <= 3 * RATE
    assert np.abs(joined - speech("lj", 3)[: len(joined)])[: -RATE // 10].max() < 0.02


def test_a_microphone_that_is_not_there_is_said(room, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert "--mic needs sounddevice" in refused("transcribe", "--mic", *OURS, cwd=room)


def test_the_output_that_nobody_reads_ends_it_quietly(room):
    read, write = os.pipe()
    os.close(read)
    process = start("transcribe", "a.wav", "--json", *OURS, cwd=room, stdout=write)
    os.close(write)
    assert process.wait(120) == 1 and process.stderr.read() == ""
    process.stderr.close()


def test_the_command_from_a_shell(room):
    assert run("transcribe", "a.wav", *OURS, cwd=room).stdout == said(room, "a.wav")
