"""Bad input: exit code 2, one line that names what is wrong and what to do, and nothing left behind."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from allears.audio.files import write_wav
from allears.wire import pcap, rtcp
from allears.wire.bitfile import BitPacket, serialise
from allears.wire.pcap import Datagram
from tests.cli.command import refused, run, within
from tests.real import packets, speech

AUDIO = "give a recording such as WAV, FLAC, MP3, Ogg, M4A or WebM"
PACKETS = "give a .bit, .pcap, .pcapng, .opus or .webm file"
TRACE = "write a 0 (arrives) or 1 (lost) per packet"
OPEN = "cannot be opened (No such file or directory); check its name and permissions"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one good recording and much that is not."""
    folder = tmp_path_factory.mktemp("room")
    write_wav(folder / "in.wav", speech(seconds=1), 16_000)
    (folder / "empty").touch()
    (folder / "noise.wav").write_bytes(os.urandom(4000))
    (folder / "folder").mkdir()
    broken = speech(seconds=1).copy()
    broken[100] = np.nan
    soundfile.write(folder / "nan.wav", broken, 16_000, subtype="FLOAT")
    stored = serialise([BitPacket(packet, 7) for packet in packets()[:20]])
    (folder / "good.bit").write_bytes(stored)
    (folder / "cut.bit").write_bytes(stored[:-3])
    (folder / "unsent.bit").write_bytes(serialise([BitPacket(b"", 0)] * 9))
    (folder / "celery.bit").write_bytes(serialise([BitPacket(b"\x03", 0)]))
    end = ("192.0.2.1", 5004)
    others = [b"not RTP, but somebody's datagram", rtcp.goodbye(7)]
    capture = pcap.serialise([Datagram(0.0, end, end, each) for each in others])
    (folder / "chatter.pcap").write_bytes(capture)
    (folder / "cut.pcap").write_bytes(capture[:-3])
    rtp = bytes([0x80, 96]) + bytes(10) + packets()[9]
    (folder / "other.pcap").write_bytes(pcap.serialise([Datagram(0.0, end, end, rtp)]))
    (folder / "word.txt").write_text("0 0\n1 x\n")
    (folder / "none.txt").write_text("# nothing yet\n")
    (folder / "noise.txt").write_bytes(b"\xff\x00\xfe" * 9)
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.wav")
    return folder


