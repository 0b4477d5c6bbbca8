import resource
import wave
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

import allears.demo
from allears.audio.files import (
    AudioFileError,
    WavWriter,
    from_int16,
    opus_packets,
    read,
    to_int16,
    write_wav,
)

JFK = Path(allears.demo.__file__).parent / "clips" / "jfk.flac"
RATE = 16_000


@pytest.fixture(scope="module")
def speech():
    return read(JFK).samples[: 2 * RATE]


def encode(path, samples, codec, rate, layout="mono", **options):
    """Write ±1 samples at 16 kHz with FFmpeg; gives back the packets that went into the file."""
    channels = av.AudioLayout(layout).nb_channels
    packets = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout, options=options)
        frame = av.AudioFrame.from_ndarray(
            np.tile(samples, (channels, 1)), format="fltp", layout=layout
        )
        frame.sample_rate, frame.pts = RATE, 0
        context = stream.codec_context
        context.open()
        converter = av.AudioResampler(context.format, layout, rate, context.frame_size or None)
        for part in [*converter.resample(frame), *converter.resample(None), None]:
            for packet in stream.encode(part):
                packets.append(bytes(packet))
                container.mux(packet)
    return [packet for packet in packets if packet]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def similarity(a, b):
    length = min(len(a), len(b))
    return np.corrcoef(a[:length], b[:length])[0, 1]


def test_reads_the_flac_exactly():
    recording = read(JFK)
    expected, rate = sf.read(JFK, dtype="float32")
    assert (recording.rate, recording.channels) == (rate, 1) == (RATE, 1)
    np.testing.assert_array_equal(recording.samples, expected)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "layout"),
    [
        ("speech.opus", "libopus", 48_000, "mono"),
        ("speech.mp3", "libmp3lame", 16_000, "stereo"),
        ("speech.m4a", "aac", 16_000, "stereo"),
        ("speech.mp4", "aac", 16_000, "5.1"),
        ("speech.webm", "libopus", 48_000, "stereo"),
        ("speech.ac3", "ac3", 48_000, "5.1"),
    ],
)
def test_reads_what_ffmpeg_wrote(tmp_path, capfd, speech, name, codec, rate, layout):
    encode(tmp_path / name, speech, codec, rate, layout)
    recording = read(tmp_path / name)
    assert recording.rate == rate
    assert recording.channels == av.AudioLayout(layout).nb_channels
    assert len(recording.samples) == pytest.approx(len(speech) * rate / RATE, rel=0.07)
    if codec not in ("aac", "ac3"):  # these two may begin with the codec's own delay
        assert similarity(recording.samples[:: rate // RATE], speech) > 0.9
    assert capfd.readouterr() == ("", "")


def test_channels_are_averaged(tmp_path, speech):
    sf.write(tmp_path / "two.wav", np.stack([speech, -speech / 2], 1), RATE, subtype="FLOAT")
    recording = read(tmp_path / "two.wav")
    assert recording.channels == 2
    np.testing.assert_allclose(recording.samples, speech / 4, atol=1e-7)


def test_more_channels_than_ffmpeg_has_planes(tmp_path, speech):
    # libsndfile refuses the 22 channels' odd block size; FFmpeg takes them as they come
    sf.write(tmp_path / "mono.wav", speech, RATE, subtype="FLOAT")
    header = bytearray((tmp_path / "mono.wav").read_bytes())
    header[22] = 22
    (tmp_path / "many.wav").write_bytes(header)
    assert read(tmp_path / "many.wav").channels == 22


def test_overshoot_is_clipped(tmp_path, speech):
    sf.write(tmp_path / "loud.wav", speech * 2, RATE, subtype="FLOAT")
    samples = read(tmp_path / "loud.wav").samples
    np.testing.assert_array_equal(samples, np.clip(speech * 2, -1, 1))


def broken(folder, speech):
    """Every kind of file that is no recording, and a word that the error must say about it."""
    (folder / "folder").mkdir()
    (folder / "empty.wav").touch()
    (folder / "text.txt").write_text("not a sound\n" * 99)
    (folder / "text.wav").write_text("not a sound\n" * 99)
    (folder / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(50_000))
    (folder / "noise.m4a").write_bytes(np.random.default_rng(1).bytes(50_000))
    (folder / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:9,\n{JFK}\n#EXT-X-ENDLIST\n")
    (folder / "list.ffconcat").write_text(f"ffconcat version 1.0\nfile '{JFK}'\n")
    (folder / "cut.flac").write_bytes(JFK.read_bytes()[:30])
    sf.write(folder / "silent.wav", speech[:0], RATE)
    for name, sample in {"nan": np.nan, "inf": np.inf, "int": 9000.0}.items():
        stereo = np.float32([[sample, -sample / 2], [-sample, sample]])
        sf.write(folder / f"{name}.wav", stereo, RATE, subtype="FLOAT")
    return {
        "missing.wav": "No such file",
        "folder": "directory",
        "empty.wav": "empty",
        "text.txt": "not audio",
        "text.wav": "not audio",
        "noise.mp3": "not audio",
        "noise.m4a": "not audio",
        "list.m3u8": "not audio",
        "list.ffconcat": "not audio",
        "cut.flac": "not audio",
        "silent.wav": "no samples",
        "nan.wav": "NaN",
        "inf.wav": "infinite",
        "int.wav": "full scale",
    }


def test_every_bad_file_gives_one_line_with_its_name(tmp_path, capfd, speech):
    for name, word in broken(tmp_path, speech).items():
        with pytest.raises(AudioFileError, match=word) as caught:
            read(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))
        assert "\n" not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["speech.opus", "speech.webm", "speech.m4a", "speech.mp3"])
def test_damage_is_read_or_refused_quietly(tmp_path, capfd, speech, name):
    codec = {".m4a": "aac", ".mp3": "libmp3lame"}.get(Path(name).suffix, "libopus")
    encode(tmp_path / name, speech, codec, 48_000)
    whole = (tmp_path / name).read_bytes()
    random = np.random.default_rng(0)
    for _ in range(20):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 10):
            damaged[place] = random.integers(256)
        (tmp_path / name).write_bytes(damaged[: random.integers(1, len(whole))])
        for reader in (read, opus_packets):
            try:
                reader(tmp_path / name)
            except AudioFileError as error:
                assert "\n" not in str(error)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", ["opus", "webm", "mka"])
