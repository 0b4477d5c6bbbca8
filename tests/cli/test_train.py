import csv

import pytest

from allears.weights.store import Weights
from tests.cli.command import run
from tests.real import CLIPS

KINDS = {"pitch": "pitch", "rdovae": "rdovae", "concealment": "concealment", "vocoder": "harmonic"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "clips"
    folder.mkdir()
    with (folder / "utterances.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "speaker", "split"])
        writer.writerows([[CLIPS / f"{name}.flac", name, "train"] for name in ("lj", "jfk")])
    return folder


@pytest.mark.parametrize("what", KINDS)
def test_weights_come_out_and_the_same_command_goes_on(corpus, what):
    common = ["train", what, "--data", corpus, "--packs", corpus / "pack", "--batch", 2]
    folder = corpus / "runs" / what
    common += ["--folder", folder, "--steps", 2]
    stopped = run(*common, "--hours", 0.0000001, cwd=corpus)
    assert "the same command goes on" in stopped.stdout
    run(*common, cwd=corpus)
    weights = Weights.load(folder / f"{what}.safetensors")
    assert (weights.kind, weights.origin) == (KINDS[what], "allears")


def test_what_cannot_be_trained_is_said(corpus, tmp_path):
    wrong = run("train", "wisdom", "--data", corpus, cwd=tmp_path, expect=2)
    assert "choose one of pitch, rdovae, concealment, vocoder" in wrong.stderr
    empty = run("train", "pitch", "--data", tmp_path, cwd=tmp_path, expect=2)
    assert "utterances.csv" in empty.stderr
