"""What `allears inspect` says of real packets in files of every kind."""

import json
import random
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from allears.link.sender import Redundancy, Sender, SenderConfig
from allears.wire import bitfile, pcap, rtcp
from allears.wire.bitfile import BitPacket
from allears.wire.opus import OpusPacket
from allears.wire.pcap import Datagram
from allears.wire.rtp import RtpPacket
from tests.cli.command import COMMAND, ENVIRONMENT, inspect_within, run, within
from tests.real import REFERENCE, needs_reference, packets, speech

KEYS = [
    "packet", "time", "bytes", "bits", "final_range", "rtp", "mode", "bandwidth", "stereo", "frames",
    "frame_ms", "dtx", "lbrr", "red", "extensions", "dred", "covered_ms",
    "dred_copy_bitrate", "error",
]  # fmt: skip
OPUS_KEYS = KEYS[6:18]
HERE, THERE = ("192.0.2.1", 40_000), ("192.0.2.2", 5004)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("room")


def stored(path: Path, payloads: list[bytes]) -> None:
    path.write_bytes(bitfile.serialise([BitPacket(each, 7) for each in payloads]))


def test_a_bit_file_from_a_shell(room: Path) -> None:
    payloads = list(packets(inband_fec=True)[:100])
    stored(room / "a.bit", payloads)
    lines = [
        json.loads(line) for line in run("inspect", "a.bit", "--json", cwd=room).stdout.splitlines()
    ]
    assert [list(line) for line in lines] == [KEYS] * 100
    for number, (line, payload) in enumerate(zip(lines, payloads, strict=True)):
        packet = OpusPacket.parse(payload)
        assert line == {
            "packet": number, "time": round(0.02 * number, 6),
            "bytes": len(payload), "bits": 8 * len(payload), "final_range": 7, "rtp": None,
            "mode": packet.mode, "bandwidth": packet.bandwidth, "stereo": False,
            "frames": 1, "frame_ms": 20, "dtx": False, "lbrr": packet.lbrr[0], "red": [],
            "extensions": [], "dred": None, "covered_ms": 20 * packet.lbrr[0],
            "dred_copy_bitrate": None, "error": None,
        }  # fmt: skip
    assert 10 < sum(line["lbrr"] for line in lines) < 100


def test_every_key_on_every_packet(room: Path) -> None:
    """Also where a packet cannot be read, was not sent, or says nothing."""
    unreadable, unsent, quiet, padded = b"\x03", b"", packets()[9][:1], packets()[9]
    cut = bytes(OpusPacket.parse(padded).with_padding(bytes([2 * 34 + 1])))
    stored(room / "odd.bit", [packets()[8], unreadable, unsent, quiet, cut])
    found = inspect_within("odd.bit", cwd=room)
    assert [list(each) for each in found] == [KEYS] * 5
    whole, broken, nothing, dtx, trouble = found
    for each in (broken, nothing):
        assert {each[key] for key in OPUS_KEYS} == {None}
    assert broken["error"].startswith("Opus packet: ") and broken["bytes"] == 1
    assert nothing["error"] is None and nothing["bytes"] == 0
    assert dtx["dtx"] is True and dtx["error"] is None and whole["dtx"] is False
    assert trouble["mode"] == whole["mode"] and trouble["error"]
    assert [each["time"] for each in found] == [0, 0.02, 0.04, 0.06, 0.08]

    lines = within("inspect", "odd.bit", cwd=room).stdout.splitlines()
    assert "Opus packet: " in lines[2] and lines[3].endswith("not sent") and " dtx " in lines[4]
    assert lines[-1].startswith("5 packets, ")
    assert lines[-1].endswith("; not sent 1; not readable 2")


def sent(config: SenderConfig, seed: int, seconds: float = 2) -> list[RtpPacket]:
    return Sender(config, random.Random(seed)).push(speech(seconds=seconds))


