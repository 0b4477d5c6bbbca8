"""Amortised Transformers: what closed components cost and do, and what training asks of them."""

import numpy as np
import pytest
import torch

from allears.asr.arbitration import Arbitration, Listening, Thrift, cost, open_shares
from allears.asr.encoders.amortised import Amortised, AmortisedConfig, Costs
from allears.asr.encoders.skipping import Skipping
from allears.asr.encoders.transformer import Transformer
from allears.asr.model import Transducer, TransducerConfig
from allears.audio import mel
from allears.nn.attention import PERIOD
from allears.nn.gates import Gates
from allears.nn.macs import macs_per_frame
from tests.real import speech

CONFIG = AmortisedConfig(
    inputs=24, width=16, layers=2, heads=2, size=8, past=9, expansion=2, slices=4
)


def amortised(**fields) -> Amortised:
    """With arbitrators that open about half."""
    torch.manual_seed(3)
    config = AmortisedConfig(**{**{n: getattr(CONFIG, n) for n in CONFIG.__slots__}, **fields})
    encoder = Amortised(config).eval().requires_grad_(False)
    for weight in encoder.parameters():
        weight += 0.1 * torch.randn_like(weight)
    for block in encoder.blocks:
        block.arbitrator.judge.weight *= 3
        block.arbitrator.judge.bias -= 2
    return encoder


def frames(batch=1, time=60) -> torch.Tensor:
    return torch.randn(batch, time, 24, generator=torch.Generator().manual_seed(5))


@torch.no_grad()
def switches(encoder, x) -> torch.Tensor:
    with Listening(encoder) as listening:
        encoder(x, encoder.initial_state(len(x)))
    return torch.cat(listening.heard, 2)


def test_all_open_it_is_the_transformer_whose_weights_it_has():
    encoder = amortised(threshold=-1e9)
    plain = Transformer(CONFIG.ungated()).eval()
    _, unexpected = plain.load_state_dict(encoder.state_dict(), strict=False)
    assert all("arbitrator" in name for name in unexpected)
    y, _ = encoder(frames(2), encoder.initial_state(2))
    expected, _ = plain(frames(2), plain.initial_state(2))
    torch.testing.assert_close(y, expected)


def test_all_closed_only_the_skip_connection_is_left():
    encoder = amortised(threshold=1e9)
    x = frames(2)
    y, _ = encoder(x, encoder.initial_state(2))
    torch.testing.assert_close(y, encoder.norm(encoder.enter(x)))


def test_the_threshold_is_a_dial():
    encoder = amortised()
    shares = []
    for encoder.threshold in (-2, 0, 2):
        shares.append(float(switches(encoder, frames(4)).mean()))
    assert 1 > shares[0] > shares[1] > shares[2] > 0
    assert encoder.threshold == 2


def test_slices_divide_the_feed_forward():
    with pytest.raises(ValueError, match="32 values in 5 slices"):
        amortised(slices=5)


def test_costs_by_hand():
    costs = amortised(acoustic=True).costs()
    head = 2 * 16 * 8 + 2 * 10 * 8
    assert costs.components == 2 * (2 * (head,) + 4 * (2 * 16 * 8,))
    remembered, arbitrator = 16 * 2 * 16, 32 * 16 + 16 * 6
    assert costs.fixed == 24 * 16 + 2 * (remembered + arbitrator)
    assert costs.whole == macs_per_frame(amortised(acoustic=True))


def test_padding_costs_nothing():
    costs = Costs(10, (30, 60))
    switched = torch.tensor([[[1.0, 0], [0, 1], [1, 1]], [[0, 0], [1, 1], [1, 1]]])
    found = cost(costs, [switched[..., :1], switched[..., 1:]], torch.tensor([3, 1]))
    assert float(found) == pytest.approx((4 * 10 + 30 + 60 + 90) / (4 * 100))


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("threshold", [-1e9, -1, 0, 1, 1e9])
@pytest.mark.parametrize("worth", [0, 1500, 10**9])
def test_skipping_is_equal_to_switching(monkeypatch, batch, threshold, worth):
    monkeypatch.setattr("allears.asr.encoders.skipping._WORTH", worth)
    encoder = amortised(threshold=threshold, acoustic=batch == 3)
    x, skipping = frames(batch), Skipping(encoder)
    expected, state = encoder(x, encoder.initial_state(batch))
    found, after = skipping(x.numpy(), skipping.initial_state(batch))
    np.testing.assert_allclose(found, expected.numpy(), atol=2e-5)
    np.testing.assert_array_equal(after.clock, state.clock.numpy())
    again = skipping.initial_state(batch)
    parts = []
    for part in np.split(x.numpy(), (1, 9, 30), 1):
        y, again = skipping(part, again)
        parts.append(y)
    np.testing.assert_allclose(np.concatenate(parts, 1), found, atol=2e-5)


