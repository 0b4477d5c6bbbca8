import pytest
import torch

from allears.asr.model import Transducer, TransducerConfig
from allears.parties.model import SeparatorTransducer, cut

SIZES = {
    "lstm": {"width": 24, "layers": 3},
    "vgglstm": {"width": 24, "layers": 3, "bands": 16, "channels": (4, 6, 6)},
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
@pytest.mark.parametrize("mixing", [1, 2])
def test_with_its_gates_open_a_cut_recogniser_hears_as_before(kind, mixing):
    whole = recogniser(kind)
    parted = cut(whole, 11, branches=2, mixing=mixing).eval()
    with torch.no_grad():
        parted.encoder.gates.weight.zero_()
        parted.encoder.gates.bias.fill_(40)
    mels = torch.randn(2, 40, 16)
    found, expected = heard(parted, mels), heard(whole, mels)
    assert found.shape == (2, 2, 10, 16)
    for branch in range(2):
        torch.testing.assert_close(found[:, branch], expected)


def test_it_begins_near_the_recogniser_on_its_first_branch():
    whole = recogniser("vgglstm")
    parted = cut(whole, 11, branches=2).eval()
    mels = torch.randn(2, 40, 16)
    expected = heard(whole, mels)
    off = (heard(parted, mels) - expected[:, None]).abs().mean((0, 2, 3))
    assert off[0] < 0.1 * expected.abs().mean() < off[1]


def test_symbols_of_the_recogniser_are_the_first():
    whole = recogniser("lstm")
    parted = cut(whole, 11, branches=2)
    torch.testing.assert_close(parted.joiner.read.weight[:9], whole.joiner.read.weight)
    torch.testing.assert_close(
        parted.predictor.embedding.weight[:9], whole.predictor.embedding.weight
    )
    assert parted.joiner.read.bias.shape == (11,)


def test_what_is_encoded_is_the_branches_side_by_side():
    model = cut(recogniser("lstm"), 11, branches=3).eval()
    mels = torch.randn(2, 24, 16)
    wide, _ = model.encode(mels, model.encoder.initial_state(2))
    apart = heard(model, mels)
    assert wide.shape == (2, 6, 48)
    for branch in range(3):
        torch.testing.assert_close(wide[..., 16 * branch : 16 * (branch + 1)], apart[:, branch])


def test_branches_share_their_encoder():
    one = cut(recogniser("lstm"), 11, branches=1)
    two = cut(recogniser("lstm"), 11, branches=2)
    assert {name: each.shape for name, each in one.encoder.recognising.named_parameters()} == {
        name: each.shape for name, each in two.encoder.recognising.named_parameters()
    }
    extra = 2 * (24 * 24 + 24)
    count = [sum(each.numel() for each in model.parameters()) for model in (one, two)]
    assert count[1] - count[0] == extra


@pytest.mark.parametrize("mixing", [0, 3, 7])
def test_what_cannot_be_cut_there_is_refused(mixing):
    with pytest.raises(ValueError, match=f"3 layers of LSTM cannot be cut after {mixing}"):
        cut(recogniser("lstm"), 11, branches=2, mixing=mixing)


def test_an_encoder_without_lstms_is_refused():
    config = TransducerConfig(9, "conformer", {"width": 16, "layers": 1, "heads": 2, "size": 8})
    with pytest.raises(ValueError, match="conformer of 0 layers"):
        cut(Transducer(config), 11, branches=2)
