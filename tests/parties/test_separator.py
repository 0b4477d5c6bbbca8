import pytest
import torch

from allears.asr.model import Transducer, TransducerConfig
from allears.parties.model import SeparatorTransducer, before

SIZES: dict[str, dict[str, object]] = {
    "lstm": {"width": 24, "layers": 3},
    "vgglstm": {"width": 24, "layers": 3, "bands": 16, "channels": (4, 6, 6)},
    "conformer": {"width": 16, "layers": 1, "heads": 2, "size": 8},
}


def recogniser(kind):
    torch.manual_seed(0)
    config = TransducerConfig(9, kind, SIZES[kind], predictor={"width": 16}, joint=16, bands=16)
    model = Transducer(config)
    model.normalise(torch.linspace(-1, 1, 16), torch.linspace(1, 2, 16))
    return model.eval()


def heard(model, mels):
    if isinstance(model, SeparatorTransducer):
        return model.hear(mels, model.encoder.initial_state(len(mels)))[0]
    return model.encode(mels, model.encoder.initial_state(len(mels)))[0]


@pytest.mark.parametrize("kind", SIZES)
def test_with_its_gates_open_every_branch_hears_what_the_recogniser_did(kind):
    whole = recogniser(kind)
    parted = before(whole, 11, branches=2).eval()
    with torch.no_grad():
        parted.encoder.gates.weight.zero_()
        parted.encoder.gates.bias.fill_(40)
    mels = torch.randn(2, 40, 16)
    found, expected = heard(parted, mels), heard(whole, mels)
    assert found.shape == (2, 2, 10, 16)
    for branch in range(2):
        torch.testing.assert_close(found[:, branch], expected)


def test_with_its_gates_shut_every_branch_hears_quiet():
    parted = before(recogniser("lstm"), 11, branches=2).eval()
    with torch.no_grad():
        parted.encoder.gates.weight.zero_()
        parted.encoder.gates.bias.fill_(-40)
    separated = parted.separate(torch.randn(1, 40, 16))
    torch.testing.assert_close(separated, parted.encoder.quiet.expand_as(separated))
    assert separated.abs().max() > 1  # faint noise is far below the speech of this recogniser


@pytest.mark.parametrize("kind", SIZES)
def test_whole_conversations_are_heard_as_streams_are(kind):
    parted = before(recogniser(kind), 11, branches=2).eval()
    mels = torch.randn(2, 40, 16)
    torch.testing.assert_close(parted.recognise(parted.separate(mels)), heard(parted, mels))


def test_at_first_the_first_branch_has_nearly_everything_and_others_next_to_nothing():
    parted = before(recogniser("vgglstm"), 11, branches=3).eval()
    mels = torch.randn(2, 40, 16)
    given, quiet = parted.frames(mels), parted.encoder.quiet
    separated = parted.separate(mels)
    whole = (given - quiet).abs().mean()
    assert (separated[:, 0] - given).abs().mean() < 0.1 * whole
    assert (separated[:, 1:] - quiet).abs().mean() < 0.1 * whole


def test_symbols_of_the_recogniser_are_the_first():
    whole = recogniser("lstm")
    parted = before(whole, 11, branches=2)
    torch.testing.assert_close(parted.joiner.read.weight[:9], whole.joiner.read.weight)
    torch.testing.assert_close(
        parted.predictor.embedding.weight[:9], whole.predictor.embedding.weight
    )
    assert parted.joiner.read.bias.shape == (11,)


def test_what_is_encoded_is_the_branches_side_by_side():
    model = before(recogniser("lstm"), 11, branches=3).eval()
    mels = torch.randn(2, 24, 16)
    wide, _ = model.encode(mels, model.encoder.initial_state(2))
    apart = heard(model, mels)
    assert wide.shape == (2, 6, 48)
    for branch in range(3):
        torch.testing.assert_close(wide[..., 16 * branch : 16 * (branch + 1)], apart[:, branch])


def test_branches_share_their_encoder():
    one, two = (before(recogniser("lstm"), 11, branches=count, width=24) for count in (1, 2))
    assert {name: each.shape for name, each in one.encoder.recogniser.named_parameters()} == {
        name: each.shape for name, each in two.encoder.recogniser.named_parameters()
    }
    count = [sum(each.numel() for each in model.parameters()) for model in (one, two)]
    assert count[1] - count[0] == 64 * (24 + 1)  # gates of a branch more
