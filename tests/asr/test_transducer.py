"""The transducer loss against all paths one by one, and its gradient against torch's."""

import pytest
import torch

from allears.asr.lattice import Penalties, TransducerError
from allears.asr.transducer import transducer_loss
from tests.asr.lattices import arcs, by_autograd, drawn, enumerated, through

FRAMES, SYMBOLS = torch.tensor([7, 1, 4, 5]), torch.tensor([3, 2, 0, 3])


def ragged(dtype=torch.float64):
    logits, targets, _, _ = drawn(batch=4, frames=7, symbols=3, vocabulary=6, dtype=dtype)
    return logits.requires_grad_(), targets


@pytest.mark.parametrize(("frames", "symbols"), [(1, 0), (1, 3), (4, 0), (4, 3), (3, 5)])
@pytest.mark.parametrize("blank", [0, 2])
def test_the_loss_is_that_of_all_paths(frames, symbols, blank):
    logits, targets, *lengths = drawn(2, frames, symbols)
    targets[targets == blank] = 1
    losses = transducer_loss(logits, targets, *lengths, blank=blank)
    for loss, each, symbol in zip(losses, logits, targets, strict=True):
        assert torch.allclose(loss, enumerated(each, symbol, blank=blank))


def test_a_sure_path_costs_nothing():
    logits = torch.zeros(1, 3, 2, 4)
    logits[0, 0, 0, 2] = logits[0, :, 1, 0] = 50
    loss = transducer_loss(logits, torch.tensor([[2]]), torch.tensor([3]), torch.tensor([1]))
    assert abs(loss.item()) < 1e-6


@pytest.mark.parametrize(("frames", "symbols"), [(1, 0), (1, 2), (3, 0), (3, 2)])
def test_the_gradient_is_that_of_small_differences(frames, symbols):
    logits, targets, *lengths = drawn(2, frames, symbols, vocabulary=3)
    assert torch.autograd.gradcheck(
        lambda x: transducer_loss(x, targets, *lengths), logits.requires_grad_()
    )


def test_loss_and_gradient_are_autograds():
    logits, targets = ragged()
    weights = torch.tensor([1.0, -2.0, 0.0, 0.5])
    found = []
    for loss in (transducer_loss, by_autograd):
        losses = loss(logits, targets, FRAMES, SYMBOLS)
        (gradient,) = torch.autograd.grad((losses * weights).sum(), logits)
        found.append((losses, gradient))
    assert torch.allclose(found[0][0], found[1][0])
    assert torch.allclose(found[0][1], found[1][1], atol=1e-12)


def test_long_utterances_are_worked_on_in_parts():
    logits, targets, *lengths = drawn(1, 9, 4, vocabulary=9000)
    logits.requires_grad_()
    found = [
        torch.autograd.grad(loss(logits, targets, *lengths).sum(), logits)[0]
        for loss in (transducer_loss, by_autograd)
    ]
    assert torch.allclose(*found, atol=1e-12)


def test_padding_is_not_looked_at_and_has_no_gradient():
    logits, targets = ragged()
    losses = transducer_loss(logits, targets, FRAMES, SYMBOLS)
    losses.sum().backward()
    padded, beyond = logits.detach().clone(), torch.ones_like(logits, dtype=torch.bool)
    for number, (frames, symbols) in enumerate(zip(FRAMES, SYMBOLS, strict=True)):
        beyond[number, :frames, : symbols + 1] = False
        targets[number, symbols:] = -1
    padded[beyond] = torch.nan
    assert (logits.grad[beyond] == 0).all() and (logits.grad[~beyond] != 0).all()
    assert torch.equal(transducer_loss(padded, targets, FRAMES, SYMBOLS), losses)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lower_precision_is_near_double(dtype):
    logits, targets = ragged(dtype)
    losses = transducer_loss(logits, targets, FRAMES, SYMBOLS)
    losses.sum().backward()
    exact = logits.detach().double().requires_grad_()
    wanted = transducer_loss(exact, targets, FRAMES, SYMBOLS)
    wanted.sum().backward()
    assert losses.dtype == torch.float32 and logits.grad.dtype == dtype
    assert torch.allclose(losses.double(), wanted, rtol=1e-6)
    assert torch.allclose(logits.grad.double(), exact.grad, rtol=torch.finfo(dtype).eps, atol=1e-6)


def test_fastemit_counts_label_arcs_more_and_leaves_the_loss():
    """Yu et al. 2021: the derivative by a label arc's log-probability is 1 + λ times what it was."""
    logits, targets, *lengths = drawn(1, 5, 3)
    logits.requires_grad_()
    log_probabilities = logits.log_softmax(3)
    blank, label = (each.detach().requires_grad_() for each in arcs(logits[0], targets[0]))
    cost = through(blank, label)
    slopes = torch.zeros_like(log_probabilities)
    to_blank, to_label = torch.autograd.grad(cost, (blank, label))
    slopes[0, :, :, 0] = to_blank
    for u, symbol in enumerate(targets[0]):
        slopes[0, :, u, symbol] = 1.3 * to_label[:, u]
    (wanted,) = torch.autograd.grad(log_probabilities, logits, slopes)

    loss = transducer_loss(logits, targets, *lengths, fastemit=0.3)
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert torch.allclose(loss, cost)
    assert torch.allclose(gradient, wanted, atol=1e-12)


