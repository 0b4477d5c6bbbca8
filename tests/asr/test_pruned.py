"""The cheap joiner against its logits in full, its windows, and the loss within them."""

import itertools

import pytest
import torch

from allears.asr.lattice import Penalties, TransducerError
from allears.asr.pruned import gathered, simple_loss
from allears.asr.transducer import transducer_loss
from tests.asr.lattices import along, arcs, by_autograd, drawn, paths

FRAMES, SYMBOLS = torch.tensor([7, 2, 4, 5]), torch.tensor([4, 3, 0, 4])


def scores(batch=4, frames=7, symbols=4, vocabulary=6, dtype=torch.float64):
    _, targets, *_ = drawn(batch, frames, symbols, vocabulary)
    acoustic = torch.randn(batch, frames, vocabulary, dtype=dtype)
    language = torch.randn(batch, symbols + 1, vocabulary, dtype=dtype)
    return acoustic.requires_grad_(), language.requires_grad_(), targets


def joined(acoustic, language):
    return acoustic[:, :, None] + language[:, None]


@pytest.mark.parametrize("fastemit", [0.0, 0.2])
def test_the_simple_loss_is_the_loss_of_the_sums(fastemit):
    acoustic, language, targets = scores()
    targets[0, :2] = 3
    penalties = Penalties(label=torch.rand(4, 7, 4))
    options = {"fastemit": fastemit, "penalties": penalties}
    weights = torch.tensor([1.0, -2.0, 0.5, 3.0])
    simple = simple_loss(acoustic, language, targets, FRAMES, SYMBOLS, width=3, **options).losses
    full = transducer_loss(joined(acoustic, language), targets, FRAMES, SYMBOLS, **options)
    assert torch.allclose(simple, full)
    found, wanted = (
        torch.autograd.grad((each * weights).sum(), (acoustic, language)) for each in (simple, full)
    )
    for mine, other in zip(found, wanted, strict=True):
        assert torch.allclose(mine, other, atol=1e-12)
        assert (mine != 0).any()


def test_the_simple_gradient_is_that_of_small_differences():
    acoustic, language, targets = scores(2, 3, 2, 4)
    lengths = torch.tensor([3, 2]), torch.tensor([2, 1])
    assert torch.autograd.gradcheck(
        lambda *x: simple_loss(*x, targets, *lengths, width=2).losses, (acoustic, language)
    )


def test_scores_far_apart_keep_losses_and_gradients_finite():
    acoustic, language, targets = scores()
    with torch.no_grad():
        acoustic[..., 1] += 1e5
        language[..., 2] += 1e5
    found = simple_loss(acoustic, language, targets, FRAMES, SYMBOLS, width=3).losses
    found.sum().backward()
    for each in (found, acoustic.grad, language.grad):
        assert torch.isfinite(each).all()


def test_windows_keep_the_most_of_the_paths():
    acoustic, language, targets = scores(1, 5, 4)
    lengths = torch.tensor([5]), torch.tensor([4])
    starts = simple_loss(acoustic, language, targets, *lengths, width=3).starts
    blank, label = arcs(joined(acoustic, language)[0].detach(), targets[0])
    occupancy = torch.zeros(5, 5, dtype=torch.float64)
    for path in paths(5, 4):
        probability = along(path, blank, label).exp()
        for frame in range(5):
            first, last = (sum(each < frame + k for each in path) for k in (0, 1))
            occupancy[frame, first : last + 1] += probability
    allowed = (
        (0, *between, 2)
        for between in itertools.combinations_with_replacement(range(3), 3)
    )  # fmt: skip
    kept = {
        each: sum(occupancy[frame, at : at + 3].sum() for frame, at in enumerate(each))
        for each in allowed
    }
    assert tuple(starts[0].tolist()) == max(kept, key=kept.__getitem__)


@pytest.mark.parametrize("width", [2, 3, 4, 5, 9])
def test_windows_lead_from_the_first_symbol_to_the_last(width):
    acoustic, language, targets = scores()
    frames = torch.tensor([7, 4, 4, 5])
    starts = simple_loss(acoustic, language, targets, frames, SYMBOLS, width=width).starts
    for each, symbols, length in zip(starts, SYMBOLS, frames, strict=True):
        assert each[0] == 0 and each[-1] == each[length - 1] == max(0, symbols + 1 - width)
        assert ((each.diff() >= 0) & (each.diff() < width)).all()


def pruned(logits, starts, width):
    """The logits within windows."""
    return torch.stack(
        [gathered(each, at[:, None], width)[:, 0] for each, at in zip(logits, starts, strict=True)]
    )


