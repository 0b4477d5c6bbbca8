"""Fisher information: what is known in closed form comes out, gradients are of one utterance each, parts add."""

import numpy as np
import pytest
import torch
from torch import nn

from allears.mitigation import fisher
from allears.mitigation.fisher import Fisher, chosen, of_losses, of_transducer
from allears.mitigation.refusal import MitigationError
from tests.mitigation.material import TOKENS, tones, transducer


class Logistic(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.7, -1.1], dtype=torch.float64))

    def losses(self, xs, ys):
        for x, y in zip(xs, ys, strict=True):
            yield nn.functional.binary_cross_entropy_with_logits(self.w @ x, y)


def test_logistic_regression_has_the_information_of_the_book():
    # Each x seen 1000 times, with labels in the proportions that the model itself gives: p (1 - p) x².
    model = Logistic()
    xs = torch.tensor([[1.0, 2.0], [-0.5, 1.0], [2.0, 0.3]], dtype=torch.float64)
    p = torch.sigmoid(xs @ model.w).detach()
    ones = (200 * p).round()
    labels = [torch.arange(200, dtype=torch.float64).lt(each).double() for each in ones]
    seen = ones / 200
    found = of_losses(model, model.losses(xs.repeat_interleave(200, 0), torch.cat(labels)))
    residual = seen * (1 - p) ** 2 + (1 - seen) * p**2
    assert torch.allclose(found.sums["w"] / found.count, (residual[:, None] * xs**2).mean(0))
    book = (p * (1 - p))[:, None] * xs**2
    assert torch.allclose(found.sums["w"] / found.count, book.mean(0), rtol=0.02)


def test_a_gaussian_line_has_x_squared_through_the_variance():
    torch.manual_seed(0)
    line = nn.Linear(3, 1, bias=False).double()
    x = torch.randn(4000, 3, dtype=torch.float64) * torch.tensor([0.5, 1.0, 3.0])
    with torch.no_grad():
        y = line(x) + 0.2 * torch.randn(4000, 1, dtype=torch.float64)
    losses = (
        (one - line(each)).square().sum() / (2 * 0.2**2) for each, one in zip(x, y, strict=True)
    )
    found = of_losses(line, losses).diagonal(normalised=False)["weight"][0]
    assert torch.allclose(found.double(), x.square().mean(0) / 0.2**2, rtol=0.1)


def test_it_is_not_the_square_of_the_mean_gradient():
    # At the best weights the mean gradient is 0, and each utterance's is not.
    line = nn.Linear(1, 1, bias=False)
    x, y = torch.tensor([[1.0], [1.0]]), torch.tensor([[3.0], [-1.0]])
    nn.init.ones_(line.weight)
    assert torch.autograd.grad((line(x) - y).square().mean(), line.weight)[0].item() == 0
    losses = ((line(each) - one).square().sum() for each, one in zip(x, y, strict=True))
    assert of_losses(line, losses).diagonal(normalised=False)["weight"].item() == 16


@pytest.fixture(scope="module")
def found():
    return of_transducer(transducer(), TOKENS, tones())


def test_a_transducer_is_that_of_its_utterances_one_by_one(found):
    model, sound = transducer().eval(), tones()
    total = dict.fromkeys(found.sums, 0.0)
    for number in range(len(sound)):
        loss = fisher._loss(
            model, sound.samples(number), TOKENS.encode(sound.utterances[number].text)
        )
        model.zero_grad()
        loss.backward()
        for name, weight in model.named_parameters():
            total[name] = total[name] + weight.grad.double() ** 2
    assert all(torch.allclose(found.sums[name], total[name]) for name in total)
    assert found.count == len(sound) == 8


def test_halves_add_to_the_whole(found):
    whole = tones()
    halves = [
        of_transducer(
            transducer(),
            TOKENS,
            type(whole)(
                whole.data[whole.bounds[begin] : whole.bounds[end]],
                whole.bounds[begin : end + 1] - whole.bounds[begin],
                whole.utterances[begin:end],
            ),
        )
        for begin, end in ((0, 3), (3, 8))
    ]
    added = halves[0] + halves[1]
    assert added.count == 8
    assert all(torch.allclose(added.sums[name], found.sums[name], rtol=1e-9) for name in found.sums)
    with pytest.raises(MitigationError, match="two models"):
        added + Fisher({"w": torch.ones(1)}, 1)


def test_normalised_its_mean_is_1_and_nothing_else_changes(found):
    plain, one = found.diagonal(normalised=False), found.diagonal()
    assert torch.cat([each.flatten() for each in one.values()]).mean() == pytest.approx(1, rel=1e-5)
    ratios = torch.cat([(one[name] / plain[name])[plain[name] > 0] for name in one])
    assert torch.allclose(ratios, ratios[0])


def test_utterances_are_chosen_evenly_by_the_seed():
    assert chosen(range(10), None, 0) == chosen(range(10), 10, 0) == list(range(10))
    some = chosen(range(100), 5, 3)
    assert len(some) == 5 and set(np.diff(some)) <= {19, 20, 21}
    assert some == chosen(range(100), 5, 3) and some != chosen(range(100), 5, 4)
    told = []
    few = of_transducer(transducer(), TOKENS, tones(), most=2, show=told.append)
    assert few.count == 2 and told == [0.5, 1.0]


def test_it_is_kept_in_a_file(found, tmp_path):
    path = tmp_path / "fisher.safetensors"
    fisher.save(found, path)
    again = fisher.load(path)
    assert again.count == 8
    assert all(torch.equal(again.sums[name], value) for name, value in found.sums.items())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(
        MitigationError, match=r"fisher.safetensors: cannot be read .*measure it again"
    ):
        fisher.load(path)


def test_without_texts_there_is_none():
    sound = tones()
    silent = type(sound)(
        sound.data,
        sound.bounds,
        tuple(type(each)(each.path, "x", "", "train") for each in sound.utterances),
    )
    with pytest.raises(MitigationError, match="no utterance has a text"):
        of_transducer(transducer(), TOKENS, silent)
    with pytest.raises(MitigationError, match="of 0 utterances"):
        of_losses(nn.Linear(1, 1), []).diagonal()
