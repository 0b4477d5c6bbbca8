"""Simulated calls of real speech by the real command."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from unittest import mock

import av
import numpy as np
import pytest
import soundfile
from jaxtyping import Float32

from allears.audio.files import write_wav
from allears.audio.libopus import Encoder
from allears.audio.resample import resample
from allears.score.quality import SCORES
from allears.wire import bitfile, opus
from tests.cli.command import COMMAND, ENVIRONMENT, call, call_within, inspect_within, run, within
from tests.real import speech

LABELS = {"received", "lbrr", "red", "dred", "neural", "concealed", "silence"}
SECONDS = 3
FRAMES = 50 * SECONDS + 1  # one more than the recording has: the codec's look-ahead


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three seconds of speech, 16 kHz."""
    folder = tmp_path_factory.mktemp("room")
    write_wav(folder / "in.wav", speech("jfk", SECONDS), 16_000)
    return folder


def heard(path: Path) -> tuple[Float32[np.ndarray, " samples"], int]:
    samples, rate = soundfile.read(path, dtype="float32")
    assert samples.ndim == 1 and soundfile.info(path).subtype == "PCM_16"
    return samples, rate


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two signals of one length."""
    assert len(a) == len(b)
    return float(np.dot(a, b) / np.sqrt(np.dot(a, a) * np.dot(b, b)))


@pytest.mark.parametrize(
    ("redundancy", "loss", "may_be"),
    [
        ("none", "none", set()),
        ("none", "20%", {"concealed"}),
        ("lbrr", "uniform:20%", {"lbrr", "concealed"}),
        ("red", "0.2", {"red", "concealed"}),
        ("red:3", "ge:10%:40%:90%:1%", {"red", "concealed"}),
        ("lbrr+red:2", "burst:30%:80ms", {"red", "lbrr", "concealed"}),
    ],
)
def test_every_redundancy_and_loss(
    room: Path, tmp_path: Path, redundancy: str, loss: str, may_be: set[str]
) -> None:
    out = tmp_path / "out.wav"
    told = call("in.wav", out, "--redundancy", redundancy, "--loss", loss, "--seed", 3, cwd=room)
    samples, rate = heard(out)
    assert (len(samples), rate) == (SECONDS * 16_000, 16_000)
    assert likeness(samples, speech("jfk", SECONDS)) > (0.5 if may_be else 0.9)

    assert (told["input"], told["output"]) == ("in.wav", str(out))
    assert (told["rate"], told["seconds"], told["redundancy"]) == (
        16_000,
        SECONDS,
        {"red": "red:1"}.get(redundancy, redundancy),
    )
    packets = told["packets"]
    assert packets["sent"] == FRAMES and packets["late"] == packets["duplicates"] == 0
    assert packets["lost"] == pytest.approx(packets["sent"] * packets["loss_rate"])
    assert bool(packets["lost"]) == bool(may_be)

    assert len(told["labels"]) == FRAMES
    assert told["frames"].keys() == LABELS
    assert Counter(told["labels"]) == Counter(told["frames"])
    assert told["frames"]["received"] == packets["sent"] - packets["lost"]
    found = {label for label, count in told["frames"].items() if count}
    assert found - {"silence"} == may_be | {"received"}  # concealment fades to silence

    copies = {"red": 1, "red:3": 3, "lbrr+red:2": 2}.get(redundancy, 0)
    assert 0.75 < told["payload_kbps"] / (24 * (1 + copies)) < 1.25
    headers = 40 * 8 * packets["sent"] / SECONDS / 1000
    assert told["wire_kbps"] == pytest.approx(told["payload_kbps"] + headers)
    assert told["delay_ms"] == pytest.approx(max(40, 20 * (copies + 1)), abs=1)
    assert told["scores"] is None and told["missing"] == []


def test_a_trace_loses_just_these_packets(room: Path) -> None:
    trace = [0, 0, 1, 0, 0, 0, 1, 1, 1, 0]
    text = "# a second's worth\n" + "\n".join(map(str, trace)) + "\n"
    (room / "trace.txt").write_text(text)
    lost = (trace * FRAMES)[:FRAMES]
    told = call("in.wav", "--trace", "trace.txt", cwd=room)
    assert told["output"] is None
    assert told["packets"]["loss_rate"] == sum(lost) / FRAMES
    assert [label != "received" for label in told["labels"]] == [flag == 1 for flag in lost]
    # The copy in the packet after brings back all but the first two of a burst of three.
    told = call_within("in.wav", "--trace", "trace.txt", "--redundancy", "red", cwd=room)
    names = ["received", "received", "red", *["received"] * 3, "concealed", "concealed", "red"]
    assert told["labels"][:9] == names


@pytest.mark.parametrize(
    ("sending", "network"),
    [
        (["--redundancy", "lbrr", "--expected-loss", "0.4"], ["--loss", "20%", "--seed", "2"]),
        (["--dtx", "--bitrate", "16"], []),
        (["--frame-ms", "60"], ["--loss", "burst:20%:120ms"]),
    ],
    ids=["lbrr", "dtx", "60 ms"],
)
def test_the_packets_written_are_those_that_were_heard(
    room: Path, sending: list[str], network: list[str]
) -> None:
    sent = call("in.wav", "a.wav", "--write-bit", "a.bit", *sending, *network, cwd=room)
    packets = inspect_within("a.bit", cwd=room)
    ticks = 60 if "60" in sending else 20
    assert [packet["time"] for packet in packets] == pytest.approx(
        [number * ticks / 1000 for number in range(len(packets))]
    )
    assert len([packet for packet in packets if packet["bytes"]]) == sent["packets"]["sent"]
    pauses = len(packets) - sent["packets"]["sent"]
    assert (pauses > 0) == ("--dtx" in sending)
    bits = sum(packet["bits"] for packet in packets)
    assert sent["payload_kbps"] == pytest.approx(bits / SECONDS / 1000)
    assert any(packet["lbrr"] for packet in packets) == ("lbrr" in sending)

    replayed = call_within("a.bit", "b.wav", *network, cwd=room)
    assert replayed["labels"] == sent["labels"]
    assert replayed["redundancy"] is replayed["bitrate_kbps"] is None
    ahead = Encoder(16_000).lookahead
    first, _ = heard(room / "a.wav")
    second, rate = heard(room / "b.wav")
    assert rate == 16_000  # the packets are wideband, and nothing says more
    assert np.array_equal(second[ahead : ahead + len(first)], first)


@pytest.mark.parametrize(
    ("rate", "frame_ms"),
    [
        (8000, 40),
        (16_000, 20),
        (24_000, 60),
        (12_000, 10),
        (16_000, 5),
        (48_000, 2.5),
    ],
)
def test_every_rate_and_packet_length(room: Path, rate: int, frame_ms: float) -> None:
    options = "--rate", rate, "--frame-ms", frame_ms, "--write-bit", "rate.bit"
    told = call_within("in.wav", "rate.wav", *options, cwd=room)
    packets = bitfile.parse((room / "rate.bit").read_bytes())
    assert len(packets) == told["packets"]["sent"]
    assert {opus.duration(packet.payload) for packet in packets} == {48 * frame_ms}
    assert len(told["labels"]) == math.ceil(len(packets) * frame_ms / 20)
    assert set(told["labels"][:-1]) == {"received"}
    samples, found = heard(room / "rate.wav")
    again = resample(samples, rate, 8000)[: SECONDS * 8000]
    assert likeness(again, resample(speech("jfk", SECONDS), 16_000, 8000)) > 0.9
    assert (found, told["rate"], len(samples)) == (rate, rate, SECONDS * rate)


def test_a_network_that_delays_repeats_and_reorders(room: Path) -> None:
    """The worse it is, the more comes late or the longer the listener waits."""

    def trouble(*options: object) -> tuple[float, dict[str, int]]:
        told = call_within("in.wav", "worse.wav", "--seed", 4, *options, cwd=room)
        samples, rate = heard(room / "worse.wav")
        assert abs(len(samples) / rate - SECONDS) < 0.5
        assert told["packets"]["lost"] == 0
        assert told["frames"]["received"] >= told["packets"]["sent"] - told["packets"]["late"] - 2
        return told["delay_ms"] + 10 * told["packets"]["late"], told["packets"]

    calm, packets = trouble("--duplicate", 1)
    assert packets["duplicates"] == packets["sent"] == FRAMES
    _, packets = trouble("--duplicate", 0.2)
    assert 15 < packets["duplicates"] < 50
    shaky, packets = trouble("--jitter", 12)
    assert packets["duplicates"] == 0
    wild, _ = trouble("--jitter", 60)
    mixed, _ = trouble("--jitter", 12, "--reorder", 0.3)
    assert calm + 10 < shaky < wild - 50
    assert shaky + 10 < mixed


def test_equal_seeds_give_equal_bytes(room: Path) -> None:
    options = "--loss", "burst:20%:60ms", "--redundancy", "red", "--jitter", 10
    call("in.wav", "one.wav", "--seed", 7, *options, cwd=room)
    call("in.wav", "two.wav", "--seed", 7, *options, cwd=room)
    call_within("in.wav", "three.wav", "--seed", 8, *options, cwd=room)
    one, two, three = ((room / f"{name}.wav").read_bytes() for name in ("one", "two", "three"))
    assert one == two != three


def encoded(path: Path, codec: str, rate: int, samples: np.ndarray) -> None:
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.format, "mono", rate)
        for part in (*resampler.resample(frame), *resampler.resample(None), None):
            container.mux(stream.encode(part))


@pytest.mark.parametrize(
    ("name", "rate", "call_rate"),
    [
        ("stereo.wav", 44_100, 48_000),
        ("narrow.flac", 8000, 8000),
        ("wide.wav", 48_000, 48_000),
        ("coded.m4a", 44_100, 48_000),
        ("coded.ogg", 48_000, 48_000),
    ],
)
def test_recordings_of_many_kinds(tmp_path: Path, name: str, rate: int, call_rate: int) -> None:
    said = resample(speech("jfk", SECONDS), 16_000, rate)
    if name == "stereo.wav":
        soundfile.write(tmp_path / name, np.stack((said, 0.5 * said), axis=1), rate)
    elif name.startswith("coded"):
        encoded(tmp_path / name, "aac" if name.endswith("m4a") else "libopus", rate, said)
    else:
        soundfile.write(tmp_path / name, said, rate)
    told = call_within(name, "out.wav", "--bitrate", 32, cwd=tmp_path)
    samples, found = heard(tmp_path / "out.wav")
    assert found == told["rate"] == call_rate
    slack = 0.1 if name.startswith("coded") else 1 / call_rate  # these begin and end in frames
    assert len(samples) / call_rate == pytest.approx(SECONDS, abs=slack)
    if not name.startswith("coded"):
        reference = resample(said, rate, call_rate)
        length = min(len(reference), len(samples))
        assert likeness(samples[:length], reference[:length]) > 0.9


def test_bitrate_and_expected_loss_reach_the_encoder(room: Path) -> None:
    thin = call_within("in.wav", "--bitrate", 12, cwd=room)
    thick = call_within("in.wav", "--bitrate", 40, "--complexity", 2, cwd=room)
    assert thin["bitrate_kbps"] == 12 and 2.5 < thick["payload_kbps"] / thin["payload_kbps"] < 4
    options = "--redundancy", "lbrr", "--expected-loss", 0, "--write-bit", "unprepared.bit"
    call_within("in.wav", *options, cwd=room)
    assert not any(packet["lbrr"] for packet in inspect_within("unprepared.bit", cwd=room))


def test_scores_of_what_was_heard(tmp_path: Path) -> None:
    write_wav(tmp_path / "in.wav", speech("lj", 4), 16_000)
    told = json.loads(run("call", "in.wav", "--json", "--bitrate", 32, cwd=tmp_path).stdout)
    assert told["scores"].keys() == SCORES.keys()
    assert bool(told["missing"]) == (None in told["scores"].values())
    good = {"plcmos": 4, "dnsmos_ovrl": 2.5, "pesq_wb": 4, "stoi": 0.95}
    for name, least in good.items():
        assert told["scores"][name] is None or told["scores"][name] > least


def test_scores_that_cannot_be_had_say_why(tmp_path: Path) -> None:
    write_wav(tmp_path / "word.wav", speech(seconds=0.3), 16_000)
    told = json.loads(run("call", "word.wav", "--json", cwd=tmp_path).stdout)
    assert set(told["scores"].values()) == {None}
    assert told["missing"] and all(isinstance(reason, str) for reason in told["missing"])


def test_what_a_person_is_told(tmp_path: Path) -> None:
    """Also that names are shown as they are, whatever they mean elsewhere."""
    write_wav(tmp_path / "[bold]in.wav", speech(seconds=0.4), 16_000)
    arguments = "[bold]in.wav", "out.wav", "--trace", "trace.txt", "--redundancy", "red"
    (tmp_path / "trace.txt").write_text("0 1 0")
    lines = run("call", *arguments, cwd=tmp_path).stdout.splitlines()
    told = dict(line.split(maxsplit=1) for line in lines)
    assert told["call"].strip() == "[bold]in.wav, 0.4 s at 16000 Hz"
    assert told["sent"].strip() == "Opus at 24 kb/s, with red:1"
    assert told["packets"].strip() == "21 sent, 7 lost (33.3%)"
    assert told["received"].strip() == "66.7% of 21 frames"
    assert told["red"].strip() == "33.3% of 21 frames"
    assert told["heard"].strip() == "out.wav"
    assert "concealed" not in told
    assert lines[-1].startswith("not rated: ")


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_reader_that_leaves_is_no_trouble(room: Path, form: list[str]) -> None:
    """Also where all of the output still waits to be written when it leaves."""
    command = subprocess.Popen(
        [*COMMAND, "call", "in.wav", "left.wav", "--no-scores", *form],
        cwd=room,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdout and command.stderr
    command.stdout.close()
    assert command.stderr.read() == b""
    command.stderr.close()
    assert command.wait(60) == 1
    assert soundfile.info(room / "left.wav").frames == SECONDS * 16_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
def test_output_that_cannot_be_written(room: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, "call", "in.wav", "--no-scores", "--json"],
            cwd=room,
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert ended.returncode == 2
    assert ended.stderr == "allears: the output: No space left on device; choose another place\n"


@pytest.mark.skipif(sys.platform == "win32", reason="has no terminals of this kind")
def test_ctrl_c_in_the_middle_of_a_call(tmp_path: Path) -> None:
    """At a terminal there is a bar; it goes, nothing is left, and the code is the shell's for Ctrl-C."""
    write_wav(tmp_path / "long.wav", np.tile(speech(), 150), 16_000)
    master, terminal = os.openpty()
    command = subprocess.Popen(
        [*COMMAND, "call", "long.wav", "out.wav", "--no-scores"],
        cwd=tmp_path,
        env=ENVIRONMENT | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    while b"calling" not in shown:
        shown += os.read(master, 4096)
    command.send_signal(signal.SIGINT)
    with pytest.raises(OSError):  # how Linux says that nobody has the terminal any more
        while chunk := os.read(master, 4096):
            shown += chunk
        raise OSError  # how others do
    os.close(master)
    out, _ = command.communicate(timeout=60)
    assert (command.returncode, out) == (130, b"")
    assert b"Traceback" not in shown and b"KeyboardInterrupt" not in shown
    assert [path.name for path in tmp_path.iterdir()] == ["long.wav"]


def test_ctrl_c_before_the_command_has_begun(room: Path) -> None:
    """Starting takes a while: most of it is spent importing."""

    class Impatient:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == "allears.cli.app":
                raise KeyboardInterrupt

    with mock.patch.dict(sys.modules), mock.patch.object(sys, "meta_path", [Impatient]):
        sys.modules.pop("allears.cli.app", None)
        ended = within("call", "in.wav", cwd=room)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_the_installed_command_is_the_same(room: Path) -> None:
    installed = shutil.which("allears", path=str(Path(sys.executable).parent))
    if installed is None:
        pytest.skip("is not installed beside this Python")
    ended = subprocess.run([installed, "call"], cwd=room, capture_output=True, check=False)
    assert ended.returncode == 2 and ended.stderr.startswith(b"allears: nothing to call")
