import numpy as np
import pytest
import torch

from allears.audio import pitch
from allears.voice import fargan_loops
from allears.voice.fargan import Fargan
from tests.voice.bursts import snr


@pytest.mark.parametrize("told", [-1.4, -0.5, 1.2])
def test_loops_speak_as_the_network_does(told):
    """Short and long periods: what is not spoken yet lies two of them back."""
    torch.manual_seed(3)
    net = Fargan()
    arrays = {name: each.detach().numpy() for name, each in net.named_parameters()}
    layers, periods = fargan_loops.layers(arrays), arrays[fargan_loops.PERIODS]
    features = torch.randn(1, 6, 20) / 2
    features[..., 18] = told
    period = pitch.period(features[..., 18].numpy())
    state = net.initial_state(1)._replace(samples=torch.randn(1, 256) / 10)
    after = tuple(each.reshape(1, -1).numpy().copy() for each in (*state[:-1], *state.grus))
    with torch.no_grad():
        wanted, state = net(features, torch.from_numpy(period), state)
    spoken = np.empty((6, 160), np.float32)
    for frame in range(6):
        fargan_loops.step(
            layers, periods, features[0, frame].numpy(), period[0, frame], after, spoken[frame]
        )
    assert snr(wanted[0].numpy(), spoken.ravel()) > 55
    assert np.array_equal(state.period.numpy(), after[0])
    for one, other in zip((*state[1:-1], *state.grus), after[1:], strict=True):
        assert snr(one.numpy().ravel(), other.ravel()) > 55
