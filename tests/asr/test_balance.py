"""The blank is as likely as makes the fewest errors."""

import torch

from allears.asr import checkpoint
from allears.asr.balance import balanced
from allears.asr.judging import judge
from allears.asr.networks import BLANK
from allears.asr.torch_networks import TorchNetworks
from tests.asr.material import taught


def test_a_model_that_says_too_little_is_brought_to_say_more():
    path, sound = taught()
    model, tokens = checkpoint.load(path)
    fewest = judge(TorchNetworks(model, tokens), sound).errors
    with torch.no_grad():
        model.joiner.read.bias[BLANK] += 4
    silent = judge(TorchNetworks(model, tokens), sound).errors
    assert silent > fewest
    assert balanced(model, tokens, sound, (0.0, 2.0, 4.0)) > 0
    assert judge(TorchNetworks(model, tokens), sound).errors < silent


def test_a_model_that_says_enough_stays_as_it_was():
    path, sound = taught()
    model, tokens = checkpoint.load(path)
    before = model.joiner.read.bias.detach().clone()
    assert balanced(model, tokens, sound, (0.0, 30.0)) == 0
    assert torch.equal(before, model.joiner.read.bias)
