"""Live calls between processes on loopback, from and into a `room`, which each module has of its own."""

import json
import socket
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import finish, start

KEYS = {
    "event", "seconds", "sent", "received", "lost", "loss_rate", "late", "duplicates", "malformed",
    "dred_unknown", "dred_malformed", "rewinds", "streams", "frames", "delay_ms",
}  # fmt: skip


PROC_STAT = Path("/proc/stat")
MOST_STOLEN = 0.02
"""Share of the processors' time that a host may take away before nobody can keep real time."""


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A live call that fails on a virtual machine which stood still says so."""
    stolen, whole = processor_time()
    try:
        return (yield)
    except AssertionError:
        if pyfuncitem.get_closest_marker("live") is None:
            raise
        now_stolen, now_whole = processor_time()
        share = (now_stolen - stolen) / max(1, now_whole - whole)
        if share > MOST_STOLEN:
            pytest.skip(f"the host took {share:.0%} of this machine's time away meanwhile")
        raise


def processor_time() -> tuple[int, int]:
    """What was stolen of it, and all, in ticks; Linux alone tells."""
    if not PROC_STAT.exists():
        return 0, 0
    ticks = [int(each) for each in PROC_STAT.read_text().splitlines()[0].split()[1:9]]
    return ticks[7], sum(ticks)


@pytest.fixture
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


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
def listen(room: Path, port: int) -> Iterator[Callable[..., Listener]]:
    """Begins to listen, at `port` unless `at` another; whatever still does at the end is killed."""
    listeners: list[Listener] = []

    def begin(*arguments: object, at: int = port) -> Listener:
        listeners.append(Listener(room, at, *arguments))
        return listeners[-1]

    yield begin
    for listener in listeners:
        listener.process.kill()
        listener.process.communicate()


@pytest.fixture
def caller(room: Path, port: int) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Speaks over and over to whoever listens, once somebody does."""
    processes: list[subprocess.Popen[str]] = []

    def begin(*arguments: object) -> subprocess.Popen[str]:
        speaking = "call", "in.wav", "--to", f"127.0.0.1:{port}", "--again", *arguments
        processes.append(start(*speaking, cwd=room))
        return processes[-1]

    yield begin
    for process in processes:
        process.kill()
        process.communicate()