@pytest.mark.parametrize("milliseconds", [20, 60])
def test_opus_packets_come_out_whole(tmp_path, speech, suffix, milliseconds):
    path = tmp_path / f"speech.{suffix}"
    written = encode(path, speech, "libopus", 48_000, frame_duration=str(milliseconds))
    packets = opus_packets(path)
    assert packets == written
    assert len(packets) == pytest.approx(2000 / milliseconds, abs=2)


def test_opus_packets_of_other_files_are_refused(tmp_path, speech):
    encode(tmp_path / "speech.m4a", speech, "aac", 48_000)
    with pytest.raises(AudioFileError, match="no Opus"):
        opus_packets(tmp_path / "speech.m4a")
    with pytest.raises(AudioFileError, match="No such file"):
        opus_packets(tmp_path / "missing.opus")


@given(st.lists(st.integers(-32768, 32767)))
def test_int16_survives_the_way_there_and_back(values):
    integers = np.array(values, np.int16)
    np.testing.assert_array_equal(to_int16(from_int16(integers)), integers)


@given(st.lists(st.floats(-3, 3, width=32)))
def test_int16_is_the_nearest_integer_in_range(values):
    samples = np.array(values, np.float32)
    expected = np.clip(np.round(samples.astype(np.float64) * 32768), -32768, 32767)
    np.testing.assert_array_equal(to_int16(samples), expected)


def test_wav_comes_back_to_half_a_step(tmp_path, speech):
    write_wav(tmp_path / "out.wav", speech, RATE)
    recording = read(tmp_path / "out.wav")
    assert recording.rate == RATE
    assert np.abs(recording.samples - speech).max() <= 0.5 / 32768
    assert names(tmp_path) == ["out.wav"]


def test_a_call_is_written_as_it_goes(tmp_path, speech):
    final = tmp_path / "call.wav"
    with WavWriter(final, RATE) as file:
        for start in range(0, len(speech), 320):
            file.write(speech[start : start + 320])
            assert not final.exists()
    np.testing.assert_array_equal(to_int16(read(final).samples), to_int16(speech))


def test_a_call_without_a_word_is_a_valid_file(tmp_path):
    with WavWriter(tmp_path / "call.wav", 48_000):
        pass
    with wave.open(str(tmp_path / "call.wav")) as file:
        assert file.getparams()[:4] == (1, 2, 48_000, 0)


def test_a_failed_call_leaves_what_was_there(tmp_path, speech):
    write_wav(tmp_path / "call.wav", speech, RATE)
    with pytest.raises(KeyError), WavWriter(tmp_path / "call.wav", RATE) as file:
        file.write(speech[:100])
        raise KeyError
    assert names(tmp_path) == ["call.wav"]
    assert len(read(tmp_path / "call.wav").samples) == len(speech)


def test_a_full_disk_leaves_nothing(tmp_path, speech):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(AudioFileError, match=r"out\.wav: cannot be written"):
            write_wav(tmp_path / "out.wav", speech, RATE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == []


def test_places_that_cannot_be_written_are_named(tmp_path, speech):
    with pytest.raises(AudioFileError, match=r"no folder .*nowhere"):
        write_wav(tmp_path / "nowhere" / "out.wav", speech, RATE)
    (tmp_path / "out.wav").mkdir()
    with pytest.raises(AudioFileError, match="cannot be written"):
        write_wav(tmp_path / "out.wav", speech, RATE)
    assert names(tmp_path) == ["out.wav"]


def test_a_rate_is_positive(tmp_path):
    with pytest.raises(ValueError, match="positive"):
        WavWriter(tmp_path / "out.wav", 0)
