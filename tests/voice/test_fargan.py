import numpy as np
import pytest
import torch

from allears.audio import pitch
from allears.voice.fargan import Fargan
from tests.real import needs_reference
from tests.voice.bursts import bursts, snr
from tests.weights.released import models


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.no_grad():
        yield


def periods(features):
    return torch.from_numpy(pitch.period(features[..., 18]))


@needs_reference
def test_bursts_continue_as_libopus_continues_them():
    """Each for itself would not do: what the GRUs know goes on from burst to burst."""
    net = Fargan()
    arrays = models().vocoder.arrays
    net.load_state_dict({name: torch.from_numpy(each) for name, each in arrays.items()})
    state, firsts, wholes = net.initial_state(1), [], []
    for burst in bursts():
        context = torch.from_numpy(burst.context)[None]
        state = net.begin(
            torch.from_numpy(burst.past)[None], context, periods(burst.context[None]), state
        )
        told = burst.features[None]
        spoken, state = net(torch.from_numpy(told), periods(told), state)
        firsts.append(snr(burst.spoken[:160], spoken[0, :160].numpy()))
        wholes.append(snr(burst.spoken, spoken[0].numpy()))
    assert len(firsts) > 60 and np.mean(firsts) > 20 and np.median(wholes) > 20
    assert np.mean(np.array(firsts) > 15) > 0.9


def test_joined_streams_equal_single_ones():
    torch.manual_seed(0)
    net = Fargan()
    features = torch.randn(3, 8, 20) / 2
    past = torch.randn(3, 320) / 10
    told = periods(features.numpy())
    state = net.begin(past, features[:, :5], told[:, :5], net.initial_state(3))
    together, _ = net(features[:, 5:], told[:, 5:], state)
    for row in range(3):
        one = slice(row, row + 1)
        state = net.begin(past[one], features[one, :5], told[one, :5], net.initial_state(1))
        alone, _ = net(features[one, 5:], told[one, 5:], state)
        assert torch.allclose(alone[0], together[row], atol=1e-5)


@pytest.mark.parametrize("period", [32, 33, 100, 255])
def test_one_period_back_is_looked_at(period):
    """With weights that pass it on, a periodic past goes on as it was."""
    net = Fargan()
    for parameter in net.parameters():
        parameter.zero_()
    # tanh is nearly its argument for what is small; gates without weights halve, twice.
    small = 1e-2
    net.subframe.skip.weight[:40, -80:-40] = 4 * torch.eye(40)
    net.subframe.output.weight[:, :40] = torch.eye(40)
    past = small * torch.sin(2 * torch.pi * torch.arange(640) / period)[None]
    emphasised = past[:, 1:] - 0.85 * past[:, :-1]
    state = net.initial_state(1)._replace(
        period=torch.tensor([[period]]),
        samples=emphasised[:, 320 - 257 : 319],
        last=past[:, 319:320],
    )
    spoken, _ = net.step(torch.zeros(1, 20), torch.tensor([[period]]), state)
    assert snr(past[0, 320:480].numpy(), spoken[0].numpy()) > 30


def test_the_period_of_a_frame_counts_one_frame_late():
    torch.manual_seed(0)
    net = Fargan()
    net.condition.period.weight.zero_()
    state = net.initial_state(1)._replace(
        period=torch.tensor([[80]]), samples=torch.randn(1, 256) / 10
    )
    features = torch.randn(1, 2, 20)
    one, _ = net(features, torch.tensor([[100, 100]]), state)
    other, _ = net(features, torch.tensor([[60, 100]]), state)
    assert torch.equal(one[:, :160], other[:, :160])
    assert not torch.allclose(one[:, 160:], other[:, 160:], atol=1e-4)