def test_windows_that_cover_all_give_the_whole_loss():
    logits, targets, *_ = drawn(4, 7, 4, 6)
    acoustic, language, _ = scores()
    starts = simple_loss(acoustic, language, targets, FRAMES, SYMBOLS, width=5).starts
    logits.requires_grad_()
    whole = transducer_loss(logits, targets, FRAMES, SYMBOLS, fastemit=0.1)
    within = transducer_loss(
        pruned(logits, starts, 5), targets, FRAMES, SYMBOLS, fastemit=0.1, starts=starts
    )
    assert torch.equal(whole, within)
    found = [torch.autograd.grad(each.sum(), logits)[0] for each in (whole, within)]
    assert torch.equal(*found)


@pytest.mark.parametrize("width", [3, 4])
def test_within_windows_only_paths_that_stay_there_count(width):
    """A window is as good as prohibitive penalties outside of it."""
    logits, targets, *_ = drawn(4, 7, 4, 6)
    acoustic, language, _ = scores()
    logits.requires_grad_()
    starts = simple_loss(acoustic, language, targets, FRAMES, SYMBOLS, width=width).starts
    penalties = Penalties(torch.rand(4, 7, 5), torch.rand(4, 7, 4))
    within = transducer_loss(
        pruned(logits, starts, width), targets, FRAMES, SYMBOLS, starts=starts, penalties=penalties
    )
    away = torch.arange(5) - starts[..., None]
    outside = 1e4 * ((away < 0) | (away >= width))
    either = outside[..., 1:] + outside[..., :-1]
    barred = Penalties(penalties.blank + outside, penalties.label + either)
    wanted = torch.cat(
        [
            by_autograd(
                logits[n : n + 1], targets[n : n + 1], FRAMES[n : n + 1], SYMBOLS[n : n + 1],
                penalties=Penalties(
                    barred.blank[n, : FRAMES[n], : SYMBOLS[n] + 1],
                    barred.label[n, : FRAMES[n], : SYMBOLS[n]],
                ),
            )
            for n in range(4)
        ]
    )  # fmt: skip
    assert torch.allclose(within, wanted)
    found = [torch.autograd.grad(each.sum(), logits)[0] for each in (within, wanted)]
    assert torch.allclose(*found, atol=1e-9)


def test_gathered_takes_each_windows_positions():
    predicted = torch.arange(2 * 4 * 3.0).reshape(2, 4, 3).requires_grad_()
    found = gathered(predicted, torch.tensor([[0, 2], [1, 3]]), 2)
    assert torch.equal(found[0, 1], predicted[0, 2:4])
    assert torch.equal(found[1, 1], predicted[1, [3, 3]])
    found.sum().backward()
    assert predicted.grad[:, :, 0].tolist() == [[1, 1, 1, 1], [0, 1, 1, 2]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lower_precision_is_near_double(dtype):
    acoustic, language, targets = scores(dtype=dtype)
    found = simple_loss(acoustic, language, targets, FRAMES, SYMBOLS, width=3).losses
    found.sum().backward()
    exact = [each.detach().double().requires_grad_() for each in (acoustic, language)]
    wanted = simple_loss(*exact, targets, FRAMES, SYMBOLS, width=3).losses
    wanted.sum().backward()
    assert found.dtype == torch.float32 and torch.allclose(found.double(), wanted, rtol=1e-6)
    for mine, other in zip((acoustic, language), exact, strict=True):
        assert mine.grad.dtype == dtype
        eps = torch.finfo(dtype).eps
        assert torch.allclose(mine.grad.double(), other.grad, rtol=eps, atol=1e-6)


def given(**changes):
    acoustic, language, targets = (each.detach() for each in scores())
    fields = {"acoustic": acoustic, "language": language, "targets": targets, "width": 3}
    return fields | {"frame_lengths": FRAMES, "target_lengths": SYMBOLS} | changes


REFUSED = {
    "nan": ({"acoustic": torch.full((4, 7, 6), torch.nan)}, "acoustic: utterance 0"),
    "inf": ({"language": torch.full((4, 5, 6), torch.inf)}, "language: utterance 0"),
    "integers": ({"language": torch.ones(4, 5, 6).long()}, "language: torch.int64"),
    "dimensions": ({"acoustic": torch.ones(4, 6)}, "acoustic: .*three dimensions"),
    "vocabulary": ({"language": torch.ones(4, 5, 7)}, "language: .*does not fit"),
    "width": ({"width": 0}, "width: 0"),
    "reach": ({"width": 2}, r"width: 2 is too little for 3 symbols in 2 frames .*takes 3"),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_by_name(changes, message):
    with pytest.raises(TransducerError, match=f"^{message}"):
        simple_loss(**given(**changes))
