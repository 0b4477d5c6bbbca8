import json

import numpy as np
import pytest

from allears.corpus.mixtures import cuts, reference, rttm
from allears.corpus.mixtures.turns import Word
from allears.outputs import OutputError
from tests.corpus.test_mixtures import mixtures, real

lhotse = pytest.importorskip("lhotse")


@pytest.fixture(scope="module")
def sessions():
    source = real()
    words = {each.name: [Word("piece", 0.1, 0.6)] for each in source.utterances}
    mixed = mixtures(source, words=words, overlap=0.2, turns=(3, 5))
    return [mixed.session(number) for number in range(3)]


@pytest.fixture(scope="module")
def folder(sessions, tmp_path_factory):
    path = tmp_path_factory.mktemp("mixed")
    cuts.write(sessions, path)
    return path


def test_lhotse_reads_what_was_written(sessions, folder):
    found = list(lhotse.CutSet.from_file(folder / cuts.CUTS))
    assert [cut.id for cut in found] == [session.name for session in sessions]
    for cut, session in zip(found, sessions, strict=True):
        lhotse.validate(cut)
        assert np.allclose(cut.load_audio()[0], session.samples, atol=1.01 / 32768)
        assert len(cut.supervisions) == len(session.turns)
        for said, turn in zip(cut.supervisions, session.turns, strict=True):
            assert (said.speaker, said.text) == (turn.speaker, turn.text)
            assert (said.start, said.end) == pytest.approx((turn.start, turn.end), abs=1e-6)
            (word,) = said.alignment["word"]
            assert (word.symbol, word.start) == ("piece", pytest.approx(turn.words[0].start))


def test_references_tell_the_turns(sessions, folder):
    found = rttm.read(folder / "reference.rttm")
    segments = json.loads((folder / "reference.seglst.json").read_text())
    stm = (folder / "reference.stm").read_text().splitlines()
    turns = [(session, turn) for session in sessions for turn in session.turns]
    assert len(segments) == len(stm) == len(turns)
    for session in sessions:
        for span, turn in zip(found[session.name], session.turns, strict=True):
            assert span.speaker == turn.speaker
            assert span[1:] == pytest.approx((turn.start, turn.end), abs=1.1e-4)
    for segment, line, (session, turn) in zip(segments, stm, turns, strict=True):
        fields = line.split(" ", 5)
        assert fields[:3] == [session.name, "1", turn.speaker] and fields[5] == turn.text
        assert (segment["speaker"], segment["words"]) == (turn.speaker, turn.text)
        assert float(fields[3]) == segment["start_time"] == pytest.approx(turn.start, abs=1e-4)
        assert float(fields[4]) == segment["end_time"] == pytest.approx(turn.end, abs=1e-4)


def test_the_same_sessions_give_the_same_bytes(sessions, folder, tmp_path):
    cuts.write(sessions, tmp_path)
    for name in (f"audio/{sessions[0].name}.flac", "reference.rttm"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_a_folder_that_cannot_be_made(sessions, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made"):
        cuts.write(sessions, tmp_path / "file")


def test_texts_are_one_line():
    session = mixtures(real(), turns=(2, 2)).session(0)
    assert reference.stm([session]).count("\n") == 2
