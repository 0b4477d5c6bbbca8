"""Recognisers' files as what they were trained as."""

import copy
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from allears.asr import checkpoint, restoring
from allears.asr.bundle import serialise
from allears.asr.export import bundle, export
from allears.asr.predictor import PREDICTORS
from allears.asr.quantise import halved, quantised
from allears.asr.recogniser import RecogniserError
from allears.asr.torch_networks import TorchNetworks
from tests.asr.small import KINDS, TOKENS, drawn, heard
from tests.asr.small import transducer as untaught


@cache
def transducer(kind="lstm", predictor="stateless"):
    """One in which no two tensors are equal, as after training."""
    model = copy.deepcopy(untaught(kind, predictor))
    torch.manual_seed(1)
    with torch.no_grad():
        for each in model.parameters():
            each.add_(0.05 * torch.randn_like(each))
    return model


@cache
def exported(kind="lstm", predictor="stateless"):
    return bundle(transducer(kind, predictor), TOKENS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_is_back_where_it_was(kind):
    same(kind, "stateless")


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_predictors_too(predictor):
    same("lstm", predictor)


def same(kind, predictor):
    found, tokens = restoring.restored(exported(kind, predictor))
    expected = transducer(kind, predictor).state_dict()
    assert {name: each.shape for name, each in found.state_dict().items()} == {
        name: each.shape for name, each in expected.items()
    }
    for name, each in found.state_dict().items():
        torch.testing.assert_close(each, expected[name], rtol=0, atol=0, msg=name)
    assert tokens.size == TOKENS.size and not found.training


@pytest.mark.parametrize("smaller", [halved, quantised])
@pytest.mark.parametrize("kind", KINDS)
def test_rounded_weights_are_as_near_as_they_were_rounded(kind, smaller):
    found, _ = restoring.restored(smaller(exported(kind)))
    for name, each in transducer(kind).state_dict().items():
        error = (found.state_dict()[name] - each).abs().max()
        # 7 bits for numbers up to the largest of an output.
        assert error <= each.abs().max() / 63 + 1e-6, name
    chunks = drawn(1, (3, 4))
    mine = heard(TorchNetworks(found, TOKENS), chunks)[0]
    theirs = heard(TorchNetworks(transducer(kind), TOKENS), chunks)[0]
    assert np.abs(mine - theirs).max() < 0.2 * np.abs(theirs).max()


def test_a_file_of_either_kind_is_loaded(tmp_path):
    model = transducer("lstm")
    for name, write in (
        ("checkpoint", lambda path: checkpoint.save(model, TOKENS, path)),
        ("recogniser", lambda path: export(model, TOKENS, path)),
    ):
        path = tmp_path / f"{name}.safetensors"
        write(path)
        found, tokens = restoring.load(path)
        assert tokens.size == TOKENS.size
        for key, each in found.state_dict().items():
            assert torch.equal(each, model.state_dict()[key])


def test_what_cannot_be_restored_is_said_with_its_file(tmp_path):
    made = exported("lstm")
    path = tmp_path / "some.safetensors"
    network = dict(made.about.network)
    for changed, says in (
        ({}, "does not say what it was made of; give the checkpoint"),
        ({**network, "joint": 7}, "is not what its description makes"),
        ({**network, "encoder_kind": "ear"}, "is not what its description makes"),
    ):
        about = replace(made.about, network=changed)
        path.write_bytes(serialise(replace(made, about=about)))
        with pytest.raises(RecogniserError, match=rf"some\.safetensors: .*{says}"):
            restoring.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(RecogniserError, match=r"some\.safetensors"):
        restoring.load(path)
