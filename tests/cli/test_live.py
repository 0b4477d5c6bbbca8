"""Live calls between real processes on loopback, as a user holds them."""

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from allears.audio.files import write_wav
from tests.cli.command import finish, run
from tests.real import CLIPS, speech

SECONDS = 3

pytestmark = pytest.mark.live


@pytest.fixture
def room(tmp_path: Path) -> Path:
    write_wav(tmp_path / "in.wav", speech(seconds=SECONDS), 16_000)
    return tmp_path


def test_all_that_is_said_is_heard(room: Path, port: int, listen: Any) -> None:
    listener = listen("out.wav", "--rate", 16_000)
    caller = run("call", "in.wav", "--to", f"127.0.0.1:{port}", "--bitrate", 32, "--json", cwd=room)
    told = [json.loads(line) for line in caller.stdout.splitlines()]
    assert [line["event"] for line in told] == ["statistics"] * (len(told) - 1) + ["end"]
    assert told[-1].keys() == {"event", "seconds", "sent"}
    assert told[-1]["sent"] == 50 * SECONDS + 1

    end = listener.end()
    assert (end["received"], end["lost"], end["late"]) == (told[-1]["sent"], 0, 0)
    assert (end["duplicates"], end["malformed"], end["streams"]) == (0, 0, 1)
    assert end["frames"]["lbrr"] == end["frames"]["red"] == 0

    samples, rate = soundfile.read(room / "out.wav", dtype="float32")
    assert rate == 16_000 and len(samples) == 320 * sum(end["frames"].values())
    assert likeness(samples) > 0.95
    assert not list(room.glob("*.part"))


def likeness(samples: np.ndarray) -> float:
    """How like what was said most of `samples` are: where packets come late, on a busy machine, they are not."""
    said = speech(seconds=SECONDS)
    pieces = [said[at : at + 3200] for at in range(0, len(said) - 3200, 3200)]
    pieces = [piece for piece in pieces if np.abs(piece).max() > 0.05]
    return float(np.median([best_likeness(piece, samples) for piece in pieces]))


def best_likeness(piece: np.ndarray, samples: np.ndarray) -> float:
    """How like `piece` the most like stretch of `samples` is, from -1 to 1."""
    size = 1 << (len(samples) + len(piece)).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(piece, size))
    products = np.fft.irfft(spectrum, size)[: len(samples) - len(piece) + 1]
    powers = np.cumsum(np.concatenate(([0.0], samples.astype(float) ** 2)))
    power = np.maximum(powers[len(piece) :] - powers[: -len(piece)], 1e-9)
    return float(np.max(products / np.sqrt(power * np.dot(piece, piece))))


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_a_listener_that_is_interrupted_leaves_a_whole_recording(
    room: Path, listen: Any, caller: Any, name: str
) -> None:
    listener = listen("out.wav")
    calling = caller()
    listener.until_received(30)
    assert not (room / "out.wav").exists()
    listener.process.send_signal(signal.Signals[name])
    end = listener.end()
    info = soundfile.info(room / "out.wav")
    assert (info.samplerate, info.frames) == (48_000, 960 * sum(end["frames"].values()))
    assert end["frames"]["received"] > 20
    calling.send_signal(signal.SIGINT)
    assert " packets sent\n" in finish(calling).stdout
    assert sorted(path.name for path in room.iterdir()) == ["in.wav", "out.wav"]


def test_a_reader_of_statistics_that_leaves_ends_the_call(
    room: Path, listen: Any, caller: Any
) -> None:
    """And takes nothing of the recording along."""
    listener = listen("out.wav", "--rate", 8000)
    caller()
    listener.until_received(30)
    listener.process.stdout.close()
    assert listener.process.wait(60) == 1
    assert listener.process.stderr.read() == ""
    assert soundfile.info(room / "out.wav").frames > 160 * 30