SIMULATED = {
    "no.wav out.wav": f"no.wav: {OPEN}",
    "empty out.wav": f"empty: the file is empty; {AUDIO}",
    "noise.wav out.wav": f"noise.wav: not audio, or damaged; {AUDIO}",
    "folder out.wav": "folder: is a directory; name one recording in it",
    "nan.wav out.wav": "nan.wav: some samples are NaN or infinite; write the file again",
    "no.bit out.wav": f"no.bit: {OPEN}",
    "cut.bit out.wav": "cut.bit: not a .bit file, or damaged: packet 19 at byte ",
    "unsent.bit out.wav": "unsent.bit: there is no packet in it; write one with --write-bit",
    "celery.bit out.wav": "celery.bit: not a .bit file, or damaged: Opus packet: ",
    "good.bit out.wav --redundancy red": "--redundancy is for recordings: good.bit is encoded",
    "good.bit out.wav --write-bit x.bit": "--write-bit is for recordings: good.bit is encoded",
    "in.wav out.wav --trace no.txt": f"no.txt: {OPEN}",
    "in.wav out.wav --trace folder": "folder: is a directory; name one file in it",
    "in.wav out.wav --trace word.txt": f"word.txt: loss trace, line 2: 'x' is neither 0 nor 1; {TRACE}",
    "in.wav out.wav --trace empty": "empty: loss trace without packets: ",
    "in.wav out.wav --trace none.txt": "none.txt: loss trace without packets: ",
    "in.wav out.wav --trace noise.txt": f"noise.txt: is not text; {TRACE}",
    "in.wav out.wav --trace word.txt --loss 20%": "--loss and --trace both say what is lost: give one",
    "in.wav out.wav --loss often": "loss 'often': 'often' is no rate; forms: none, 20%, ",
    "in.wav out.wav --loss burst:20%:5ms": "loss 'burst:20%:5ms': a burst lasts at least 1 packet",
    "in.wav out.wav --redundancy red:0": "redundancy 'red:0': use none, auto, lbrr, red or red:N",
    "in.wav out.wav --redundancy red:9 --frame-ms 60": "red:9 of 60 ms reaches further back than RED",
    "in.wav out.wav --redundancy dred:30": "redundancy 'dred:30': use none, auto, lbrr, red or red:N",
    "in.wav out.wav --redundancy dred --weights no": "no: there are no weights here; name a folder",
    "in.wav out.wav --conceal neural --weights folder": "folder/pitch.safetensors: ",
    "good.bit out.wav --weights in.wav": "in.wav: there are no weights here; name a folder of weights",
    "in.wav out.wav --wait 200": "--wait is for deep redundancy: give --redundancy dred, or --weights",
    "in.wav out.wav --dred-bitrate 9": "--dred-bitrate goes with --redundancy dred",
    "in.wav out.wav --redundancy dred --dred-bitrate 0": "--dred-bitrate 0: Opus takes 0.5 to 512",
    "in.wav out.wav --redundancy lbrr --frame-ms 5": "--redundancy lbrr: Opus has no LBRR in packets",
    "in.wav out.wav --bitrate 0": "--bitrate 0: Opus takes 0.5 to 512 kb/s",
    "in.wav out.wav --bitrate nan": "--bitrate nan: Opus takes 0.5 to 512 kb/s",
    "in.wav out.wav --frame-ms 15": "--frame-ms 15: use 2.5, 5, 10, 20, 40 or 60",
    "in.wav out.wav --rate 44100": "--rate 44100: Opus runs at 8000, 12000, 16000, 24000, 48000 Hz",
    "in.wav out.wav --seconds 1": "--seconds, --again and --patience go with --to or --listen",
    "in.wav no/out.wav": "no/out.wav: there is no folder no; create it first",
    "in.wav folder": "folder: is a directory; name a file in it",
    "in.wav in.wav": "in.wav: is named twice, and writing would replace it; choose another name",
    "in.wav out.flac": "out.flac: OUT is a WAV; name it out.wav",
    "in.wav out.wav --write-bit out.opus": "--write-bit out.opus: name it out.bit",
    "in.wav out.wav --write-bit no/out.bit": "no/out.bit: there is no folder no; create it first",
    "": "nothing to call: name a recording, or --listen PORT to be called",
}

LIVE = {
    "--to 127.0.0.1:5004": "--to needs a recording to send: allears call IN --to HOST:PORT",
    "in.wav --to nonsense": "--to 'nonsense': give HOST:PORT, with a port from 1 to 65535",
    "in.wav --to :5004": "--to ':5004': give HOST:PORT",
    "in.wav --to here:0": "--to 'here:0': give HOST:PORT",
    "in.wav out.wav --to 127.0.0.1:5004": "out.wav: nothing is heard to write there without --listen",
    "good.bit --to 127.0.0.1:5004": "good.bit: is encoded already; name the recording to send",
    "in.wav --to 127.0.0.1:5004 --conceal opus": "--conceal is for who listens: give it beside --listen",
    "in.wav --to 127.0.0.1:5004 --wait 9": "--wait is for who listens: give it beside --listen",
    "in.wav --to 127.0.0.1:5004 --weights opus": "--weights goes with --redundancy dred, or with --listen",
    "in.wav --to 127.0.0.1:5004 --redundancy dred --weights no": "no: there are no weights here; name",
    "out.wav --listen 5004 --weights no": "no: there are no weights here; name a folder of weights",
    "in.wav --to 127.0.0.1:5004 --loss often": "loss 'often': 'often' is no rate; forms: ",
    "in.wav --to 127.0.0.1:5004 --write-bit x.bit": "--write-bit is for calls without --to",
    "out.wav --listen 99999": "--listen '99999': give PORT or HOST:PORT, with a port from 1 to 65535",
    "out.wav --listen ten": "--listen 'ten': give PORT or HOST:PORT",
    "no/out.wav --listen 5004": "no/out.wav: there is no folder no; create it first",
    "folder --listen 5004": "folder: is a directory; name a file in it",
    "in.wav out.wav --listen 5004": "in.wav: a recording is sent --to HOST:PORT, which is missing",
    "out.wav --listen 5004 --loss 20%": "--loss is for who sends: give it beside --to",
    "out.wav --listen 5004 --again": "--again is for who sends",
}