def test_streams_of_any_age_are_skipped_alike():
    encoder = amortised()
    clock = torch.tensor([0, 4, 2 * PERIOD - 10])
    state = encoder.initial_state(3)._replace(clock=clock)
    skipping = Skipping(encoder)
    x = frames(3, 20)
    expected, after = encoder(x, state)
    begun = skipping.initial_state(3)._replace(clock=clock.numpy())
    found, ended = skipping(x.numpy(), begun)
    np.testing.assert_allclose(found, expected.numpy(), atol=2e-5)
    np.testing.assert_array_equal(ended.clock, after.clock.numpy())


def test_an_ungated_transformer_runs_the_same_way():
    torch.manual_seed(1)
    plain = Transformer(CONFIG.ungated()).eval().requires_grad_(False)
    expected, _ = plain(frames(2), plain.initial_state(2))
    skipping = Skipping(plain)
    found, _ = skipping(frames(2).numpy(), skipping.initial_state(2))
    np.testing.assert_allclose(found, expected.numpy(), atol=2e-5)


def test_draws_are_whole_and_their_gradient_is_soft():
    torch.manual_seed(0)
    gates = Gates().train()
    logits = torch.full((20_000,), 1.0, requires_grad=True)
    drawn = gates(logits)
    assert set(drawn.detach().round(decimals=6).tolist()) == {0.0, 1.0}
    assert float(drawn.detach().mean()) == pytest.approx(
        torch.tensor(1.0).sigmoid().item(), abs=0.01
    )
    drawn.sum().backward()
    assert float(logits.grad.min()) > 0
    gates.temperature = 0.1
    sharp = torch.full((20_000,), 1.0, requires_grad=True)
    gates(sharp).sum().backward()
    assert float(sharp.grad.median()) < float(logits.grad.median())


def test_a_target_is_eased_into_and_temperatures_fall():
    thrift = Thrift(100, target=0.5, weight=2.0, easing=0.5)
    spent = torch.tensor(0.8)
    assert [float(thrift.price(spent, n)) for n in (0, 25, 50, 99)] == pytest.approx(
        [0, 2 * 0.05**2, 2 * 0.3**2, 2 * 0.3**2]
    )
    assert [thrift.temperature(n) for n in (0, 50, 100)] == pytest.approx([1, 0.3**0.5, 0.3])
    assert float(Thrift(100, target=None, weight=2.0).price(spent, 0)) == pytest.approx(1.6)


def test_training_for_thrift_alone_closes_what_is_open():
    torch.manual_seed(0)
    encoder = Amortised(CONFIG).train()
    arbitration = Arbitration(encoder, Thrift(40, target=0.6, weight=30, easing=0.3))
    optimiser = torch.optim.Adam(encoder.parameters(), 0.03)
    shown = []
    for number in range(40):
        arbitration.begin(number)
        encoder(frames(2), encoder.initial_state(2))
        loss, figures = arbitration.losses(torch.tensor([60, 40]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        shown.append(figures["cost"])
    assert shown[0] > 0.85
    assert np.mean(shown[-10:]) < 0.62


def test_what_real_speech_opens_is_what_is_counted():
    torch.manual_seed(0)
    model = Transducer(
        TransducerConfig(8, "amortised", {"width": 16, "layers": 2, "heads": 2, "size": 8})
    )
    mels = torch.from_numpy(mel.whole(speech("lj", 2.0), 64))
    costs = model.encoder.costs()
    assert open_shares(model, [mels])[0] == pytest.approx(1)
    model.encoder.threshold = 1e9
    spent, shares = open_shares(model, [mels, mels])
    assert spent == pytest.approx(costs.fixed / costs.whole)
    assert not shares.any()
