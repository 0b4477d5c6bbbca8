import gzip
import json

import numpy as np
import pytest
import soundfile

from allears.corpus import manifest, recordings, sound
from allears.corpus.recordings import CorpusError, Utterance
from tests.corpus.test_recordings import table
from tests.real import CLIPS, speech


def librispeech(root):
    chapter = root / "dev-clean/84/121123"
    chapter.mkdir(parents=True)
    (chapter / "84-121123.trans.txt").write_text("84-121123-0000 GO\n84-121123-0001 DO YOU HEAR\n")
    (root / "SPEAKERS.TXT").write_text(
        "; comment\n84   | F | dev-clean  |  8.02 | Christie Nowak\n"
    )
    return root


def common_voice(root):
    (root / "clips").mkdir(parents=True)
    header = "client_id\tpath\tsentence\tage\tgender\taccents\n"
    (root / "train.tsv").write_text(
        header + 'ab\tc1.mp3\tHe said "no\tfifties\tmale_masculine\tWest\nab\tc2\tYes.\t\t\t\n'
    )
    (root / "test.tsv").write_text(header + "cd\tc3.mp3\tÉté\t\tfemale\t\n")
    (root / "clip_durations.tsv").write_text("clip\tduration[ms]\nc1.mp3\t4250\n")
    return root


def test_a_part_of_librispeech_and_the_folder_of_parts_tell_the_same(tmp_path):
    root = librispeech(tmp_path / "LibriSpeech")
    first, second = manifest.read(root)
    assert first.path == root / "dev-clean/84/121123/84-121123-0000.flac"
    assert (second.speaker, second.text, second.split) == ("84", "DO YOU HEAR", "dev-clean")
    assert second.attributes == {"chapter": "121123", "gender": "female"}
    assert manifest.read(root / "dev-clean") == [first, second]
    (root / "SPEAKERS.TXT").unlink()
    assert manifest.read(root)[0].attributes == {"chapter": "121123"}


def test_a_line_of_another_chapter_is_named(tmp_path):
    root = librispeech(tmp_path)
    (root / "dev-clean/84/121123/84-121123.trans.txt").write_text("84-121123-0000 GO\n85-1-0 NO\n")
    with pytest.raises(CorpusError, match=r"84-121123\.trans\.txt, line 2: does not begin"):
        manifest.read(root)


def test_common_voice_has_three_splits_and_what_speakers_say_of_themselves(tmp_path):
    first, second, third = manifest.read(common_voice(tmp_path))
    assert first == Utterance(
        tmp_path / "clips/c1.mp3", "ab", 'He said "no', "train", 4.25,
        attributes={"age": "fifties", "gender": "male", "accent": "West"},
    )  # fmt: skip
    assert second.path == tmp_path / "clips/c2.mp3"
    assert (second.duration, second.attributes) == (None, {})
    assert (third.split, third.attributes) == ("test", {"gender": "female"})


def test_a_table_is_read_by_its_folder_and_by_its_name(tmp_path):
    table(tmp_path, ("a.wav", "ann"), columns=("path", "speaker"))
    assert manifest.read(tmp_path) == manifest.read(tmp_path / "utterances.csv") != []


def test_what_is_no_manifest_is_refused(tmp_path):
    with pytest.raises(CorpusError, match=r"gone: is not there; give a folder with"):
        manifest.read(tmp_path / "gone")
    with pytest.raises(CorpusError, match="no recordings that are known"):
        manifest.read(tmp_path)
    with pytest.raises(CorpusError, match=r"lj\.flac: is no table"):
        manifest.read(CLIPS / "lj.flac")
    (tmp_path / "empty.csv").write_text("path,speaker\n")
    with pytest.raises(CorpusError, match=r"empty\.csv: has no utterance"):
        manifest.read(tmp_path / "empty.csv")


@pytest.fixture
def lhotse():
    return pytest.importorskip("lhotse", reason="lhotse is not installed")


SPOKEN = (
    Utterance(
        CLIPS / "lj.flac", "lj", "he said “no”", "train", 1.25, 0.5, {"accent": "US", "age": "30"}
    ),
    Utterance(CLIPS / "lj.flac", "lj", "", "test", len(speech("lj")) / 16_000),
    Utterance(CLIPS / "jfk.flac", "jfk", "ask", "dev", 2.0, 1.0, {"gender": "male"}),
)