INSPECT = {
    "no.bit": f"no.bit: {OPEN}",
    "folder": "folder: is a directory; name one file in it",
    "empty": f"empty: the file is empty; {PACKETS}",
    "in.wav": "in.wav: cut off, or no file of packets (packet 0 at byte 0: length 1380533830 is over",
    "cut.bit": "cut.bit: cut off, or no file of packets (packet 19 at byte ",
    "cut.pcap": "cut.pcap: byte 100: pcap record of ",
    "chatter.pcap": "chatter.pcap: there is no RTP in it; capture the UDP packets of a call",
    "other.pcap": "other.pcap: no RTP of payload type 111 or 63, but of 96: say which with --opus-type",
    "good.bit --dred-tables no.npz": "no.npz: cannot be read (No such file or directory); give the .npz",
    "good.bit --dred-tables empty": "empty: no .npz of DRED entropy tables; give the .npz",
    "good.bit --dred-tables in.wav": "in.wav: no .npz of DRED entropy tables; give the .npz",
}


@pytest.mark.parametrize("arguments", SIMULATED)
def test_a_simulated_call_that_cannot_be(room: Path, arguments: str) -> None:
    assert refused("call", *arguments.split(), cwd=room).startswith(SIMULATED[arguments])


@pytest.mark.parametrize("arguments", LIVE)
def test_a_live_call_that_cannot_be(room: Path, arguments: str) -> None:
    assert refused("call", *arguments.split(), cwd=room).startswith(LIVE[arguments])


@pytest.mark.parametrize("arguments", INSPECT)
def test_a_file_that_cannot_be_inspected(room: Path, arguments: str) -> None:
    assert refused("inspect", *arguments.split(), cwd=room).startswith(INSPECT[arguments])


@pytest.mark.parametrize("page", ["folder", "in.wav/page.html", "in.wav/new/page.html"])
def test_a_page_that_cannot_be_written(room: Path, page: str) -> None:
    """Refused before the calls, which take a while."""
    assert refused("demo", page, cwd=room).startswith(page)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with names")
def test_what_is_no_ordinary_file_is_not_replaced(room: Path) -> None:
    line = refused("call", "in.wav", "pipe.wav", cwd=room)
    assert line == "pipe.wav: is no ordinary file; choose another place"


def test_a_name_of_two_lines_is_told_in_one(room: Path) -> None:
    assert refused("call", "no\nsuch.wav", cwd=room) == f"no such.wav: {OPEN}"


@pytest.mark.parametrize(
    "arguments",
    [
        "call no.wav out.wav",
        "call good.bit out.wav --redundancy red",
        "call in.wav --to nonsense",
        "inspect cut.bit",
        "demo folder",
    ],
)
def test_the_same_in_a_process_of_its_own(room: Path, arguments: str) -> None:
    line = refused(*arguments.split(), cwd=room)
    told = run(*arguments.split(), cwd=room, expect=2)
    assert (told.stdout, told.stderr) == ("", f"allears: {line}\n")


MISUSE = [
    "call --nosuch",
    "call in.wav --bitrate much",
    "call in.wav --jitter inf",
    "call in.wav --reorder 2",
    "call in.wav out.wav more.wav",
    "inspect",
    "inspect good.bit --opus-type 128",
    "nosuch",
]


@pytest.mark.parametrize("arguments", MISUSE)
def test_misuse_shows_the_usage(room: Path, arguments: str) -> None:
    before = sorted(room.iterdir())
    told = within(*arguments.split(), cwd=room)
    assert (told.returncode, told.stdout) == (2, "")
    assert "Usage: allears" in told.stderr
    assert sorted(room.iterdir()) == before


def test_misuse_ends_a_process_the_same_way(room: Path) -> None:
    told = run(*MISUSE[0].split(), cwd=room, expect=2)
    assert "Usage: allears" in told.stderr and "Traceback" not in told.stderr


@pytest.mark.parametrize("command", ["", "call", "inspect", "demo"])
def test_help_fits_eighty_columns(room: Path, command: str) -> None:
    told = within(*command.split(), "--help", cwd=room)
    assert told.returncode == 0
    assert max(map(len, told.stdout.splitlines())) <= 80
    assert "…" not in told.stdout and f"Usage: allears {command}".rstrip() in told.stdout


def test_without_a_command_there_is_help(room: Path) -> None:
    told = within(cwd=room)
    assert "Usage: allears" in told.stdout + told.stderr


def test_the_version_names_libopus(room: Path) -> None:
    assert "libopus" in run("--version", cwd=room).stdout
