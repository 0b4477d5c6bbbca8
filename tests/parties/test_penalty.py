import numpy as np
import pytest
import torch

from allears.asr.lattice import Penalties
from allears.asr.tokens import Characters
from allears.asr.transducer import transducer_loss
from allears.parties.penalty import Punctuality, penalties
from allears.parties.targets import EOT, SOT, Due, Form, Script, marked

STEP = 0.04


def test_by_hand():
    # Due at 1 s: 0.5 s before costs 2 a second, 0.2 s after is free, 0.7 s after costs 0.5 s of 3.
    rule = Punctuality(early=2.0, late=3.0, buffer_s=0.2)
    assert rule.of(1.0, np.array([0.5, 1.0, 1.2, 1.7])) == pytest.approx([1.0, 0.0, 0.0, 1.5])


def test_only_marks_cost_and_each_by_its_own_rule():
    script = Script((5, 1, 6), (Due(0, SOT, 0.08), Due(2, EOT, 0.12)), (0,))
    found = penalties([script], 5, 4, STEP, Punctuality(early=1), Punctuality(late=1, buffer_s=0))
    assert found is not None
    assert found.shape == (1, 5, 4)
    assert found[0, :, 0].numpy() == pytest.approx([0.04, 0, 0, 0, 0])
    assert found[0, :, 2].numpy() == pytest.approx([0, 0, 0, 0.04, 0.08])
    assert not found[0, :, [1, 3]].any()


def test_nothing_where_nothing_is_taken_off():
    assert penalties([], 5, 4, STEP, Punctuality(), Punctuality()) is None


def test_training_with_it_makes_a_mark_come_when_it_is_due():
    """Logits of one mark, free but for the loss: without penalties every frame is as good as another."""
    tokens = marked(Characters("a"), Form.TURNS)
    frames, due = 20, 8
    script = Script((tokens.mark(EOT),), (Due(0, EOT, due * STEP),), (0,))
    taken = penalties(
        [script], frames, 1, STEP, Punctuality(), Punctuality(early=40, late=40, buffer_s=0)
    )
    logits = torch.zeros(1, frames, 2, tokens.size, requires_grad=True)
    lengths = torch.tensor([frames]), torch.tensor([1])
    for _ in range(60):
        loss = transducer_loss(
            logits, torch.tensor([script.symbols]), *lengths, penalties=Penalties(label=taken)
        )
        (slope,) = torch.autograd.grad(loss.sum(), logits)
        logits = (logits - 3 * slope).detach().requires_grad_()
    mark = logits[0, :, 0].log_softmax(1)[:, tokens.mark(EOT)]
    assert int(mark.argmax()) == due - 1  # whose end it is


@pytest.mark.parametrize("rule", [{"early": -1}, {"late": float("inf")}, {"late": float("nan")}])
def test_senseless_rules_are_refused(rule):
    with pytest.raises(ValueError, match="nats a second"):
        Punctuality(**rule)
