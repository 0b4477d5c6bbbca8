"""`allears export`: from a checkpoint to a recogniser that hears live, and what it refuses."""

import re
import sys
from unittest import mock

import pytest
import torch
from safetensors.torch import save_file

from allears.asr import checkpoint
from allears.asr.bundle import read
from allears.asr.opening import open_recogniser
from allears.mitigation import cohort_embedding
from tests.asr.material import FOUR, PHRASES, table, taught
from tests.cli.command import refused, within

EXPORT = ("export", "model.safetensors", "--to", "mine.safetensors")


@pytest.fixture
def room(tmp_path):
    """A folder with a checkpoint, and the phrases that it knows."""
    path, _ = taught()
    (tmp_path / "model.safetensors").write_bytes(path.read_bytes())
    table(tmp_path / "aside", FOUR, split="dev")
    return tmp_path


def exported(*arguments, cwd):
    ended = within(*EXPORT, *arguments, cwd=cwd)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


def test_what_was_measured_is_said_and_stays_in_the_file(room):
    lines = exported("--int8", "--development", "aside", "--text", "four phrases", cwd=room)
    about = read(room / "mine.safetensors").about
    rates = {}
    for line in lines[:2]:
        form, size, rate = re.fullmatch(r"(\w+): (\d\.\d\d) MB, WER (\d+\.\d)% .*", line).groups()
        rates[form] = float(rate) / 100
        if form == about.form:
            assert abs((room / "mine.safetensors").stat().st_size - float(size) * 1e6) <= 5_000
    assert rates == pytest.approx(about.rates, abs=5e-4)
    assert (about.form == "int8") == (about.rates["int8"] <= 1.02 * about.rates["float32"])
    assert about.text == "four phrases"
    starts, ends = map(
        int, re.search(r"(-?\d+) ms after words begin, (-?\d+) ms", lines[2]).groups()
    )
    assert starts == round(1000 * about.start_delay_s) and ends == round(1000 * about.end_delay_s)
    assert lines[3] == f"mine.safetensors: written, {about.form}"


def test_a_model_that_is_told_of_cohorts_is_exported_as_any_other(room):
    exported("--to", "plain.safetensors", cwd=room)
    model, tokens = checkpoint.load(room / "model.safetensors")
    told = cohort_embedding.told(model, ("north", "south"))
    checkpoint.save(told, tokens, room / "model.safetensors", cohort_embedding.KIND)
    exported(cwd=room)
    assert read(room / "mine.safetensors").about.encoder == cohort_embedding.ENCODER
    _, sound = taught()
    said = []
    for name in ("plain", "mine"):
        stream = open_recogniser(str(room / f"{name}.safetensors")).stream()
        told = [*stream.accept(sound.samples(0)), *stream.finish()]
        said.append([each.text for each in told if each.final])
    assert said[0] == said[1] and "fellow americans" in " ".join(said[0])


def test_word_times_have_the_delays_taken_off(room):
    exported("--development", "aside", cwd=room)
    exported("--to", "untimed.safetensors", cwd=room)
    _, sound = taught()
    begun = {}
    for name in ("mine", "untimed"):
        stream = open_recogniser(str(room / f"{name}.safetensors")).stream()
        told = [*stream.accept(sound.samples(2)), *stream.finish()]
        begun[name] = [word.start for each in told if each.final for word in each.words]
    about = read(room / "mine.safetensors").about
    assert len(begun["mine"]) == len(begun["untimed"]) > 4
    assert begun["untimed"][3] - begun["mine"][3] == pytest.approx(about.start_delay_s, abs=0.06)


def test_without_development_nothing_is_claimed(room):
    (size, written) = exported(cwd=room)
    assert re.fullmatch(r"float32: \d\.\d\d MB", size)
    assert written == "mine.safetensors: written, float32"
    about = read(room / "mine.safetensors").about
    assert (about.rates, about.start_delay_s, about.end_delay_s) == ({}, 0.0, 0.0)


def test_without_another_recogniser_word_times_are_as_they_come(room):
    with mock.patch.dict(sys.modules, {"pocketsphinx": None}):
        lines = exported("--development", "aside", cwd=room)
    assert "not measured (that needs pocketsphinx" in lines[1]
    assert read(room / "mine.safetensors").about.start_delay_s == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("none.safetensors",), "none.safetensors: no checkpoint"),
        (("aside",), "aside: no checkpoint"),
        (("aside/utterances.csv",), "utterances.csv: no checkpoint"),
        (("other.safetensors",), "holds vocoder, not a transducer"),
        (("model.safetensors", "--int8"), "give --development too"),
        (("model.safetensors", "--float16"), "--float16 is kept only where it hears as well"),
        (("model.safetensors", "--development", "silent"), "the audio is not there"),
        (("model.safetensors", "--development", "digits"), "'4' in '4 score' is none of a to z"),
        (("model.safetensors", "--to", "mine.onnx"), "ends in .safetensors"),
        (("model.safetensors", "--to", "model.safetensors"), "is named twice"),
    ],
)
def test_what_cannot_be_exported_is_named(arguments, why, room):
    save_file({"a": torch.zeros(1)}, room / "other.safetensors", {"kind": "vocoder"})
    table(room / "silent", PHRASES, path="gone.flac")
    table(room / "digits", PHRASES, text="4 score")
    checkpoint, *rest = arguments
    assert why in refused("export", "--to", "mine.safetensors", checkpoint, *rest, cwd=room)


@pytest.mark.parametrize("package", ["torch", "onnx"])
def test_without_torch_or_onnx_the_extra_is_named(package, room):
    with mock.patch.dict(sys.modules, {package: None}):
        assert "pip install 'allears[asr]'" in refused(*EXPORT, cwd=room)
