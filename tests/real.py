"""Real material: speech that ships with the package, and reference data that may lie beside it."""

import struct
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from jaxtyping import Float32

from allears.audio.libopus import Encoder

REPOSITORY = Path(__file__).parents[1]
CLIPS = REPOSITORY / "src/allears/demo/clips"
REFERENCE = REPOSITORY.parent / "shared/interop/opus"

needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="libopus' own reference output is not beside this checkout"
)


@cache
def speech(name: str = "lj", seconds: float | None = None) -> Float32[np.ndarray, " samples"]:
    """A shipped clip, 16 kHz in ±1."""
    samples, rate = soundfile.read(CLIPS / f"{name}.flac", dtype="float32")
    assert rate == 16_000
    return samples[: None if seconds is None else int(seconds * rate)]


@cache
def packets(
    bitrate: int = 24_000,
    inband_fec: bool = False,
    frame_ms: float = 20,
    complexity: int = 5,
    clip: str = "lj",
) -> tuple[bytes, ...]:
    """A shipped clip as real Opus packets."""
    encoder = Encoder(
        16_000,
        bitrate=bitrate,
        inband_fec=inband_fec,
        expected_loss=0.25,
        frame_ms=frame_ms,
        complexity=complexity,
    )
    samples = speech(clip)
    whole = len(samples) // encoder.frame_size * encoder.frame_size
    return tuple(encoder.encode(frame) for frame in samples[:whole].reshape(-1, encoder.frame_size))


def length_prefixed(path: Path) -> list[bytes]:
    """The records of a file of [u32 big-endian length][bytes]."""
    data, at, records = path.read_bytes(), 0, []
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        records.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return records