@pytest.fixture(scope="module")
def capture(room: Path) -> list[RtpPacket]:
    """A call with RED and LBRR, a second beside it, RTCP and somebody else's datagrams."""
    config = SenderConfig(redundancy=Redundancy(lbrr=True, red=2), expected_loss=0.3)
    first, second = sent(config, 1), sent(replace(config, redundancy=Redundancy()), 2, 0.1)
    datagrams = [
        Datagram(0.02 * number, HERE, THERE, bytes(each)) for number, each in enumerate(first)
    ]
    datagrams += [
        Datagram(0.02 * number, THERE, HERE, bytes(each)) for number, each in enumerate(second)
    ]
    datagrams += [
        Datagram(1.5, HERE, THERE, rtcp.goodbye(first[0].ssrc)),
        Datagram(1.6, HERE, THERE, b"an advertisement"),
        Datagram(1.7, HERE, THERE, bytes(replace(first[0], payload_type=96))),
    ]
    datagrams.sort(key=lambda each: each.time)
    moved = [replace(each, time=each.time + 1.7e9) for each in datagrams]
    (room / "call.pcap").write_bytes(pcap.serialise(moved))
    return first


def test_a_capture_with_red_and_lbrr(room: Path, capture: list[RtpPacket]) -> None:
    found = inspect_within("call.pcap", cwd=room)
    assert len(found) == len(capture) + 5
    assert all(list(each) == KEYS for each in found)
    mine = [each for each in found if each["rtp"]["ssrc"] == capture[0].ssrc]
    for number, (each, packet) in enumerate(zip(mine, capture, strict=True)):
        assert each["rtp"] == {
            "payload_type": 63,
            "sequence": packet.sequence,
            "timestamp": packet.timestamp,
            "ssrc": packet.ssrc,
            "marker": number == 0,
        }
        assert each["bytes"] == len(packet.payload)
        assert each["time"] == pytest.approx(0.02 * number, abs=1e-6)
        assert each["final_range"] is each["error"] is None
        levels = [20 * level for level in range(min(2, number), 0, -1)]
        assert [copy["offset_ms"] for copy in each["red"]] == levels
        assert each["covered_ms"] == max(levels, default=20 if each["lbrr"] else 0)
    # What is repeated is as long as what was sent before.
    sizes = [each["bytes"] - 1 - sum(4 + copy["bytes"] for copy in each["red"]) for each in mine]
    for before, each in zip(sizes, mine[1:], strict=False):
        assert each["red"][-1]["bytes"] == before
    assert sum(each["lbrr"] for each in mine) > 50
    others = [each for each in found if each["rtp"]["ssrc"] != capture[0].ssrc]
    assert {each["rtp"]["payload_type"] for each in others} == {111}
    assert all(each["red"] == [] for each in others)


def test_a_capture_as_a_person_sees_it(room: Path, capture: list[RtpPacket]) -> None:
    lines = within("inspect", "call.pcap", cwd=room).stdout.splitlines()
    names = ["packet", "time", "stream", "seq", "bytes", "mode", "band", "frames", "LBRR", "RED"]
    assert lines[0].split() == [*names, "covers", "extensions"]
    streams = [line.split()[2] for line in lines[1:-1]]
    assert streams.count("1") == len(capture) and streams.count("2") == 5
    last = lines[-2].split()
    assert last[3:5] == [str(capture[-1].sequence), str(len(capture[-1].payload))]
    assert last[-4:] == ["yes", "2", "40", "ms"]
    assert re.match(
        r"105 packets, 2\.10 s of audio, [\d.]+ kb/s; with LBRR \d+, RED 99, DRED 0$", lines[-1]
    )


def test_payload_types_as_negotiated(room: Path) -> None:
    each = sent(SenderConfig(), 3, 0.2)
    moved = [Datagram(0.0, HERE, THERE, bytes(replace(packet, payload_type=96))) for packet in each]
    (room / "moved.pcap").write_bytes(pcap.serialise(moved))
    found = inspect_within("moved.pcap", "--opus-type", 96, cwd=room)
    assert [packet["bytes"] for packet in found] == [len(packet.payload) for packet in each]
    assert {packet["error"] for packet in found} == {None}


