"""Bytes as they come through a pipe, WAV or raw, in pieces of any length."""

import io
import struct

import numpy as np
import pytest
import soundfile

from allears.audio import files
from allears.audio.arriving import ENDLESS, Arriving
from allears.audio.files import AudioFileError
from allears.audio.resample import resample
from tests.real import CLIPS, speech

RATE = 16_000


def stereo():
    left = resample(speech("lj"), RATE, 44_100)
    return np.stack([left, 0.25 * left[::-1]], 1)


def wav(subtype="PCM_16", rate=RATE, samples=None, form="WAV"):
    file = io.BytesIO()
    samples = speech("lj", 2) if samples is None else samples
    soundfile.write(file, samples, rate, format=form, subtype=subtype)
    return file.getvalue()


def arrived(data, size=997, **options):
    arriving = Arriving(RATE, **options)
    parts = [arriving.push(data[at : at + size]) for at in range(0, len(data), size)]
    return np.concatenate([*parts, arriving.end()])


@pytest.mark.parametrize("size", [1, 997, 1_000_000])
def test_raw_samples_are_heard_as_they_come(size):
    expected = speech("lj", 1)
    data = files.to_int16(expected).astype("<i2").tobytes()
    assert np.abs(arrived(data, size) - expected).max() < 1e-4
    arriving = Arriving(RATE)
    assert len(arriving.push(data[:2001])) == 1000
    assert len(arriving.push(data[2001:2003])) == 1


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
def test_wav_of_every_encoding(subtype, form):
    found = arrived(wav(subtype, form=form))
    expected = speech("lj", 2)
    assert len(found) == len(expected)
    assert np.abs(found - expected).max() < (0.02 if subtype == "PCM_U8" else 1e-4)


def test_wav_of_another_rate_in_stereo():
    data = wav(rate=44_100, samples=stereo(), subtype="FLOAT")
    expected = resample(stereo().mean(1), 44_100, RATE)
    assert np.abs(arrived(data) - expected).max() < 1e-4
    right = resample(stereo()[:, 1], 44_100, RATE)
    assert np.abs(arrived(data, channel=2) - right).max() < 1e-4
    with pytest.raises(AudioFileError, match="2 channels"):
        arrived(data, channel=3)


def test_the_length_that_a_pipe_claims_is_no_length():
    data = wav()
    at = data.index(b"data") + 4
    for claimed in (0, ENDLESS, 0xFFFFFFFF):
        found = arrived(data[:at] + struct.pack("<I", claimed) + data[at + 4 :])
        assert len(found) == 32_000
    assert len(arrived(data + b"LIST" + bytes(100))) == 32_000  # what follows is no sound


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no sound came"),
        (b"\0", "no sound came"),
        (b"RIFF", "no sound came"),
        (wav()[:44], "no sound came"),
        ((CLIPS / "lj.flac").read_bytes(), "another format"),
        (b"OggS" + bytes(99), "another format"),
        (b"\0\0\0\x20ftypM4A " + bytes(99), "another format"),
        (wav("ULAW"), "unknown encoding"),
        (b"RIFF\0\0\0\0WAVEdata" + bytes(99), "without a format"),
        (b"RIFF\0\0\0\0WAVE" + (b"junk" + struct.pack("<I", 1 << 19) + bytes(1 << 19)) * 3, "without"),
        (wav("FLOAT", samples=np.full(99, np.nan)), "NaN"),
    ],
)  # fmt: skip
def test_what_cannot_be_heard_is_named_with_the_remedy(data, why):
    with pytest.raises(AudioFileError, match=f"^-: .*{why}"):
        arrived(data)