@pytest.mark.parametrize("name", ["cuts.jsonl", "cuts.jsonl.gz"])
def test_cuts_read_back_equal_and_are_lhotses(tmp_path, lhotse, name):
    manifest.write_cuts(SPOKEN, tmp_path / name)
    assert tuple(manifest.read(tmp_path / name)) == SPOKEN
    cuts = lhotse.CutSet.from_file(tmp_path / name)
    lhotse.validate(cuts)
    (heard,) = next(iter(cuts)).load_audio()
    assert np.array_equal(heard, sound.read(SPOKEN[0]))
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.usefixtures("lhotse")
def test_cuts_say_what_the_files_last(tmp_path):
    rounded = Utterance(CLIPS / "jfk.flac", "jfk", "", "train", 11.04)
    manifest.write_cuts([rounded], tmp_path / "cuts.jsonl")
    (known,) = manifest.read(tmp_path / "cuts.jsonl")
    assert known.duration == len(speech("jfk")) / 16_000


def cut(**changed):
    source = {"type": "file", "channels": [0], "source": "a.wav"}
    recording = {
        "id": "r", "sources": [source], "sampling_rate": 16_000, "num_samples": 16_000, "duration": 1.0,
    }  # fmt: skip
    said = {"id": "s", "recording_id": "r", "start": 0, "duration": 1.0}
    about = {
        "id": "c", "start": 0, "duration": 1.0, "channel": 0, "type": "MonoCut",
        "supervisions": [said], "recording": recording,
    }  # fmt: skip
    return about | {key: value(about[key]) for key, value in changed.items()}


@pytest.mark.usefixtures("lhotse")
@pytest.mark.parametrize(
    ("line", "why"),
    [
        (cut(supervisions=lambda said: said * 2), "has 2 supervisions; use"),
        (cut(type=lambda _: "MultiCut"), "is a MultiCut"),
        (cut(recording=lambda its: its | {"sources": []}), "its recording is not one file"),
        (cut(recording=lambda its: its | {"channel_ids": [0, 1]}), "its file has 2 channels"),
        ({"id": "c"}, "is no cut of lhotse's"),
        ([], "is no cut of lhotse's"),
    ],
)
def test_cuts_of_other_kinds_are_named(tmp_path, line, why):
    path = tmp_path / "cuts.jsonl"
    path.write_text("\n".join(map(json.dumps, (cut(), line))))
    with pytest.raises(CorpusError, match=f"line 2: {why}"):
        manifest.read(path)


@pytest.mark.usefixtures("lhotse")
def test_damaged_cuts_are_named(tmp_path):
    path = tmp_path / "cuts.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(cut()).encode())[:-9])
    with pytest.raises(CorpusError, match=r"cuts\.jsonl\.gz: is not whole"):
        manifest.read(path)
    path.write_bytes(b"{}")
    with pytest.raises(CorpusError, match=r"cuts\.jsonl\.gz: cannot be read"):
        manifest.read(path)


@pytest.mark.usefixtures("lhotse")
def test_cuts_of_what_is_not_there_or_not_mono_are_not_written(tmp_path):
    stereo = tmp_path / "two.wav"
    soundfile.write(stereo, np.zeros((160, 2)), 16_000)
    path = tmp_path / "cuts.jsonl"
    with pytest.raises(CorpusError, match=r"two\.wav: has 2 channels"):
        manifest.write_cuts([SPOKEN[0], Utterance(stereo, "a", "", "train")], path)
    with pytest.raises(CorpusError, match=r"ends before 60 s"):
        manifest.write_cuts([Utterance(CLIPS / "lj.flac", "a", "", "train", 1.0, 60.0)], path)
    with pytest.raises(CorpusError, match=r"names that end in \.jsonl"):
        manifest.write_cuts(SPOKEN, tmp_path / "cuts.json")
    assert not path.exists()


def test_without_lhotse_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "lhotse", None)
    (tmp_path / "cuts.jsonl").write_text("{}")
    with pytest.raises(CorpusError, match=r"pip install 'allears\[asr\]'"):
        manifest.read(tmp_path / "cuts.jsonl")


def test_missing_audio_is_named_with_its_line_and_how_much_more_is_missing(tmp_path):
    rows = [(CLIPS / "lj.flac", "lj"), ("gone.wav", "a"), ("away.wav", "b"), ("gone.wav", "c")]
    table(tmp_path, *rows, columns=("path", "speaker"))
    found = manifest.read(tmp_path)
    recordings.check(found[:1])
    with pytest.raises(CorpusError, match=r"csv, line 3: .*gone\.wav: .* nor are those of 2 more"):
        recordings.check(found)