@pytest.mark.parametrize("name", ["a.opus", "a.webm"])
def test_a_container(room: Path, name: str) -> None:
    samples = np.tile(np.repeat(speech(seconds=2), 3), 1)
    with av.open(room / name, "w") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = 32_000
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="flt", layout="mono")
        frame.sample_rate = 48_000
        for part in (frame, None):
            container.mux(stream.encode(part))
    found = inspect_within(name, cwd=room)
    assert 100 <= len(found) <= 102
    assert [each["time"] for each in found] == pytest.approx(
        [0.02 * at for at in range(len(found))]
    )
    assert {(each["frames"], each["frame_ms"], each["error"]) for each in found} == {(1, 20, None)}
    assert 20 < sum(each["bits"] for each in found) / 2000 < 45
    with av.open(room / name) as container:
        sizes = [packet.size for packet in container.demux(audio=0) if packet.size]
    assert [each["bytes"] for each in found] == sizes


@needs_reference
def test_deep_redundancy_as_libopus_reads_it(room: Path) -> None:
    """Every packet's header, and with the tables of its model how many latents it carries."""
    tables = REFERENCE / "dred_stats_q8.npz"
    found = inspect_within(REFERENCE / "jfk/packets.bit", "--dred-tables", tables, cwd=room)
    expected = reference_headers()
    assert len(found) == len(expected) > 500
    sizes = {"bytes", "bits", "covered_ms"}
    for each, header in zip(found, expected, strict=True):
        assert list(each) == KEYS and each["error"] is None
        if header is None:
            assert each["dred"] is None and each["covered_ms"] == 0
            continue
        dred = each["dred"]
        assert {key: dred[key] for key in dred.keys() - sizes} == {
            "kind": "opus", "model_hash": None, "q0": header["q0"], "dQ": header["dQ"], "qmax": header["qmax"],
            "offset": header["raw_offset"], "extra": header["extra"],
            "dred_offset": header["dred_offset"], "latents": header["nb_latents"],
        }  # fmt: skip
        assert dred["bytes"] == header["payload_bytes"] + 2  # its tag
        assert dred["bits"] == 8 * dred["bytes"]
        assert dred["covered_ms"] == each["covered_ms"]
        assert dred["covered_ms"] == 40 * header["nb_latents"] - 2.5 * header["dred_offset"]
        assert {"id": 126, "frame": 0, "bytes": dred["bytes"]} in each["extensions"]


@needs_reference
def test_deep_redundancy_without_tables(room: Path) -> None:
    """The header is known, and how far it reaches is not."""
    found = inspect_within(REFERENCE / "jfk/packets.bit", cwd=room)
    for each, header in zip(found, reference_headers(), strict=True):
        if header:
            assert each["dred"]["q0"] == header["q0"]
            assert each["dred"]["latents"] is each["dred"]["covered_ms"] is None
            assert each["covered_ms"] is None
    lines = within("inspect", REFERENCE / "jfk/packets.bit", cwd=room).stdout.splitlines()
    assert "; with LBRR 0, RED 0, DRED 547; DRED 19.2 kb/s" in lines[-1]
    assert lines[4].endswith("?  DRED 22 bytes: q0 6 dQ 5 qmax 15 offset 10")


def reference_headers() -> list[dict[str, int] | None]:
    """Of each packet, the fields that libopus' decoder printed."""
    headers: list[dict[str, int] | None] = []
    for line in (REFERENCE / "jfk/dec_meta.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        fields: dict[str, Any] = dict(re.findall(r"(\w+)=(-?\d+)", line))
        headers.append({name: int(value) for name, value in fields.items()} or None)
    return headers


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_reader_of_one_line(room: Path, form: list[str]) -> None:
    """As with `| head -1`: quiet, and at once."""
    stored(room / "long.bit", list(packets()) * 50)
    command = subprocess.Popen(
        [*COMMAND, "inspect", "long.bit", *form],
        cwd=room,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert command.stdout and command.stderr
    assert "packet" in command.stdout.readline()
    command.stdout.close()
    assert command.stderr.read() == ""
    command.stderr.close()
    assert command.wait(60) == 1
