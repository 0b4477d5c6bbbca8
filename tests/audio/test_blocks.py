"""Recordings in pieces, against the same read whole."""

import tracemalloc
import wave

import numpy as np
import pytest
import soundfile

from allears.audio import files
from allears.audio.blocks import Blocks
from allears.audio.files import AudioFileError
from allears.audio.resample import resample
from tests.real import CLIPS, speech

RATE = 16_000


def whole(path, channel=None):
    return np.concatenate(list(Blocks(path, RATE, channel)))


def stereo(rate=44_100):
    left = resample(speech("lj"), RATE, rate)
    return np.stack([left, 0.25 * left[::-1]], 1)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_blocks_are_the_whole_at_another_rate(tmp_path, name, rate):
    soundfile.write(tmp_path / name, stereo(rate), rate)
    recording = files.read(tmp_path / name)
    expected = resample(recording.samples, recording.rate, RATE)
    found = whole(tmp_path / name)
    assert len(found) == len(expected) and recording.channels == 2
    assert np.abs(found - expected).max() < 1e-4


def test_a_channel_alone(tmp_path):
    soundfile.write(tmp_path / "a.wav", stereo(RATE), RATE, subtype="FLOAT")
    for channel in (1, 2):
        assert np.array_equal(whole(tmp_path / "a.wav", channel), stereo(RATE)[:, channel - 1])
    for channel in (0, 3):
        with pytest.raises(AudioFileError, match="channels 1 to 2"):
            whole(tmp_path / "a.wav", channel)
    with pytest.raises(AudioFileError, match="one channel"):
        whole(CLIPS / "lj.flac", 2)


def test_the_share_that_was_read_grows_to_all(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.tile(stereo(), (3, 1)), 44_100)
    for name in ("a.wav",):
        blocks = Blocks(tmp_path / name, RATE)
        shares = [blocks.share for _ in blocks]
        assert len(shares) > 3 and shares == sorted(shares) and shares[-1] == 1


def test_hours_need_no_more_memory_than_minutes(tmp_path):
    with wave.open(str(tmp_path / "long.wav"), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        for _ in range(30):
            file.writeframes(bytes(2 * 60 * 8_000))
    tracemalloc.start()
    seconds = sum(len(block) for block in Blocks(tmp_path / "long.wav", RATE)) / RATE
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds == 1800 and peak < 4e6  # at once it would be 115 MB


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e4])
def test_what_is_no_sound_is_named(tmp_path, bad):
    samples = np.zeros(200_000, np.float32)
    samples[-1] = bad
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(AudioFileError, match=r"a\.wav: .*samples"):
        whole(tmp_path / "a.wav")


def test_what_is_no_recording_is_named(tmp_path):
    (tmp_path / "text.wav").write_text("no sound" * 99)
    (tmp_path / "empty.wav").write_bytes(b"")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), RATE)
    for name, why in (
        ("text.wav", "not audio"),
        ("empty.wav", "is empty"),
        ("none.wav", "no samples"),
        ("missing.wav", "cannot be opened"),
        (".", "is a directory"),
    ):
        with pytest.raises(AudioFileError, match=why) as error:
            whole(tmp_path / name)
        assert str(error.value).startswith(str(tmp_path / name))