def test_two_call_each_other_on_a_bad_network(room: Path, port: int, listen: Any) -> None:
    """Both speak and listen at once, at 20 % loss with reordering; RED brings most of it back."""
    clip = CLIPS / "lj.flac"  # long enough that neither misses much while the other starts
    other = port + 1 if port < 65_000 else port - 1
    worse = "--loss", "20%", "--reorder", 0.1, "--jitter", 5, "--redundancy", "lbrr+red:2"
    shared = "--rate", 16_000, *worse
    one = listen(clip, "one.wav", "--to", f"127.0.0.1:{other}", *shared)
    two = listen(clip, "two.wav", "--to", f"127.0.0.1:{port}", *shared, "--seed", 5, at=other)
    for end, name in ((one.end(), "one.wav"), (two.end(), "two.wav")):
        frames = end["frames"]
        assert 0.05 < end["loss_rate"] < 0.4
        assert frames["red"] + frames["lbrr"] > 5 * (frames["neural"] + frames["concealed"])
        samples, rate = soundfile.read(room / name, dtype="float32")
        assert rate == 16_000 and len(samples) > 2.5 * rate


def test_a_killed_caller_is_heard_again_when_it_comes_back(
    room: Path, port: int, listen: Any, caller: Any
) -> None:
    listener = listen("out.wav", "--rate", 16_000)
    first = caller()
    listener.until_received(60)
    first.kill()
    first.wait()
    time.sleep(0.5)
    run("call", "in.wav", "--to", f"127.0.0.1:{port}", cwd=room)
    end = listener.end()
    assert end["streams"] == 2 and end["lost"] == 0
    assert end["frames"]["received"] > 50 * SECONDS + 50
    samples, _ = soundfile.read(room / "out.wav", dtype="float32")
    assert len(samples) > (SECONDS + 1.5) * 16_000
    assert likeness(samples[-(SECONDS + 1) * 16_000 :]) > 0.95  # the whole of the second call


def test_a_killed_listener_hears_the_rest_when_it_comes_back(
    room: Path, listen: Any, caller: Any
) -> None:
    calling = caller("--seconds", 12, "--json")
    first = listen("first.wav")
    first.until_received(40)
    first.process.kill()
    first.process.wait()
    end = listen("second.wav", "--rate", 16_000).end()
    assert json.loads(finish(calling).stdout.splitlines()[-1])["sent"] > 400
    assert end["frames"]["received"] > 100
    assert not (room / "first.wav").exists()
    samples, _ = soundfile.read(room / "second.wav", dtype="float32")
    assert np.abs(samples).max() > 0.1


def test_garbage_on_the_port_is_counted_and_nothing_else(
    room: Path, port: int, listen: Any
) -> None:
    listener = listen("out.wav")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as shout:
        for size in range(200):
            shout.sendto(os.urandom(size), ("127.0.0.1", port))
    calling = "call", CLIPS / "lj.flac", "--to", f"127.0.0.1:{port}", "--seconds", 2
    run(*calling, cwd=room)
    end = listener.end()
    assert end["malformed"] > 100 and end["frames"]["received"] > 80


def test_a_port_in_use(room: Path, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", port))
        told = run("call", "--listen", f"127.0.0.1:{port}", "out.wav", cwd=room, expect=2)
    assert told.stdout == ""
    assert told.stderr == (
        f"allears: port {port} is in use: listen on another, or stop what listens there\n"
    )
    assert [path.name for path in room.iterdir()] == ["in.wav"]


def test_a_call_that_nobody_takes(room: Path, port: int) -> None:
    write_wav(room / "word.wav", speech(seconds=0.3), 16_000)
    told = run("call", "word.wav", "--to", f"127.0.0.1:{port}", cwd=room, expect=2)
    assert told.stdout == ""
    assert told.stderr == (
        f"allears: nobody listens at 127.0.0.1:{port}: start `allears call --listen {port}` "
        "there first\n"
    )


def test_a_host_that_does_not_exist(room: Path) -> None:
    told = run("call", "in.wav", "--to", "host.invalid:5004", cwd=room, expect=2)
    assert told.stdout == ""
    (line,) = told.stderr.splitlines()
    assert line.startswith("allears: cannot reach host.invalid:5004: ")
    assert line.endswith("; check the host's name and network")


def test_a_call_of_some_seconds(room: Path, port: int) -> None:
    """Without --json there is one line on stdout, which ends with where the recording is."""
    listening = "--listen", f"127.0.0.1:{port}", "--seconds", 0.5
    told = run("call", "out.wav", *listening, cwd=room).stdout
    assert told.count("\n") == 1
    assert " · 0 packets received, 0 lost (0.0%), 0 late · " in told and told.endswith("out.wav\n")
    assert soundfile.info(room / "out.wav").frames == 0
