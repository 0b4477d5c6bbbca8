"""The commands that hear sound: pipes, what they write while it comes, and Python without torch."""

import json
import select
import subprocess
import sys

import numpy as np
import soundfile

from allears.audio.files import to_int16
from tests.cli.command import COMMAND
from tests.real import speech

RATE = 16_000


def furnish(room):
    """A folder with sound, and with what is none."""
    soundfile.write(room / "a.wav", speech("lj", 3), RATE)
    soundfile.write(room / "none.wav", np.zeros(0), RATE)
    broken = speech("lj", 6).copy()
    broken[-1] = np.nan
    soundfile.write(room / "nan.wav", broken, RATE, subtype="FLOAT")
    (room / "text.txt").write_text("no sound\n" * 99)
    (room / "empty.wav").write_bytes(b"")


def objects(text):
    """What lines of JSON say."""
    return [json.loads(line) for line in text.splitlines()]


def raw(sound):
    """16-bit samples as a pipe has them."""
    return to_int16(sound).astype("<i2").tobytes()


def next_line(process):
    """A line that comes while stdin is open."""
    ready, _, _ = select.select([process.stdout], [], [], 120)
    assert ready, "nothing came"
    return process.stdout.readline()


def piped(command, *arguments, cwd, file):
    """The real command, which hears a file, or nothing, through its stdin."""
    return subprocess.run(
        [*COMMAND, command, "-", *map(str, arguments)],
        cwd=cwd, stdin=file, capture_output=True, text=True, check=False,
    )  # fmt: skip


def without_torch(*arguments, cwd):
    """The command in a Python that has no torch."""
    code = (
        "import sys; sys.modules['torch'] = sys.modules['onnx'] = None\n"
        f"sys.argv = {['allears', *map(str, arguments)]}\n"
        "from allears.cli.main import main; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False
    )
