"""The fuzzer's short form, and that no parser's work grows faster than its input."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from fuzz.targets import TARGETS, member, record
from safetensors.numpy import save

from allears.wire import bitfile, extensions, pcap, rtcp
from allears.wire.bitfile import BitPacket
from allears.wire.opus import OpusPacket
from allears.wire.rtp import RtpPacket
from tests.real import REPOSITORY, packets


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this machine"
)
def test_coverage_guided_fuzzing_finds_nothing() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "fuzz", "--runs", "30000"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert f"{len(TARGETS)} passed, 0 failed" in run.stdout


def work(target: Callable[[bytes], None], data: bytes) -> int:
    """How many lines of our package run: the same at every try, unlike time."""
    count = 0

    def trace(frame, event, _):  # type: ignore[no-untyped-def]
        nonlocal count
        if "allears" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    sys.settrace(trace)
    try:
        target(data)
    finally:
        sys.settrace(None)
    return count


def many_datagrams(n: int) -> bytes:
    packet = packets()[50]
    stream = [
        bytes(RtpPacket(111, number & 0xFFFF, 17 * number, 7, packet)) for number in range(n // 30)
    ]
    return b"".join(bytes([len(datagram)]) + datagram for datagram in stream)


def rtp_extension(n: int) -> bytes:
    head = b"\x9f\x6f" + bytes(70) + bytes.fromhex("bede") + (n // 4).to_bytes(2)
    return head + b"\x10\x00" * (n // 2)


def repeated(n: int) -> bytes:
    return b"\x00" + b"\x07\x00" * (n // 4) + b"\x05" * (n // 4) + b"\x41\x00" * (n // 4)


def padded(n: int) -> bytes:
    padding = extensions.serialise([extensions.Extension(40, 0, b"")] * (n // 2))
    return b"\x00" + bytes(OpusPacket(9, False, 0, (b"x",)).with_padding(padding))


def many_records(n: int) -> bytes:
    empty = pcap.Datagram(0.0, ("127.0.0.1", 1), ("127.0.0.1", 2), b"")
    return pcap.serialise([empty] * (n // 44))


def many_tensors(n: int) -> bytes:
    tensors = {f"{number:06}": np.zeros(1, np.uint8) for number in range(n // 65)}
    return save(tensors, {"kind": "recogniser", "format": "1", "config": "{}"})


WORST: dict[str, Callable[[int], bytes]] = {
    "rtp": rtp_extension,
    "red": lambda n: b"\xef\x00\x00\x00" * (n // 4) + b"\x6f",
    "opus": lambda n: b"\x4b\x41" + b"\xff" * (n // 256) + b"\x00" + bytes(n),
    "extensions": repeated,
    "dred": lambda n: bytes(min(n, 990)),
    "inspection": padded,
    "bitfile": lambda n: bitfile.serialise([BitPacket(b"", 0)] * (n // 8)),
    "pcap": many_records,
    "rtcp": lambda n: rtcp.goodbye(1) * (n // 16),
    "trace": lambda n: b"0 1\n" * (n // 4),
    "receiver": many_datagrams,
    "blob": lambda n: b"".join(record(b"%d" % number, 0, b"") for number in range(n // 64)),
    "archive": lambda n: member("opus/dnn/README") * round(n / 512),
    "source": lambda n: b"".join(b"const int a%04d[1]={1};" % number for number in range(n // 22)),
    "recogniser": many_tensors,
    "graph": lambda n: bytes.fromhex("3a020a00") * (n // 4),
    "results": lambda n: b"\0speaker,errors,words\n" + b"a,1,2\n" * (n // 6),
}


@pytest.mark.parametrize("name", TARGETS)
def test_work_grows_no_faster_than_the_input(name: str) -> None:
    small, large = (WORST[name](size) for size in (2_000, 16_000))
    if name == "dred":
        assert work(TARGETS[name], large) < 100_000  # its size is bounded instead
        return
    ratio = len(large) / len(small)
    assert 7 < ratio < 9
    assert work(TARGETS[name], large) < 1.3 * ratio * work(TARGETS[name], small)
    assert work(TARGETS[name], small) > 30
