import numpy as np
import pytest
import torch

from allears.audio.features import Extractor
from allears.voice.burg import CEPSTRA, cepstra
from allears.voice.predictor import GIVEN, Predictor
from tests.real import needs_reference
from tests.voice.bursts import JFK, bursts
from tests.weights.released import models, network

HOP = 160
_KEPT = 14
"""Hops that libopus tells its predictor of after a long stretch without loss."""


@pytest.mark.parametrize("sizes", [(1,) * 12, (5, 7)])
def test_chunks_equal_the_whole(sizes):
    torch.manual_seed(0)
    net = Predictor()
    x = torch.randn(2, 12, GIVEN)
    with torch.no_grad():
        whole, _ = net(x, net.initial_state(2))
        state, parts = net.initial_state(2), []
        for chunk in x.split(sizes, 1):
            y, state = net(chunk, state)
            parts.append(y)
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-5)


class Guesser:
    """The released predictor, told frame by frame."""

    def __init__(self):
        self._network = network("predictor")
        self.state = self._network.initial_state(1)

    def told(self, envelope, features, mark):
        given = np.concatenate((envelope, features, [mark]))[None].astype(np.float32)
        (guess,), self.state = self._network([given], self.state)
        return guess[0]


@needs_reference
@pytest.mark.parametrize("envelopes", [True, False])
def test_first_guesses_are_those_of_libopus(envelopes):
    """Where a burst begins with a frame that no redundancy tells of, libopus guesses it from what was heard.

    Without the envelopes of Burg's method the guesses are others: so those are right as well.
    """
    samples = (np.fromfile(JFK / "decoded.s16", "<i2") / 32_768).astype(np.float32)
    extractor = Extractor(network("pitch"))
    heard = extractor(samples[None], extractor.initial_state(1))[0][0]
    envelope = cepstra(samples.reshape(-1, HOP)) * envelopes
    guesser, played, errors = Guesser(), 0, []
    for burst in bursts():
        lost = len(burst.features)
        begin = 2 * burst.packet - lost
        for hop in range(max(played, begin - _KEPT), begin):
            guesser.told(envelope[hop], heard[hop], 1)
        settled, nothing = guesser.state, np.zeros(CEPSTRA)
        guess = guesser.told(nothing, np.zeros(20), 0)
        error = np.abs(guess - burst.context[3]).mean()
        told_of = lost in (4, 40, 48)  # there the redundancy begins a frame earlier
        if not told_of and played < begin:
            errors.append(error)
        # What the last two frames told is forgotten: they are told ahead of what was lost.
        guesser.state = settled
        for features in (*burst.context[3:], *burst.features[:-2]):
            guesser.told(nothing, features, -1)
        played = begin + lost
    assert len(errors) > 40
    assert np.mean(errors) < 0.1 if envelopes else np.mean(errors) > 0.3


@needs_reference
def test_the_network_in_torch_is_the_one_that_runs():
    net = Predictor()
    arrays = models().concealment.arrays
    net.load_state_dict({name: torch.from_numpy(each) for name, each in arrays.items()})
    x = torch.randn(1, 6, GIVEN, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole, _ = net(x, net.initial_state(1))
    guesser = Guesser()
    for frame, wanted in zip(x[0].numpy(), whole[0].numpy(), strict=True):
        guess = guesser.told(frame[:CEPSTRA], frame[CEPSTRA:-1], frame[-1])
        assert np.abs(guess - wanted).max() < 1e-4
