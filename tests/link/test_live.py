"""Calls between real processes over real UDP on loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from allears.audio import files
from allears.score import align
from tests.real import CLIPS, speech

COMMAND = [sys.executable, "-c", "from allears.cli.main import main; main()", "call"]


@pytest.fixture
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@pytest.fixture
def start() -> Iterator[object]:
    """Start `allears call …`; whatever still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def run(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def lines(process: subprocess.Popen[str], seconds: float = 60) -> list[dict[str, object]]:
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == 0, err
    return [json.loads(line) for line in out.splitlines()]


def until_it_says(process: subprocess.Popen[str], field: str, least: int) -> None:
    """Read a process' lines until a count in them is large enough."""
    assert process.stdout
    for line in process.stdout:
        if json.loads(line)[field] >= least:
            return
    raise AssertionError(f"ended before {field} was {least}")


def listening(port: int) -> bool:
    """Whether somebody has bound the port, by the kernel's own table."""
    return f":{port:04X} " in Path("/proc/net/udp").read_text()


def until(condition, seconds: float = 30) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into Linux' /proc/net/udp")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "said.wav"
    files.write_wav(path, speech(seconds=4), 16_000)
    return path


@linux
def test_two_processes_call_each_other_on_a_bad_network(start, port: int, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Both speak and listen at once, at 20 % loss with reordering; RED brings most of it back."""
    clip = CLIPS / "lj.flac"  # long enough that neither misses much while the other starts
    other = port + 1 if port < 65_000 else port - 1
    worse = ("--loss", "20%", "--reorder", "0.1", "--jitter", "5", "--redundancy", "lbrr+red:2")
    heard = [tmp_path / "heard-a.wav", tmp_path / "heard-b.wav"]
    shared = ("--rate", 16_000, *worse)
    one = start(
        clip, heard[0], "--listen", f"127.0.0.1:{port}", "--to", f"127.0.0.1:{other}", *shared
    )
    until(lambda: listening(port))
    two = start(
        clip, heard[1], "--listen", f"127.0.0.1:{other}", "--to", f"127.0.0.1:{port}", *shared,
        "--seed", 5,
    )  # fmt: skip
    ends = [lines(one)[-1], lines(two)[-1]]
    for end, path in zip(ends, heard, strict=True):
        frames = end["frames"]
        assert isinstance(frames, dict)
        assert end["event"] == "end" and 0.05 < float(str(end["loss_rate"])) < 0.4
        assert frames["red"] + frames["lbrr"] > 5 * frames["concealed"]
        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == 16_000 and len(samples) > 2.5 * rate


@linux
def test_a_killed_sender_is_heard_again_when_it_comes_back(
    start, clip: Path, port: int, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    heard = tmp_path / "heard.wav"
    listener = start(heard, "--listen", f"127.0.0.1:{port}", "--rate", 16_000)
    until(lambda: listening(port))
    first = start(clip, "--to", f"127.0.0.1:{port}", "--again")
    until_it_says(listener, "received", 60)
    first.send_signal(signal.SIGKILL)
    first.wait()
    time.sleep(0.5)
    second = start(clip, "--to", f"127.0.0.1:{port}")
    assert lines(second)[-1]["sent"] == 201
    end = lines(listener)[-1]
    assert end["streams"] == 2 and end["lost"] == 0
    samples, _ = soundfile.read(heard, dtype="float32")
    said = speech(seconds=4)
    # The whole of the second call is in it, at its end.
    lag = align.delay(said, samples, len(samples))
    assert lag > 16_000
    assert end["frames"]["received"] > 201 + 50  # type: ignore[index]


@linux
def test_a_killed_listener_hears_the_rest_when_it_comes_back(
    start, clip: Path, port: int, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    caller = start(clip, "--to", f"127.0.0.1:{port}", "--again", "--seconds", 12)
    first = start(tmp_path / "first.wav", "--listen", f"127.0.0.1:{port}")
    until_it_says(first, "received", 40)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = start(tmp_path / "second.wav", "--listen", f"127.0.0.1:{port}", "--rate", 16_000)
    end = lines(second)[-1]
    assert lines(caller)[-1]["sent"] > 400
    assert end["frames"]["received"] > 100  # type: ignore[index]
    assert not (tmp_path / "first.wav").exists()
    samples, _ = soundfile.read(tmp_path / "second.wav", dtype="float32")
    assert abs(samples).max() > 0.1


@linux
def test_garbage_on_the_port_is_counted_and_nothing_else(start, port: int, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    listener = start(tmp_path / "heard.wav", "--listen", f"127.0.0.1:{port}")
    until(lambda: listening(port))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as shout:
        for size in range(200):
            shout.sendto(os.urandom(size), ("127.0.0.1", port))
    caller = start(CLIPS / "lj.flac", "--to", f"127.0.0.1:{port}", "--seconds", 2)
    lines(caller)
    end = lines(listener)[-1]
    assert int(str(end["malformed"])) > 100
    assert end["frames"]["received"] > 80  # type: ignore[index]
