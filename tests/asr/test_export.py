"""Exported transducers against torch's, in chunks and batches, and their file."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

from allears.asr.bundle import FLOAT16, FLOAT32, INT8, read, serialise
from allears.asr.encoders.kinds import ENCODERS
from allears.asr.export import bundle, export
from allears.asr.model import Transducer, TransducerConfig
from allears.asr.predictor import PREDICTORS
from allears.asr.quantise import halved, judged, quantised
from allears.asr.recogniser import RecogniserError
from allears.asr.session import OnnxNetworks
from allears.asr.torch_networks import TorchNetworks
from tests.asr.small import BANDS, JOINT, KINDS, STACK, TOKENS, drawn, exported, heard, transducer

CHUNKS = (1, 5, 2, 9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [1, 5])
def test_encoders_are_torchs_in_chunks_and_batches(kind, batch):
    chunks = drawn(batch, CHUNKS)
    mine, states = heard(OnnxNetworks.of(exported(kind)), chunks)
    theirs, expected = heard(TorchNetworks(transducer(kind), TOKENS), chunks)
    assert mine.shape == (batch, sum(CHUNKS), JOINT)
    assert np.allclose(mine, theirs, atol=1e-5)
    for one, other in zip(states, expected, strict=True):
        for array, wanted in zip(one, other, strict=True):
            assert array.dtype == wanted.dtype
            assert np.allclose(array, wanted, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_are_the_whole(kind):
    networks, chunks = OnnxNetworks.of(exported(kind)), drawn(2, CHUNKS)
    whole, _ = heard(networks, [np.concatenate(chunks, 1)])
    assert np.allclose(heard(networks, chunks)[0], whole, atol=1e-5)


@pytest.mark.parametrize("predictor", PREDICTORS)
@pytest.mark.parametrize("batch", [1, 5])
def test_predictors_and_joiners_are_torchs(predictor, batch):
    model = transducer("lstm", predictor)
    both = OnnxNetworks.of(exported("lstm", predictor)), TorchNetworks(model, TOKENS)
    random = np.random.default_rng(2)
    encoded = random.normal(size=(3, batch, JOINT)).astype(np.float32)
    symbols = random.integers(0, TOKENS.size, (3, batch))
    results = []
    for networks in both:
        state = networks.predictor_state(batch)
        for each, symbol in zip(encoded, symbols, strict=True):
            expected, state = networks.predict(symbol, state)
            results += [expected, *state, networks.join(each, expected)]
    half = len(results) // 2
    for mine, theirs in zip(results[:half], results[half:], strict=True):
        assert np.allclose(mine, theirs, atol=1e-5)
    assert np.allclose(np.exp(results[-1]).sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_int8_is_near(kind, tmp_path):
    small = quantised(exported(kind))
    path = tmp_path / "small"
    path.write_bytes(serialise(small))
    chunks = drawn(2, CHUNKS)
    exact, _ = heard(OnnxNetworks.of(exported(kind)), chunks)
    found, _ = heard(OnnxNetworks(path), chunks)
    assert small.about == replace(exported(kind).about, form=INT8)
    assert any(each.dtype == np.int8 for each in small.weights["encoder"].values())
    assert 0 < np.abs(found - exact).max() < 0.15 * np.abs(exact).max()


def test_int8_lstms_have_a_scale_for_each_gate():
    weights = quantised(exported("lstm", "lstm")).weights["encoder"]
    scales = [each for name, each in weights.items() if "LSTM" in name and "scale" in name]
    assert [each.shape for each in scales] == 4 * [(1, 64)]
    assert all(len(np.unique(each)) > 1 for each in scales)


@pytest.mark.parametrize("kind", KINDS)
def test_half_the_bits_are_half_the_file_and_hear_alike(kind, tmp_path):
    small = halved(exported(kind))
    path = tmp_path / "small"
    path.write_bytes(serialise(small))
    weights = sum(each.nbytes for each in exported(kind).weights["encoder"].values())
    assert len(serialise(exported(kind))) - path.stat().st_size > 0.45 * weights
    chunks = drawn(2, CHUNKS)
    exact, _ = heard(OnnxNetworks.of(exported(kind)), chunks)
    found, _ = heard(OnnxNetworks(path), chunks)
    assert 0 < np.abs(found - exact).max() < 0.01 * np.abs(exact).max()
    again = read(path)
    assert again.about == small.about and again.about.form == FLOAT16
    for name, each in small.weights["encoder"].items():
        assert np.array_equal(again.weights["encoder"][name], each)


def test_a_weight_beyond_16_bits_is_refused():
    given = exported()
    weights = {
        **given.weights,
        "joiner": {**given.weights["joiner"], "a": np.full(1, 1e5, np.float32)},
    }
    with pytest.raises(ValueError, match="beyond"):
        halved(replace(given, weights=weights))


@pytest.mark.parametrize(
    ("rates", "kept"),
    [
        ({INT8: 0.102, FLOAT16: 0.0}, INT8),
        ({INT8: 0.1021, FLOAT16: 0.102}, FLOAT16),
        ({INT8: 0.1021, FLOAT16: 0.1021}, FLOAT32),
    ],
)
def test_of_smaller_forms_the_first_is_kept_in_which_word_errors_rise_little(rates, kept):
    rates[FLOAT32] = 0.1
    sizes: dict[str, int] = {}
    found = judged(exported(), lambda networks: rates[networks.about.form], sizes, (INT8, FLOAT16))
    assert found.about.form == kept
    tried = (INT8,) if kept == INT8 else (INT8, FLOAT16)
    assert found.about.rates == {form: rates[form] for form in (FLOAT32, *tried)}
    assert (*sizes,) == tried and max(sizes.values()) < len(serialise(exported()))
    types = {each.dtype for each in found.weights["encoder"].values()}
    assert (np.dtype(np.int8) in types) == (kept == INT8)


def test_a_file_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "recogniser"
    made = export(transducer(), TOKENS, path, text="small")
    found = read(path)
    assert found.about == made.about == exported().about
    assert serialise(found) == path.read_bytes() == serialise(exported())
    assert found.tokens.piece(1) == TOKENS.piece(1)
    assert found.tokens.size == TOKENS.size


def test_the_file_is_safetensors_and_says_what_it_is(tmp_path):
    path = tmp_path / "recogniser"
    path.write_bytes(serialise(exported()))
    with safe_open(path, "np") as file:
        about, names = file.metadata(), file.keys()
        shape = file.get_slice("encoder.encoder.layers.recurrences.0.LSTM.1").get_shape()
    assert (about["kind"], about["format"]) == ("recogniser", "1")
    config = json.loads(about["config"])
    assert [config[each] for each in ("bands", "stack", "joint")] == [BANDS, STACK, JOINT]
    assert (config["encoder"], config["text"], config["form"]) == ("lstm", "small", FLOAT32)
    assert {"graph.encoder", "graph.predictor", "graph.joiner", "tokens.characters"} < set(names)
    assert shape == [1, 4 * 16, BANDS * STACK]
    assert len(exported().graphs["encoder"]) < 10_000


def test_the_model_stays_as_it_was():
    model = transducer().train()
    try:
        bundle(model, TOKENS)
        assert all(each.training for each in model.modules())
    finally:
        model.eval()


def test_it_runs_without_torch(tmp_path):
    path = tmp_path / "recogniser"
    path.write_bytes(serialise(quantised(exported())))
    lines = f"""
