"""Deep redundancy by the real command: sent, written, heard, simulated and live."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from allears.audio.files import write_wav
from allears.audio.libopus import Decoder
from allears.wire import extensions
from allears.wire.dred import DredPayload, EntropyTables
from allears.wire.opus import OpusPacket
from tests.cli.command import call_within, inspect_within, refused, run, within
from tests.real import REFERENCE, needs_reference, speech
from tests.weights import released

SECONDS = 3
OPUS_DRED = [(126, 0, b"D\x0c")]
"""Extension, frame, and the beginning of what libopus 1.6 sends."""

BURSTS = "--loss", "burst:25%:160ms", "--seed", 2


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three seconds of speech, 16 kHz."""
    folder = tmp_path_factory.mktemp("room")
    write_wav(folder / "in.wav", speech("lj", SECONDS), 16_000)
    return folder


def test_bursts_are_rebuilt(room: Path) -> None:
    told = call_within("in.wav", "out.wav", "--redundancy", "dred", *BURSTS, cwd=room)
    frames, lost = told["frames"], told["packets"]["lost"]
    assert told["redundancy"] == "dred:1040" and lost > 20
    assert lost - 5 <= frames["dred"] <= lost  # nothing comes after the last
    assert frames["concealed"] == 0
    assert told["delay_ms"] == pytest.approx(1060, abs=1)
    assert 12 < told["redundancy_kbps"] < told["payload_kbps"] - 20
    assert told["packets"]["dred_unknown"] == told["packets"]["dred_malformed"] == 0


def test_how_long_to_wait_is_a_choice(room: Path) -> None:
    told = call_within("in.wav", "out.wav", "--redundancy", "dred", "--wait", 0, *BURSTS, cwd=room)
    assert told["rewinds"] > 0 and told["frames"]["dred"] > told["frames"]["neural"] > 0
    assert told["delay_ms"] < 700


def test_who_guesses_is_a_choice(room: Path) -> None:
    for who, label in (("neural", "neural"), ("opus", "concealed")):
        told = call_within("in.wav", "--conceal", who, *BURSTS, cwd=room)
        guessed = told["frames"]["neural"] + told["frames"]["concealed"]
        assert told["frames"][label] == guessed > 10


def test_packets_written_carry_it(room: Path) -> None:
    sent = call_within(
        "in.wav", "--redundancy", "dred:600", "--write-bit", "deep.bit", *BURSTS, cwd=room
    )
    packets = inspect_within("deep.bit", cwd=room)
    carried = [packet["dred"]["bytes"] for packet in packets if packet["dred"]]
    assert len(carried) > 0.9 * len(packets)
    kbps = 8 * sum(carried) / SECONDS / 1000
    assert kbps == pytest.approx(sent["redundancy_kbps"], abs=2)  # without what stands around it

    heard = call_within("deep.bit", "--weights", "allears", *BURSTS, cwd=room)
    assert heard["labels"][:130] == sent["labels"][:130]
    assert heard["redundancy_kbps"] == pytest.approx(sent["redundancy_kbps"], rel=0.02)
    told = within("call", "deep.bit", "--no-scores", *BURSTS, cwd=room)
    assert told.returncode == 0 and "name the weights that it was made with" in told.stdout
    assert " of it DRED, with RTP/UDP/IP headers " in told.stdout


@needs_reference
@pytest.mark.parametrize(
    ("milliseconds", "options"),
    [(1040, ("--bitrate", 32)), (400, ("--rate", 48_000, "--frame-ms", 10))],
)
def test_packets_written_are_as_opus_writes_them(
    room: Path, tmp_path: Path, milliseconds: int, options: tuple[object, ...]
) -> None:
    """Record by record what opus_demo reads, and in the padding what its decoder looks for."""
    released.models().save(tmp_path)
    redundancy = "--redundancy", f"lbrr+dred:{milliseconds}", "--weights", tmp_path
    told = call_within("in.wav", *redundancy, *options, "--write-bit", "o.bit", cwd=room)
    with np.load(released.TABLES) as stored:
        tables = EntropyTables.from_arrays(stored)
    decoder, covered = Decoder(told["rate"]), []
    for packet, final_range in records((room / "o.bit").read_bytes()):
        decoder.decode(packet)
        assert decoder.final_range == final_range
        opus = OpusPacket.parse(packet)
        found = extensions.parse(opus.padding or b"", len(opus.frames))
        assert [(each.id, each.frame, each.data[:2]) for each in found] in (OPUS_DRED, [])
        covered += [DredPayload.parse(each.data[2:], tables).covered_ms for each in found]
    assert told["packets"]["sent"] - len(covered) <= 1  # the first may have nothing to tell
    # Of the oldest latents, 40 ms each, so little may be left in silence that no decoder reads it.
    full = covered[len(covered) // 2 :]
    assert milliseconds - 200 < min(full) and np.median(full) > milliseconds - 20
    assert max(covered) < milliseconds + 5


def records(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Packet and final range of each record: their lengths, big-endian, come first."""
    at = 0
    while at < len(data):
        size, final_range = struct.unpack_from(">II", data, at)
        yield data[at + 8 : at + 8 + size], final_range
        at += 8 + size
    assert at == len(data)


def test_weights_of_opus_must_be_imported_first(room: Path) -> None:
    with mock.patch.dict(os.environ, {"XDG_DATA_HOME": str(room / "nothing")}):
        line = refused("call", "in.wav", "--redundancy", "dred", "--weights", "opus", cwd=room)
    assert line.endswith("import them: allears weights import opus-1.6.1.tar.gz")


@needs_reference
def test_what_opus_demo_sent_is_rebuilt_with_the_weights_of_opus(tmp_path: Path) -> None:
    released.models().save(tmp_path)
    stored, losses = REFERENCE / "jfk/packets.bit", REFERENCE / "jfk/loss.txt"
    told = call_within(stored, "--trace", losses, "--weights", tmp_path, cwd=tmp_path)
    assert told["frames"]["dred"] > 0.95 * told["packets"]["lost"] > 100
    other = call_within(stored, "--trace", losses, "--weights", "allears", cwd=tmp_path)
    assert other["frames"]["dred"] == 0
    assert other["packets"]["dred_unknown"] > 0.9 * told["frames"]["received"]


@pytest.mark.live
def test_bursts_come_back_in_a_live_call(room: Path, port: int, listen: Any) -> None:
    listener = listen("live.wav", "--rate", 16_000, "--conceal", "neural")
    sending = "--redundancy", "dred", "--loss", "burst:25%:200ms", "--seed", 2
    write_wav(room / "long.wav", speech("lj"), 16_000)
    run("call", "long.wav", "--to", f"127.0.0.1:{port}", *sending, cwd=room)
    end = listener.end()
    assert 0.1 < end["loss_rate"] < 0.4
    assert end["dred_unknown"] == end["dred_malformed"] == 0
    # How often it has to go back depends on how late packets come on this machine.
    assert end["frames"]["dred"] > end["frames"]["neural"]
    assert end["frames"]["concealed"] == 0
