"""`allears train asr`: from recordings to a checkpoint, stopped and gone on, and what it refuses."""

import re
import sys
from unittest import mock

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file

from allears.asr import checkpoint
from allears.asr.encoders.kinds import ENCODERS
from allears.asr.tokens import Pieces
from tests.asr.material import FOUR, PHRASES, table
from tests.cli.command import refused, within

TINY = ("--encoder", "lstm", "--parameters", "20k", "--symbols", "characters", "--seconds", 4)
TRAIN = ("train", "asr", "--data", "data")


def trained(*arguments, cwd):
    ended = within(*TRAIN, *TINY, *arguments, cwd=cwd)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_a_stopped_training_goes_on_to_the_very_same_model(tmp_path):
    table(tmp_path / "data", FOUR)
    common = "--steps", 6, "--network"
    trained(*common, "--folder", "whole", cwd=tmp_path)
    hours, stops = 0.02 / 3600, 0
    stopped = (*common, "--folder", "stopped")
    while "the same command goes on" in trained(*stopped, "--hours", hours, cwd=tmp_path):
        assert (tmp_path / "stopped/model.safetensors").exists()
        # Longer each time, so that it ends on a slow machine too.
        hours, stops = 2 * hours, stops + 1
    assert stops
    one, other = (tmp_path / each for each in ("whole", "stopped"))
    run = "checkpoint.safetensors"
    assert (one / run).read_bytes() == (other / run).read_bytes()
    models = [load_file(each / "model.safetensors") for each in (one, other)]
    assert models[0].keys() == models[1].keys()
    assert all(torch.equal(value, models[1][name]) for name, value in models[0].items())


def test_what_came_out_is_said_and_judged(tmp_path):
    table(tmp_path / "data", PHRASES[:6])
    table(tmp_path / "aside", PHRASES[6:], split="dev")
    arguments = "--steps", 2, "--development", "aside", "--longest", 3, "--to", "mine.safetensors"
    said = trained(*arguments, "--symbols", "pieces:30", "--precision", "bfloat16", cwd=tmp_path)
    assert "left out: 1 utterances of more than 3 s" in said
    assert re.search(r"development: WER \d+\.\d% \(\d+ errors in 8 words\)", said)
    model, tokens = checkpoint.load(tmp_path / "mine.safetensors")
    assert isinstance(tokens, Pieces)
    count = sum(each.numel() for each in model.parameters())
    assert f"mine.safetensors: written, {count:,} parameters" in said
    assert (tmp_path / "runs/asr/pieces-30.model").exists()


def test_another_run_is_left_as_it_is(tmp_path):
    table(tmp_path / "data", FOUR[:2])
    trained("--steps", 1, cwd=tmp_path)
    kept = (tmp_path / "runs/asr/checkpoint.safetensors").read_bytes()
    wrong = within(*TRAIN, *TINY, "--steps", 1, "--parameters", "40k", cwd=tmp_path)
    assert wrong.returncode == 2 and "begin in another folder" in wrong.stderr
    assert (tmp_path / "runs/asr/checkpoint.safetensors").read_bytes() == kept


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"path": "gone.flac"}, "gone.flac: the audio is not there"),
        ({"text": "route 66"}, "line 3: .*'6' in 'route 66' is none of a to z"),
        ({"text": ""}, "line 3: .*the text cannot be learnt: there is none"),
        ({"start_s": "50"}, "lies at 50 to 51.2 s of a file of 11 s"),
        ({"duration_s": "long"}, "duration_s is 'long' where seconds are due"),
    ],
)
def test_data_that_cannot_be_learnt_from_is_named(changed, why, tmp_path):
    table(tmp_path / "data", **changed)
    assert re.search(why, refused(*TRAIN, *TINY, cwd=tmp_path))


def test_data_of_which_nothing_is_short_enough_is_told(tmp_path):
    table(tmp_path / "data", FOUR)
    ended = within(*TRAIN, *TINY, "--longest", 1, cwd=tmp_path)
    assert ended.returncode == 2 and "all are too long" in ended.stderr
    assert not (tmp_path / "runs/asr").exists()


def test_sound_that_is_none_is_named(tmp_path):
    table(tmp_path / "data", path="nan.wav", start_s="", duration_s="")
    samples = np.full(8_000, np.nan, np.float32)
    soundfile.write(tmp_path / "data/nan.wav", samples, 16_000, subtype="FLOAT")
    assert "nan.wav: some samples are NaN" in refused(*TRAIN, *TINY, cwd=tmp_path)


def test_data_that_is_none_is_named(tmp_path):
    empty = tmp_path / "data/utterances.csv"
    empty.parent.mkdir()
    empty.write_text("path,speaker,text\n")
    assert "data: has no utterance in it" in refused(*TRAIN, *TINY, cwd=tmp_path)
    table(tmp_path / "data", split="test")
    assert "only of test" in refused(*TRAIN, *TINY, cwd=tmp_path)
    assert "has no recordings that are known" in refused(
        "train", "asr", "--data", ".", cwd=tmp_path
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--encoder", "wavenet"), f"choose one of {', '.join(ENCODERS)}"),
        (("--encoder", "convrnn"), "no convrnn of 20,000 parameters"),
        (("--parameters", "big"), "give a number such as 400k or 1.5M"),
        (("--parameters", "0"), "give a number such as 400k or 1.5M"),
        (("--symbols", "words"), "give characters, pieces:160 or a FILE.model"),
        (("--symbols", "foreign.model"), "'what' cannot be written with these"),
        (("--symbols", "data/utterances.model"), "data/utterances.model: cannot be opened"),
        (("--noise", "data"), "data: has neither noise.csv nor rir.csv"),
        (("--device", "abacus"), "device 'abacus' cannot be used"),
        (("--to", "nowhere/model"), "there is no folder nowhere"),
        (("--rate", "0"), "--rate 0: give one above 0"),
        (("--development", "data"), "to be learnt from and to be judged by"),
    ],
)
def test_wishes_that_cannot_be_met_are_named(arguments, why, tmp_path):
    table(tmp_path / "data")
    few = Pieces.train(["and so my fellow americans ask not"] * 9, 20)
    (tmp_path / "foreign.model").write_bytes(few.arrays()["tokens.pieces"].tobytes())
    assert why in refused(*TRAIN, *TINY, *arguments, cwd=tmp_path)


def test_without_torch_the_extra_is_named(tmp_path):
    table(tmp_path / "data")
    with mock.patch.dict(sys.modules, {"torch": None}):
        assert "pip install 'allears[asr]'" in refused(*TRAIN, cwd=tmp_path)


def test_help_names_every_encoder(tmp_path):
    said = " ".join(within("train", "asr", "--help", cwd=tmp_path).stdout.replace("│", " ").split())
    for kind in ENCODERS:
        assert kind in said
    assert "Example: allears train asr --data" in said
