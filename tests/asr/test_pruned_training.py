"""A transducer of a large vocabulary trained on the pruned loss: at the end the full loss says the same."""

import math

import torch
from torch import nn

from allears.asr.joiner import Joiner
from allears.asr.predictor import Stateless, StatelessConfig
from allears.asr.pruned import gathered, simple_loss
from allears.asr.transducer import transducer_loss

VOCABULARY, SYMBOLS, EACH, WIDTH, WINDOW = 5000, 6, 3, 32, 4
SAID = 12
"""Symbols that ever come; the joiners read all of the vocabulary."""


class Small(nn.Module):
    """Frames that say their symbol, and both joiners."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = nn.Embedding(VOCABULARY, WIDTH)
        self.predictor = Stateless(StatelessConfig(WIDTH, dropout=0), VOCABULARY)
        self.joiner = Joiner(WIDTH, WIDTH, WIDTH, VOCABULARY)
        self.acoustic = nn.Linear(WIDTH, VOCABULARY)
        self.language = nn.Linear(WIDTH, VOCABULARY)


def _drawn(batch):
    """Targets, and frames that stay on each symbol for a while."""
    targets = torch.randint(1, SAID, (batch, SYMBOLS))
    return targets, targets.repeat_interleave(EACH, 1)


def _losses(model, targets, frames):
    """Of the cheap joiner, of the costly one within windows, and of it everywhere."""
    batch = len(targets)
    lengths = torch.full((batch,), frames.shape[1]), torch.full((batch,), SYMBOLS)
    heard = model.joiner.heard(model.heard(frames))
    before = nn.functional.pad(targets, (1, 0))
    expected = model.joiner.expected(
        model.predictor(before, model.predictor.initial_state(batch))[0]
    )
    simple = simple_loss(
        model.acoustic(heard), model.language(expected), targets, *lengths, width=WINDOW
    )
    within = model.joiner(heard[:, :, None], gathered(expected, simple.starts, WINDOW))
    pruned = transducer_loss(within, targets, *lengths, starts=simple.starts)

    def whole():
        logits = model.joiner(heard[:, :, None], expected[:, None])
        return transducer_loss(logits, targets, *lengths)

    return simple.losses, pruned, whole


def test_the_pruned_loss_ends_within_two_per_cent_of_the_full_one():
    torch.manual_seed(0)
    model = Small()
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-2)
    for step in range(70):
        simple, pruned, _ = _losses(model, *_drawn(4))
        loss = (0.5 * simple + (pruned if step > 20 else 0.1 * pruned)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        _, pruned, whole = _losses(model, *_drawn(4))
        full = whole()
    assert full.mean() < SYMBOLS * math.log(SAID) / 2, "it has not learned what the frames say"
    assert (pruned >= full * 0.999).all(), "fewer paths cannot be likelier"
    assert pruned.mean() <= 1.02 * full.mean()