import sys
sys.modules["torch"] = sys.modules["onnx"] = None
from pathlib import Path
import numpy as np
from allears.asr.session import OnnxNetworks
networks = OnnxNetworks(Path({str(path)!r}))
found, _ = networks.encode(np.zeros((2, 8, 8), np.float32), networks.encoder_state(2))
print(found.shape)
"""
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    assert done.stdout == "(2, 2, 12)\n"


@dataclass(frozen=True)
class Config:
    inputs: int
    begin: float = 0.0


class Loudest(nn.Module):
    """What it does depends on the numbers it is given, which no graph can follow."""

    def __init__(self, config):
        super().__init__()
        self.width, self.begin = config.inputs, config.begin

    def initial_state(self, batch):
        return torch.full((batch, 1), self.begin)

    def forward(self, x, state):
        return x * float(x.abs().max() + 1), state + x.mean((1, 2))[:, None]


@pytest.mark.parametrize(("begin", "says"), [(0.0, "off the model"), (1.0, "begin as zeros")])
def test_what_cannot_be_exported_is_refused(monkeypatch, begin, says):
    monkeypatch.setitem(ENCODERS, "loudest", (Config, Loudest))
    config = TransducerConfig(TOKENS.size, "loudest", {"begin": begin}, joint=JOINT, bands=BANDS)
    with pytest.raises(RecogniserError, match=says):
        bundle(Transducer(config), TOKENS)


def test_the_processor_keeps_its_smallest_numbers():
    """onnxruntime can have them taken for zero, in everything else that the process computes, too."""
    networks = OnnxNetworks.of(exported("lstm"))
    heard(networks, drawn(1, CHUNKS))
    smallest = np.array([np.finfo(np.float32).smallest_normal])
    assert smallest[0] / 2 > 0
