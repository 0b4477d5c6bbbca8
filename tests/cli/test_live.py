"""Live calls between real processes on loopback, as a user holds them."""

import json
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from allears.audio.files import write_wav
from tests.cli.command import finish, run, start
from tests.real import speech

SECONDS = 3
KEYS = {
    "event", "seconds", "sent", "received", "lost", "loss_rate", "late", "duplicates", "malformed",
    "dred_unknown", "dred_malformed", "rewinds", "streams", "frames", "delay_ms",
}  # fmt: skip


@pytest.fixture
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@pytest.fixture
def room(tmp_path: Path) -> Path:
    write_wav(tmp_path / "in.wav", speech(seconds=SECONDS), 16_000)
    return tmp_path


class Listener:
    """`allears call --listen`, once it listens."""

    def __init__(self, room: Path, port: int, *arguments: object) -> None:
        where = f"127.0.0.1:{port}"
        self.process = start("call", "--listen", where, *arguments, "--json", cwd=room)
        self.said = [self.next()]  # it speaks every second from the moment that it listens

    def next(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "ended"
        found: dict[str, Any] = json.loads(line)
        return found

    def until_received(self, packets: int) -> None:
        while self.said[-1]["received"] < packets:
            self.said.append(self.next())

    def end(self) -> dict[str, Any]:
        """The last line, once the process has ended well; every line is alike."""
        self.said += [json.loads(line) for line in finish(self.process).stdout.splitlines()]
        assert all(line.keys() == KEYS for line in self.said)
        assert {line["event"] for line in self.said[:-1]} == {"statistics"}
        assert self.said[-1]["event"] == "end"
        return self.said[-1]


@pytest.fixture
def listen(room: Path, port: int) -> Iterator[Any]:
    """Begins to listen; whatever still does at the end is killed."""
    listeners: list[Listener] = []

    def begin(*arguments: object) -> Listener:
        listeners.append(Listener(room, port, *arguments))
        return listeners[-1]

    yield begin
    for listener in listeners:
        listener.process.kill()
        listener.process.communicate()


@pytest.fixture
def caller(room: Path, port: int) -> Iterator[Any]:
    """Speaks over and over to whoever listens, once somebody does."""
    processes: list[Any] = []

    def begin() -> Any:
        speaking = "call", "in.wav", "--to", f"127.0.0.1:{port}", "--again"
        processes.append(start(*speaking, cwd=room))
        return processes[-1]

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


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
    # On a busy machine packets may come late: what is compared is the longest undisturbed stretch.
    said = speech(seconds=SECONDS)
    pieces = [said[at : at + 8000] for at in range(0, len(said) - 8000, 8000)]
    likeness = [best_likeness(piece, samples) for piece in pieces]
    assert np.median(likeness) > 0.95
    assert not list(room.glob("*.part"))


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
