import re

import numpy as np
import pytest

from allears.audio import pitch
from allears.audio.features import Extractor
from allears.weights import opus, tables
from allears.weights.errors import WeightsError
from tests.real import REFERENCE, needs_reference
from tests.weights.released import BLOB, TABLES, arrays, floats, models, network

pytestmark = needs_reference


def test_the_release_is_recognised():
    assert models().is_opus and models().vocoder.kind == "fargan"


def test_features_equal_those_of_libopus():
    samples = (floats("enc_feat_in_pcm.f32", 160) / 32_768).reshape(1, -1)
    wanted = floats("enc_features36.f32", 36)[:, :20]
    extractor = Extractor(network("pitch"))
    features, _ = extractor(samples, extractor.initial_state(1))
    assert np.abs(features[0] - wanted).mean() < 0.02
    voiced = wanted[:, 19] > 0.3
    ours, theirs = (pitch.period(each[voiced, 18].copy()) for each in (features[0], wanted))
    assert voiced.sum() > 200 and np.mean(ours == theirs) > 0.98


def test_latents_and_states_equal_those_of_libopus():
    encoder = network("rdovae_encoder")
    state, latents, states = encoder.initial_state(1), [], []
    for pair in floats("enc_rdovae_in40.f32", 40):
        (latent, start), state = encoder([pair[None]], state)
        latents.append(latent[0])
        states.append(start[0])
    assert np.abs(latents - floats("enc_latents25.f32", 25)).mean() < 0.15
    assert np.abs(states - floats("enc_states50.f32", 50)).mean() < 0.2


def test_decoded_features_equal_those_of_libopus():
    begin, decoder = network("rdovae_begin"), network("rdovae_decoder")
    text = (REFERENCE / "jfk/dec_meta.txt").read_text()
    counts = [int(count) for count in re.findall(r"nb_latents=(\d+)", text)]
    ends = np.cumsum(counts)
    wanted = np.split(floats("dec_features20.f32", 80), ends[:-1])
    told = np.split(floats("dec_latents26.f32", 26), ends[:-1])
    errors = []
    for packet in range(0, len(counts), 20):
        _, state = begin([floats("dec_states50.f32", 50)[packet][None]])
        for latent, frames in zip(told[packet], wanted[packet], strict=True):
            (features,), state = decoder([latent[None]], state)
            errors.append(np.abs(features[0] - frames).mean())
    assert len(errors) > 500 and np.mean(errors) < 0.02


def test_tables_are_those_given():
    with np.load(TABLES) as given:
        for name in given:
            assert np.array_equal(models().rdovae.arrays[f"table.{name}"], given[name])


def test_a_missing_layer_is_named():
    lacking = {name: each for name, each in arrays().items() if name != "enc_gru3_input_scale"}
    with pytest.raises(WeightsError, match="enc_gru3_input_scale is missing"):
        opus.models(lacking, tables.read(TABLES))


def test_a_blob_without_tables_says_where_they_are_looked_for(tmp_path):
    (tmp_path / "weights_blob.bin").write_bytes(BLOB.read_bytes())
    with pytest.raises(WeightsError, match=r"dred_stats_q8\.npz: cannot be read .*; give a \.npz"):
        opus.read(tmp_path / "weights_blob.bin")
    assert opus.read(tmp_path / "weights_blob.bin", TABLES).model_hash == models().model_hash


@pytest.mark.parametrize("make", ["text", "pickle", "huge", "lacking"])
def test_tables_that_are_none_are_refused(tmp_path, make):
    path = tmp_path / "tables.npz"
    if make == "text":
        path.write_text("tables")
    elif make == "pickle":
        np.savez(path, latent_r=np.array([{}]))
    elif make == "huge":
        np.savez_compressed(path, latent_r=np.zeros(1 << 24, np.uint8))
    else:
        np.savez(path, latent_r=np.zeros((16, 25), np.uint8))
    with pytest.raises(WeightsError, match=r"tables\.npz: no \.npz|table .* is missing"):
        opus.read(BLOB, path)
