import json

import numpy as np
import pytest
import soundfile

from allears.audio.files import from_int16, to_int16
from allears.audio.resample import resample
from allears.corpus import sound
from allears.corpus.recordings import CorpusError, Utterance
from allears.outputs import OutputError
from tests.real import CLIPS, speech


def utterances():
    return [
        Utterance(CLIPS / "lj.flac", "lj", "he", "train", 1.0, 0.5, {"accent": "US"}, "a, line 2"),
        Utterance(CLIPS / "lj.flac", "lj", "printing", "test", 0.25, 2.0),
        Utterance(CLIPS / "jfk.flac", "jfk", "", "train"),
        Utterance(CLIPS / "lj.flac", "lj", "he", "train", 0.5),
    ]


def test_samples_and_table_come_back(tmp_path):
    told = []
    sound.build(utterances(), tmp_path / "packed", told.append)
    packed = sound.load(tmp_path / "packed")
    assert told == [0.25, 0.5, 0.75, 1.0]
    expected = [
        speech("lj")[8_000:24_000],
        speech("lj")[32_000:36_000],
        speech("jfk"),
        speech("lj")[:8_000],
    ]
    for index, samples in enumerate(expected):
        assert np.array_equal(packed.samples(index), from_int16(to_int16(samples)))
    assert packed.durations.tolist() == [len(each) / 16_000 for each in expected]
    first, _, third, _ = packed.utterances
    assert (first, first.origin) == (utterances()[0], "a, line 2")
    assert third.duration == len(speech("jfk")) / 16_000
    with pytest.raises(IndexError):
        packed.samples(4)


def test_other_rates_are_resampled(tmp_path):
    soundfile.write(tmp_path / "low.wav", to_int16(resample(speech("lj"), 16_000, 8_000)), 8_000)
    sound.build([Utterance(tmp_path / "low.wav", "a", "", "train")], tmp_path / "packed")
    heard = sound.load(tmp_path / "packed").samples(0)
    assert len(heard) == len(speech("lj"))
    assert np.corrcoef(heard, speech("lj"))[0, 1] > 0.9


def test_packed_once_and_never_mixed_up_with_others(tmp_path):
    sound.build(utterances(), tmp_path)
    before = (tmp_path / "samples.i16").stat().st_mtime_ns
    sound.build(utterances(), tmp_path)
    assert (tmp_path / "samples.i16").stat().st_mtime_ns == before
    with pytest.raises(CorpusError, match="holds other utterances"):
        sound.build(utterances()[:2], tmp_path)


def test_a_bad_file_is_named_and_leaves_nothing(tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    bad = Utterance(tmp_path / "bad.wav", "a", "", "train", origin="table.csv, line 9")
    with pytest.raises(CorpusError, match=r"table\.csv, line 9: .*bad\.wav"):
        sound.build([*utterances(), bad], tmp_path / "packed")
    assert list((tmp_path / "packed").iterdir()) == []
    sound.build(utterances(), tmp_path / "packed")
    assert len(sound.load(tmp_path / "packed")) == 4


@pytest.mark.parametrize(("duration", "start"), [(60.0, 0.0), (None, 60.0), (0.0, 0.5)])
def test_what_lies_outside_its_file_is_named(duration, start):
    outside = Utterance(CLIPS / "lj.flac", "lj", "", "train", duration, start)
    with pytest.raises(CorpusError, match=r"lj\.flac: "):
        sound.read(outside)


def test_rounded_durations_take_the_whole_file():
    whole = len(speech("lj"))
    for seconds in (whole / 16_000 - 0.05, whole / 16_000 + 0.05):
        assert len(sound.read(Utterance(CLIPS / "lj.flac", "lj", "", "train", seconds))) == whole


def test_a_pack_that_is_not_whole_is_named(tmp_path):
    with pytest.raises(CorpusError, match="no packed recordings"):
        sound.load(tmp_path)
    sound.build(utterances()[:2], tmp_path)
    (tmp_path / "samples.i16").write_bytes(b"\0" * 10)
    with pytest.raises(CorpusError, match=r"5 samples of 20000.*delete it"):
        sound.load(tmp_path)
    (tmp_path / "index.json").write_text(json.dumps({"bounds": [0, 5]}))
    with pytest.raises(CorpusError, match="delete it"):
        sound.load(tmp_path)


def test_no_utterances_and_no_folder_are_refused(tmp_path):
    with pytest.raises(CorpusError, match="no utterances to pack"):
        sound.build([], tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        sound.build(utterances(), tmp_path / "file")
