"""Recognisers by name: what opens, and what is said of what does not."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from allears.asr import opening
from allears.asr.bundle import serialise
from allears.asr.checkpoint import save
from allears.asr.endpoint import RULES, Heard, ended
from allears.asr.live import Transcriber
from allears.asr.opening import Settings, ending, open_recogniser
from allears.asr.recogniser import RecogniserError
from allears.asr.sherpa import grouped, model_files
from allears.asr.together import AT_ONCE, transcribe
from allears.asr.tokens import TokenError
from allears.audio.files import AudioFileError
from tests.asr.small import STACK, TOKENS, exported, transducer
from tests.real import speech


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "small.safetensors"
    small = exported()
    about = replace(small.about, start_delay_s=0.12, end_delay_s=0.04)
    path.write_bytes(serialise(replace(small, about=about)))
    return path


def refusal(name, settings=None):
    with pytest.raises(RecogniserError) as error:
        open_recogniser(str(name), settings)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_file_of_ours_opens_as_it_was_exported(bundle):
    settings = Settings({"a cab": 3.0}, alternatives=3, chunk_s=0.2, rules=ending(0.5))
    found = open_recogniser(str(bundle), settings)
    assert isinstance(found, Transcriber)
    assert found.chunk == round(0.2 / (0.01 * STACK))
    assert (found.manner.timing.start, found.manner.timing.end) == (0.12, 0.04)
    assert found.manner.alternatives == 3 and found.manner.phrases is not None
    assert found.search._width >= 3
    assert next(rule for rule in found.rules if rule.name == "pause").silence_s == 0.5


def test_the_one_that_ships_needs_no_name(bundle, monkeypatch, tmp_path):
    monkeypatch.setattr(opening, "SHIPPED_FILE", bundle)
    assert isinstance(open_recogniser(), Transcriber)
    monkeypatch.setattr(opening, "SHIPPED_FILE", tmp_path / "none")
    assert "no recogniser ships with this install" in refusal("allears")


def test_what_is_no_name_is_told_the_names():
    assert "pocketsphinx" in refusal("whisper") and "sherpa-onnx:DIR" in refusal("whisper")
    assert "'': no recogniser" in refusal("")


def test_files_that_are_no_recogniser(tmp_path, bundle):
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(bundle.read_bytes()[:-100])
    other = tmp_path / "other.safetensors"
    save_file({"x": np.zeros(3, np.float32)}, other, {"kind": "vocoder", "format": "1"})
    trained = tmp_path / "trained.safetensors"
    save(transducer(), TOKENS, trained)
    for path in (damaged, other, trained, tmp_path / "none.safetensors"):
        said = refusal(path)
        assert str(path) in said and "allears export" in said
    assert "transducer" in refusal(trained) and "vocoder" in refusal(other)


def test_settings_that_make_no_sense(bundle):
    for wrong in ({"beam": 0}, {"alternatives": -1}, {"chunk_s": 0.0}, {"chunk_s": 11.0}):
        with pytest.raises(RecogniserError, match="give"):
            Settings(**wrong)
    with pytest.raises(TokenError, match="zebra"):
        open_recogniser(str(bundle), Settings({"zebra": 1.0}))
    for pause, longest in ((0.0, None), (float("nan"), None), (None, 0.5), (None, 1e9)):
        with pytest.raises(RecogniserError, match="give between"):
            ending(pause, longest)


def test_rules_end_phrases_as_they_are_told():
    assert ending() == RULES
    rules = ending(0.3, 4.0)
    assert ended(rules, Heard(1.0, 0.3, 2, doubt=1.0)).name == "pause"
    assert ended(rules, Heard(1.0, 0.29, 2)) is None
    assert ended(rules, Heard(1.0, 0.3, 0)) is None
    assert ended(rules, Heard(4.0, 0.0, 2)).name == "longest"
    assert ended(ending(pause_s=7), Heard(10.0, 6.0, 0)) is None


# Many at once


def test_recordings_together_are_as_each_alone(bundle):
    transcriber = open_recogniser(str(bundle), Settings(rules=ending(longest_s=1)))
    sounds = [speech("jfk")[: 7000 * (count + 1)] for count in range(AT_ONCE + 3)]
    sounds[4] = sounds[4][:0]
    heard = {number: [] for number in range(len(sounds))}
    over = []
    for told in transcribe(transcriber, [lambda s=s: [s] for s in sounds], 2560):
        heard[told.number] += told.results
        over += [told.number] * told.over
    assert sorted(over) == list(heard)
    assert any(len([r for r in each if r.final]) > 2 for each in heard.values())
    for number, sound in enumerate(sounds):
        alone = transcriber.stream()
        expected = [
            result
            for start in range(0, len(sound), 2560)
            for result in alone.accept(sound[start : start + 2560])
        ]
        assert [r.text for r in heard[number]] == [r.text for r in expected + alone.finish()]


def test_one_that_breaks_leaves_the_others_alone(bundle):
    def broken():
        yield speech(seconds=0.5)
        raise AudioFileError("torn")

    transcriber = open_recogniser(str(bundle))
    told = list(transcribe(transcriber, [broken, lambda: [speech(seconds=1)]], 2560))
    assert {each.number: str(each.error) for each in told if each.over} == {0: "torn", 1: "None"}


# Others' recognisers


def test_pocketsphinx_hears_words_while_they_are_spoken():
    pytest.importorskip("pocketsphinx")
    sphinx = open_recogniser("pocketsphinx", Settings(alternatives=2))
    sound = np.concatenate((np.zeros(16_000, np.float32), speech("lj")[-40_000:]))
    sound = np.concatenate((sound, np.zeros(24_000, np.float32)))
    stream = sphinx.stream()
    found = [r for at in range(0, len(sound), 2000) for r in stream.accept(sound[at : at + 2000])]
    last = stream.finish()
    partials = [each for each in found if not each.final]
    (final,) = [each for each in found + last if each.final]
    assert len(partials) > 3 and final in found and final.reason in ("ended", "pause")
    assert {"of", "the", "printing"} <= set(final.text.split())
    assert final.words[0].start > 0.9 and final.words[-1].end < 3.7
    assert all(0 <= word.confidence <= 1 for word in final.words)
    assert any(word.confidence > 0 for word in final.words)
    assert len(final.alternatives) == 2
    assert final.alternatives[0].score >= final.alternatives[1].score
    for before, after in zip(final.words, final.words[1:], strict=False):
        assert before.start < before.end <= after.start + 1e-9


def test_pocketsphinx_says_nothing_of_silence_and_refuses_what_is_no_sound():
    pytest.importorskip("pocketsphinx")
    sphinx = open_recogniser("pocketsphinx")
    stream = sphinx.stream()
    assert stream.accept(np.zeros(16_000, np.float32)) == []
    for wrong in (np.zeros(3), np.full(3, np.nan, np.float32), np.zeros((2, 2), np.float32)):
        with pytest.raises(RecogniserError):
            stream.accept(wrong)
    assert stream.finish() == []
    with pytest.raises(RecogniserError, match="ended"):
        stream.accept(np.zeros(10, np.float32))
    assert sphinx.stream().finish() == []


def test_pocketsphinx_cannot_do_all(monkeypatch):
    assert "leave them out" in refusal("pocketsphinx", Settings({"a": 1.0}))
    assert "leave them out" in refusal("pocketsphinx", Settings(beam=2))
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    assert "pip install" in refusal("pocketsphinx")


def test_sherpas_folder_must_be_whole(tmp_path, monkeypatch):
    assert "is no folder" in refusal(f"sherpa-onnx:{tmp_path / 'none'}")
    assert "tokens.txt" in refusal(f"sherpa-onnx:{tmp_path}")
    (tmp_path / "tokens.txt").write_text("<blk> 0\na 1\n")
    for part in ("encoder", "decoder", "joiner"):
        assert f"*{part}*.onnx" in refusal(f"sherpa-onnx:{tmp_path}")
        (tmp_path / f"{part}-epoch-99.int8.onnx").write_bytes(b"no model")
    (tmp_path / "encoder-epoch-99.onnx").write_bytes(b"no model")
    found = model_files(tmp_path)
    assert found["encoder"].name == "encoder-epoch-99.onnx"
    assert found["joiner"].name == "joiner-epoch-99.int8.onnx"
    assert "bpe.vocab" in refusal(f"sherpa-onnx:{tmp_path}", Settings({"a": 1.0}))
    assert "alternatives" in refusal(f"sherpa-onnx:{tmp_path}", Settings(alternatives=2))
    monkeypatch.setitem(sys.modules, "sherpa_onnx", None)
    assert "pip install sherpa-onnx" in refusal(f"sherpa-onnx:{tmp_path}")


def test_sherpa_refuses_what_is_no_model(tmp_path):
    pytest.importorskip("sherpa_onnx")
    (tmp_path / "tokens.txt").write_text("<blk> 0\na 1\n")
    for part in ("encoder", "decoder", "joiner"):
        (tmp_path / f"{part}.onnx").write_bytes(b"no model")
    assert "cannot use it" in refusal(f"sherpa-onnx:{tmp_path}")


def test_tokens_of_sherpa_become_words():
    tokens, times = [" he", "llo", "▁wor", "ld"], [1.0, 1.2, 1.24, 5.0]
    first, second = grouped(tokens, times, [-0.1] * 4, 0.9, 5.05)
    assert (first.text, first.start, first.end) == ("hello", 1.0, 1.24)
    assert (second.text, second.start, second.end) == ("world", 1.24, 5.05)
    assert first.confidence == pytest.approx(np.exp(-0.2))
    assert grouped(tokens, times, [], 0.9, 5.05)[0].confidence == 0
    assert grouped([], [], [], 0.0, 1.0) == ()
    assert replace(first, text="") not in grouped([" ", " a"], [0.1, 0.2], [], 0.0, 1.0)