@pytest.mark.parametrize("which", [(True, False), (False, True), (True, True)])
def test_penalties_are_taken_off_arcs(which):
    logits, targets, *lengths = drawn(1, 4, 3)
    given = torch.rand(4, 4, dtype=torch.float64), torch.rand(4, 3, dtype=torch.float64)
    penalties = Penalties(
        *(each if used else None for each, used in zip(given, which, strict=True))
    )
    logits.requires_grad_()
    found = transducer_loss(logits, targets, *lengths, penalties=penalties)
    wanted = by_autograd(logits, targets, *lengths, penalties=penalties)
    assert torch.allclose(found, enumerated(logits[0], targets[0], penalties=penalties))
    assert not torch.allclose(found, transducer_loss(logits, targets, *lengths))
    gradients = [torch.autograd.grad(each.sum(), logits)[0] for each in (found, wanted)]
    assert torch.allclose(*gradients, atol=1e-12)


def test_penalties_broadcast_over_ragged_batches():
    logits, targets = ragged()
    late = torch.arange(7.0)[None, :, None] * torch.tensor([0.1, 0.2, 0.3, 0.4])[:, None, None]
    found = transducer_loss(logits, targets, FRAMES, SYMBOLS, penalties=Penalties(label=late))
    for number, (frames, symbols) in enumerate(zip(FRAMES, SYMBOLS, strict=True)):
        each = logits[number, :frames, : symbols + 1]
        own = Penalties(label=late[number, :frames].double())
        wanted = enumerated(each, targets[number, :symbols], penalties=own)
        assert torch.allclose(found[number], wanted)


def test_logits_of_any_size_have_finite_losses_and_gradients():
    logits, targets, *lengths = drawn(1, 6, 3, dtype=torch.float32)
    logits = (logits * 1e30).requires_grad_()
    loss = transducer_loss(logits, targets, *lengths)
    loss.backward(torch.ones(1))
    assert torch.isfinite(loss).all() and torch.isfinite(logits.grad).all()


def test_no_utterances_have_no_losses():
    losses = transducer_loss(
        torch.zeros(0, 3, 2, 4), torch.zeros(0, 1, dtype=torch.long), *torch.zeros(2, 0).long()
    )
    assert losses.shape == (0,)


def given(**changes):
    logits, targets, frames, symbols = drawn(2)
    fields = {"logits": logits, "targets": targets}
    return fields | {"frame_lengths": frames, "target_lengths": symbols} | changes


def spoilt(value):
    logits = given()["logits"]
    logits[1, 2, 1, 3] = value
    return logits


LABEL = torch.zeros(2, 4, 3)
REFUSED = {
    "logits, nan": ({"logits": spoilt(torch.nan)}, "logits: utterance 1 .*not a finite"),
    "logits, inf": ({"logits": spoilt(torch.inf)}, "logits: utterance 1 .*not a finite"),
    "logits, -inf": ({"logits": spoilt(-torch.inf)}, "logits: utterance 1 .*not a finite"),
    "logits, integers": ({"logits": spoilt(0).long()}, "logits: torch.int64"),
    "logits, three dimensions": ({"logits": spoilt(0)[0]}, "logits: .*shape"),
    "logits, too few positions": ({"logits": spoilt(0)[:, :, :3]}, "logits: 3 positions"),
    "logits, too many positions": ({"targets": torch.ones(2, 2).long()}, "logits: 4 positions"),
    "targets, floats": ({"targets": torch.ones(2, 3)}, "targets: torch.float32"),
    "targets, batch": ({"targets": torch.ones(3, 3).long()}, "targets: shape"),
    "targets, dimensions": ({"targets": torch.ones(3).long()}, "targets: shape"),
    "targets, blank": ({"targets": torch.zeros(2, 3).long()}, "targets: utterance 0 has 0"),
    "targets, negative": ({"targets": -torch.ones(2, 3).long()}, "targets: utterance 0 has -1"),
    "targets, too large": ({"targets": torch.full((2, 3), 5)}, "targets: utterance 0 has 5"),
    "frames, none": ({"frame_lengths": torch.tensor([4, 0])}, "frame_lengths: 0 of utterance 1"),
    "frames, many": ({"frame_lengths": torch.tensor([5, 4])}, "frame_lengths: 5 of utterance 0"),
    "frames, shape": ({"frame_lengths": torch.tensor(4)}, "frame_lengths: shape"),
    "symbols, many": ({"target_lengths": torch.tensor([3, 4])}, "target_lengths: 4 of utterance 1"),
    "symbols, negative": ({"target_lengths": torch.tensor([3, -1])}, "target_lengths: -1"),
    "blank": ({"blank": 5}, "blank: 5"),
    "fastemit, negative": ({"fastemit": -0.1}, "fastemit: -0.1"),
    "fastemit, nan": ({"fastemit": float("nan")}, "fastemit: nan"),
    "penalty, inf": ({"penalties": Penalties(label=LABEL + torch.inf)}, "penalties.label: has"),
    "penalty, shape": ({"penalties": Penalties(blank=LABEL)}, "penalties.blank: shape"),
    "penalty, learnt": (
        {"penalties": Penalties(label=LABEL.clone().requires_grad_())},
        "penalties.label: requires",
    ),
    "starts, shape": ({"starts": torch.zeros(2, 3).long()}, "starts: shape"),
    "starts, no path": (
        {"starts": torch.tensor([[0, 0, 0, 1]] * 2), "logits": spoilt(0)[:, :, :2]},
        "starts: those of utterance 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_by_name(changes, message):
    with pytest.raises(TransducerError, match=f"^{message}"):
        transducer_loss(**given(**changes))


def test_single_precision_refuses_what_is_not_finite():
    with pytest.raises(TransducerError, match=r"^logits: utterance 1"):
        transducer_loss(**given(logits=spoilt(torch.nan).float()))
