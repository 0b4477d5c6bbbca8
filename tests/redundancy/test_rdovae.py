import re

import numpy as np
import pytest
import torch

from allears.redundancy.rdovae import LATENTS, STATES, Decoder, Encoder
from tests.real import REFERENCE, needs_reference
from tests.weights.released import floats, models, under


def filled(module, prefix):
    arrays = under(models().rdovae.arrays, prefix)
    module.load_state_dict({name: torch.from_numpy(each) for name, each in arrays.items()})
    return module.eval()


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.no_grad():
        yield


@needs_reference
def test_the_encoder_is_that_of_libopus():
    encoder = filled(Encoder(), "encoder.")
    x = torch.from_numpy(floats("enc_rdovae_in40.f32", 40))[None]
    latents, states, _ = encoder(x, encoder.initial_state(1))
    assert np.abs(latents[0].numpy() - floats("enc_latents25.f32", 25)).mean() < 0.15
    assert np.abs(states[0].numpy() - floats("enc_states50.f32", 50)).mean() < 0.2


@needs_reference
def test_the_decoder_is_that_of_libopus():
    decoder = filled(Decoder(), "decoder.")
    text = (REFERENCE / "jfk/dec_meta.txt").read_text()
    counts = [int(count) for count in re.findall(r"nb_latents=(\d+)", text)]
    packets = [number for number, count in enumerate(counts) if count == 26]
    starts = np.cumsum([0, *counts])[packets]
    told = np.stack([floats("dec_latents26.f32", 26)[at : at + 26] for at in starts])
    wanted = np.stack([floats("dec_features20.f32", 80)[at : at + 26] for at in starts])
    state = decoder.begin(torch.from_numpy(floats("dec_states50.f32", 50)[packets]))
    features, _ = decoder(torch.from_numpy(told), state)
    assert len(packets) > 50 and np.abs(features.numpy() - wanted).mean() < 0.02


@pytest.mark.parametrize("sizes", [(1,) * 12, (5, 7), (1, 10, 1)])
def test_chunks_equal_the_whole(sizes):
    torch.manual_seed(0)
    encoder, decoder = Encoder(), Decoder()
    x, z = torch.randn(3, 12, 40), torch.randn(3, 12, LATENTS + 1)
    latents, states, _ = encoder(x, encoder.initial_state(3))
    features, _ = decoder(z, decoder.begin(states[:, -1]))
    before, backwards = encoder.initial_state(3), decoder.begin(states[:, -1])
    parts = []
    for heard, told in zip(x.split(sizes, 1), z.split(sizes, 1), strict=True):
        latent, start, before = encoder(heard, before)
        frames, backwards = decoder(told, backwards)
        parts.append((latent, start, frames))
    for whole, pieces in zip((latents, states, features), zip(*parts, strict=True), strict=True):
        assert torch.allclose(torch.cat(pieces, 1), whole, atol=1e-5)


def test_where_a_decoder_starts_is_felt():
    torch.manual_seed(0)
    decoder = Decoder()
    z = torch.randn(1, 4, LATENTS + 1).expand(2, -1, -1)
    features, _ = decoder(z, decoder.begin(torch.stack([torch.zeros(STATES), torch.ones(STATES)])))
    assert (features[0] - features[1]).abs().max() > 1e-3
