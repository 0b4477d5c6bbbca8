import csv

import pytest

from allears.audio import files
from allears.corpus import pack, recordings
from allears.corpus.recordings import CorpusError
from tests.real import CLIPS, speech


def table(folder, *rows, columns=("path", "speaker", "text", "split")):
    with (folder / "utterances.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([columns, *rows])
    return folder


def test_rows_become_utterances_of_a_split(tmp_path):
    table(tmp_path, ("a.wav", "ann", "zwölf", "train"), ("b.wav", "bob", "", "test"))
    (first,) = recordings.chosen([tmp_path], "train")
    assert first == recordings.Utterance(tmp_path / "a.wav", "ann", "zwölf", "train")
    assert [each.speaker for each in recordings.read(tmp_path)] == ["ann", "bob"]


def test_a_table_without_splits_is_all_for_training(tmp_path):
    table(tmp_path, ("a.wav", "ann"), columns=("path", "speaker"))
    assert recordings.chosen([tmp_path], "train")[0].text == ""


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"utterances\.csv: cannot be read"):
        recordings.read(tmp_path)
    table(tmp_path, ("a.wav",), columns=("path",))
    with pytest.raises(CorpusError, match="has no column 'speaker'"):
        recordings.read(tmp_path)
    table(tmp_path, ("a.wav", "ann", "", "test"))
    with pytest.raises(CorpusError, match="no utterance of the split 'train'"):
        recordings.chosen([tmp_path], "train")
    (tmp_path / "utterances.csv").write_bytes(b"path,speaker\n\xff,x\n")
    with pytest.raises(CorpusError, match="not UTF-8"):
        recordings.read(tmp_path)


def test_a_pack_holds_all_samples_and_their_features(tmp_path):
    rows = [(CLIPS / name, name, "", "train") for name in ("lj.flac", "jfk.flac")]
    table(tmp_path, *rows)
    utterances = recordings.chosen([tmp_path], "train")
    told = []
    pack.build(utterances, tmp_path / "pack", told.append)
    packed = pack.load(tmp_path / "pack")
    assert told == [0.5, 1.0]
    assert packed.speakers == ("lj.flac", "jfk.flac")
    assert packed.bounds[-1] == len(packed.features) == len(packed.samples) // 160
    begin = packed.bounds[1]
    alone, heard = pack.analyse(packed.samples[begin * 160 :].astype("f4") / 32768)
    assert abs(alone - packed.features[begin:])[:, :18].mean() < 0.02
    assert abs(heard - packed.heard[begin:].astype("f4")).mean() < 1e-2


def test_a_pack_is_made_once_and_a_broken_one_is_named(tmp_path):
    table(tmp_path, (CLIPS / "lj.flac", "lj", "", "train"))
    utterances = recordings.chosen([tmp_path], "train")
    pack.build(utterances, tmp_path / "pack")
    before = (tmp_path / "pack/features.f32").stat().st_mtime_ns
    pack.build(utterances, tmp_path / "pack")
    assert (tmp_path / "pack/features.f32").stat().st_mtime_ns == before
    (tmp_path / "pack/features.f32").unlink()
    with pytest.raises(CorpusError, match="delete it to pack again"):
        pack.load(tmp_path / "pack")


def test_times_and_all_other_columns_come_with_an_utterance(tmp_path):
    columns = ("path", "speaker", "duration_s", "start_s", "accent", "age")
    table(tmp_path, ("a.wav", "ann", "1.5", "0.25", "Welsh", ""), columns=columns)
    (found,) = recordings.read(tmp_path)
    assert (found.duration, found.start, found.attributes) == (1.5, 0.25, {"accent": "Welsh"})
    assert found.origin == f"{tmp_path / 'utterances.csv'}, line 2"
    assert hash(found) == hash(recordings.Utterance(found.path, "ann", "", "train", 1.5, 0.25))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("a.wav,ann,soon", "line 3: duration_s is 'soon'"),
        ("a.wav,ann,-1", "line 3: duration_s is '-1'"),
        ("a.wav,ann,nan", "line 3: duration_s is 'nan'"),
        ("a.wav,ann", "line 3: has not 3 cells"),
        ("a.wav,ann,1,2", "line 3: has not 3 cells"),
        (",ann,1", "line 3: names no file"),
    ],
)
def test_a_row_that_is_not_as_the_header_says_is_named(tmp_path, row, why):
    (tmp_path / "utterances.csv").write_text(f"path,speaker,duration_s\nb.wav,bob,1\n{row}\n")
    with pytest.raises(CorpusError, match=why):
        recordings.read(tmp_path)


def test_a_pack_takes_the_stretch_that_the_table_names(tmp_path):
    columns = ("path", "speaker", "duration_s", "start_s")
    table(tmp_path, (CLIPS / "lj.flac", "lj", "1.0", "0.5"), columns=columns)
    pack.build(recordings.read(tmp_path), tmp_path / "pack")
    samples = pack.load(tmp_path / "pack").samples
    assert (samples == files.to_int16(speech("lj")[8_000:24_000])).all()
