"""A transducer as a file: it comes back as it was, and anything else is refused by name."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from allears.asr import checkpoint
from allears.asr.recogniser import RecogniserError
from allears.asr.tokens import Pieces
from allears.outputs import OutputError
from tests.asr.small import BANDS, KINDS, STACK, TOKENS, transducer

TEXTS = ["ask not what your country can do for you", "ask what you can do for your country"] * 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("predictor", ["stateless", "lstm"])
def test_it_comes_back_as_it_was(kind, predictor, tmp_path):
    model, path = transducer(kind, predictor), tmp_path / "model.safetensors"
    checkpoint.save(model, TOKENS, path)
    again, tokens = checkpoint.load(path)
    mels, targets = torch.randn(2, 6 * STACK, BANDS), torch.tensor([[1, 2], [3, 4]])
    with torch.no_grad():
        assert torch.equal(again(mels, targets), model(mels, targets))
    assert not again.training
    assert tokens.encode("abc cab") == TOKENS.encode("abc cab")


def test_pieces_come_back_too(tmp_path):
    pieces = Pieces.train(TEXTS, 24)
    checkpoint.save(transducer(), pieces, tmp_path / "model")
    _, again = checkpoint.load(tmp_path / "model")
    assert [again.piece(each) for each in range(1, again.size)] == [
        pieces.piece(each) for each in range(1, pieces.size)
    ]


def test_any_tool_reads_it(tmp_path):
    checkpoint.save(transducer(), TOKENS, tmp_path / "model")
    with safe_open(tmp_path / "model", "pt") as file:
        about, names = file.metadata(), file.keys()
    assert json.loads(about["config"])["encoder_kind"] == "lstm"
    assert {"joiner.read.weight", "tokens.characters"} < set(names)


def changed(path, change):
    with safe_open(path, "pt") as file:
        about, names = file.metadata(), file.keys()
        tensors = {name: file.get_tensor(name) for name in names}
    change(about, tensors)
    save_file(tensors, path, about)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda about, _: about.update(kind="vocoder"), "holds vocoder, not a transducer"),
        (lambda about, _: about.update(format="9"), "not a transducer of format 1"),
        (lambda about, _: about.pop("kind"), "holds something else"),
        (lambda about, _: about.pop("config"), "do not fit"),
        (lambda about, _: about.update(config="{"), "do not fit"),
        (lambda about, _: about.update(config='{"vocabulary": 3}'), "do not fit"),
        (lambda about, _: about.update(config='{"encoder_kind": "wavenet"}'), "do not fit"),
        (lambda _, tensors: tensors.pop("mean"), "do not fit"),
    ],
)
def test_what_does_not_fit_is_named(change, why, tmp_path):
    path = tmp_path / "model"
    checkpoint.save(transducer(), TOKENS, path)
    changed(path, change)
    with pytest.raises(RecogniserError, match=why) as error:
        checkpoint.load(path)
    assert str(path) in str(error.value)


def test_what_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / "model"
    checkpoint.save(transducer(), TOKENS, path)
    path.write_bytes(path.read_bytes()[:-100])
    for each in (path, tmp_path, tmp_path / "gone"):
        with pytest.raises(RecogniserError, match=f"{each}: no checkpoint"):
            checkpoint.load(each)


def test_it_is_whole_or_not_there(tmp_path):
    with pytest.raises(OutputError):
        checkpoint.save(transducer(), TOKENS, tmp_path / "gone" / "model")
    assert not list(tmp_path.iterdir())
