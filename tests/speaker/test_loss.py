"""What embeddings are taught by, against sums by hand, numeric gradients, and with weights."""

import math

import pytest
import torch

from allears.speaker.loss import AngularMargin, AngularPrototypical, pair_weights


def embeddings(speakers=4, crops=3, size=5):
    random = torch.Generator().manual_seed(8)
    return torch.randn(speakers, crops, size, dtype=torch.float64, generator=random)


def test_prototypes_by_hand():
    # Queries (1, 0) and (0, 1), prototypes at 0° and 45°: cosines 1, √½ and 0, √½.
    given = torch.tensor([[[2.0, 0.0], [5.0, 0.0]], [[1.0, 1.0], [0.0, 3.0]]])
    found = AngularPrototypical(scale=2.0, offset=-7.0)(given)
    half = math.sqrt(0.5)
    first = -math.log(math.exp(2) / (math.exp(2) + math.exp(2 * half)))
    second = -math.log(math.exp(2 * half) / (1 + math.exp(2 * half)))
    torch.testing.assert_close(found, torch.tensor([first, second]))


def test_prototypes_are_means_of_all_but_the_last():
    given = embeddings()
    mean = torch.cat((given[:, :2].mean(1, keepdim=True), given[:, 2:]), 1)
    loss = AngularPrototypical().double()
    torch.testing.assert_close(loss(given), loss(mean))


@pytest.mark.parametrize("weight", [1.0, 0.3, 7e-3, 123.4])
def test_equal_weights_are_none_to_the_last_bit(weight):
    given = embeddings().float()
    loss = AngularPrototypical()
    assert torch.equal(loss(given, torch.full((4, 3), weight)), loss(given))


def test_weights_by_hand():
    # Query weights 1 and 3, prototype weights 2 and 4: sums 3, 5, 5, 7 of mean 5.
    weights = torch.tensor([[2.0, 1.0], [4.0, 3.0]])
    torch.testing.assert_close(pair_weights(weights), torch.tensor([[0.6, 1.0], [1.0, 1.4]]))
    given = torch.tensor([[[2.0, 0.0], [5.0, 0.0]], [[1.0, 1.0], [0.0, 3.0]]])
    plain = AngularPrototypical(scale=2.0)(given)
    torch.testing.assert_close(
        AngularPrototypical(scale=2.0)(given, weights), torch.tensor([0.6, 1.4]) * plain
    )


def test_whom_a_query_may_be_taken_for_counts_by_the_pair():
    given, loss = embeddings(3, 2).float(), AngularPrototypical()
    weights = torch.tensor([[1.0, 1.0], [4.0, 1.0], [1.0, 1.0]])
    pairs = pair_weights(weights)
    query = torch.nn.functional.normalize(given[:, -1], dim=1)
    prototype = torch.nn.functional.normalize(given[:, 0], dim=1)
    terms = torch.exp(10 * query @ prototype.t() - 5)
    own = terms.diagonal()
    others = (pairs * terms).sum(1) - pairs.diagonal() * own
    expected = pairs.diagonal() * -torch.log(own / (own + others))
    torch.testing.assert_close(loss(given, weights), expected)


@pytest.mark.parametrize("weighed", [False, True])
def test_gradients_of_prototypes_are_those_of_differences(weighed):
    loss, given = AngularPrototypical().double(), embeddings().requires_grad_(True)
    weights = (
        torch.rand(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 0.1
    )

    def of(x, w):
        return loss(x, w if weighed else None)

    assert torch.autograd.gradcheck(of, (given, weights.requires_grad_(True)))


def test_a_margin_by_hand():
    loss = AngularMargin(2, 2, margin=0.2, scale=10.0)
    loss.weight.data = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    angle = 0.5
    given = 4 * torch.tensor([[math.cos(angle), math.sin(angle)]])
    right, wrong = 10 * math.cos(angle + 0.2), 10 * math.sin(angle)
    expected = -right + math.log(math.exp(right) + math.exp(wrong))
    torch.testing.assert_close(loss(given, torch.tensor([0])), torch.tensor([expected]))
    plain = -10 * math.cos(angle) + math.log(math.exp(10 * math.cos(angle)) + math.exp(wrong))
    torch.testing.assert_close(loss(given, torch.tensor([0]), 0.0), torch.tensor([plain]))


def test_a_voice_further_off_always_costs_more():
    loss = AngularMargin(2, 2).double()
    loss.weight.data = torch.tensor([[1.0, 0.0], [0.0, -1.0]], dtype=torch.float64)
    angles = torch.linspace(0, math.pi, 200, dtype=torch.float64)
    wider = loss._narrowed(angles.cos()[:, None], torch.zeros(200, dtype=torch.int64), 0.2)[:, 0]
    assert bool((wider[1:] < wider[:-1]).all())
    assert bool((wider <= angles.cos()).all())


def test_gradients_of_the_margin_are_those_of_differences():
    torch.manual_seed(2)
    loss, given = AngularMargin(5, 7, scale=4.0).double(), embeddings()[:, 0].requires_grad_(True)
    labels = torch.tensor([0, 6, 2, 2])
    assert torch.autograd.gradcheck(lambda x: loss(x, labels), given)
