import numpy as np
import pytest
import torch

from allears.audio import features, pitch, pitchnet
from allears.audio.pitchnet import BINS, PitchNet
from tests.real import needs_reference, speech
from tests.weights.released import floats, models


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.no_grad():
        yield


@needs_reference
def test_pitch_is_that_of_libopus():
    net = PitchNet()
    arrays = models().pitch.arrays
    net.load_state_dict({name: torch.from_numpy(each) for name, each in arrays.items()})
    samples = (floats("enc_feat_in_pcm.f32", 160) / 32_768).reshape(1, -1)
    heard, _ = pitch.analyse(samples, pitch.initial_state(1))
    turns, lags = torch.from_numpy(heard.turns), torch.from_numpy(heard.lags)
    logits, _ = net(turns, lags, net.initial_state(1))
    found, wanted = pitchnet.pitch(logits)[0].numpy(), floats("enc_features36.f32", 36)[:, 18:20]
    voiced = wanted[:, 1] > 0.3
    ours, theirs = pitch.period(found[voiced]), pitch.period(wanted[voiced, 0].copy())
    assert voiced.sum() > 200 and np.mean(ours == theirs) > 0.98


@pytest.mark.parametrize("sizes", [(1,) * 30, (13, 17), (1, 1, 28)])
def test_chunks_equal_the_whole(sizes):
    torch.manual_seed(0)
    net = PitchNet()
    both = np.stack((speech(seconds=0.3), speech("jfk", seconds=0.3)))
    heard, _ = pitch.analyse(both, pitch.initial_state(2))
    turns, lags = torch.from_numpy(heard.turns), torch.from_numpy(heard.lags)
    whole, _ = net(turns, lags, net.initial_state(2))
    state, parts = net.initial_state(2), []
    for one, other in zip(turns.split(sizes, 1), lags.split(sizes, 1), strict=True):
        logits, state = net(one, other, state)
        parts.append(logits)
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-5)


def test_a_peak_is_read_where_it_stands():
    bins = torch.arange(BINS)
    place = torch.tensor([0.0, 40.0, 40.3, 179.0])
    logits = -0.5 * (bins - place[:, None]).square()
    inside = pitchnet.pitch(logits)[1:3]
    assert torch.allclose((inside + 1.5) * 60, place[1:3], atol=0.05)
    edges = (pitchnet.pitch(logits)[[0, 3]] + 1.5) * 60
    assert 0 <= edges[0] < 1 and 178 < edges[1] <= 179


def test_live_and_trained_read_the_same():
    logits = torch.randn(50, BINS, generator=torch.Generator().manual_seed(0)) * 3
    assert np.allclose(features._octaves(logits.numpy()), pitchnet.pitch(logits).numpy(), atol=1e-5)
