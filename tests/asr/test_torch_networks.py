"""The reference networks: step by step they say what the model says at once."""

import numpy as np
import pytest
import torch

from allears.asr.predictor import PREDICTORS
from allears.asr.recogniser import RecogniserError
from allears.asr.torch_networks import TorchNetworks
from tests.asr.small import BANDS, JOINT, KINDS, STACK, TOKENS, drawn, heard, transducer


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_are_what_the_model_hears(kind):
    model, chunks = transducer(kind), drawn(2, (3, 1, 4))
    found, _ = heard(TorchNetworks(model, TOKENS), chunks)
    whole = torch.from_numpy(np.concatenate(chunks, 1))
    with torch.no_grad():
        expected, _ = model.encode(whole, model.encoder.initial_state(2))
    assert np.allclose(found, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_steps_are_the_lattice_of_the_model(predictor):
    model = transducer("lstm", predictor)
    networks, (mels,) = TorchNetworks(model, TOKENS), drawn(2, (5,))
    targets = torch.tensor([[1, 3, 2], [4, 4, 8]])
    with torch.no_grad():
        lattice = model(torch.from_numpy(mels), targets).log_softmax(3).numpy()
    encoded, _ = networks.encode(mels, networks.encoder_state(2))
    state = networks.predictor_state(2)
    for place, symbols in enumerate(np.concatenate((np.zeros((2, 1), int), targets), 1).T):
        expected, state = networks.predict(symbols, state)
        for frame in range(encoded.shape[1]):
            found = networks.join(encoded[:, frame], expected)
            assert np.allclose(found, lattice[:, frame, place], atol=1e-5)


def test_it_knows_its_shapes_and_symbols():
    networks = TorchNetworks(transducer(), TOKENS)
    assert (networks.bands, networks.stack, networks.tokens) == (BANDS, STACK, TOKENS)
    predicted, _ = networks.predict(np.zeros(3, np.int64), networks.predictor_state(3))
    assert predicted.shape == (3, JOINT) and predicted.dtype == np.float32
    assert all(len(each) == 3 for each in networks.encoder_state(3))


def test_frames_that_do_not_stack_are_refused():
    networks = TorchNetworks(transducer(), TOKENS)
    with pytest.raises(RecogniserError, match=r"7 frames of 10 ms; .* multiples of 4"):
        networks.encode(np.zeros((1, 7, BANDS), np.float32), networks.encoder_state(1))


def test_a_model_in_training_is_put_into_use():
    model = transducer().train()
    TorchNetworks(model, TOKENS)
    assert not model.training
