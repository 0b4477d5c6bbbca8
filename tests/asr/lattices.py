"""Small lattices, all their paths one by one, and the loss as torch differentiates it."""

import itertools

import torch

from allears.asr.lattice import Penalties


def drawn(batch=1, frames=4, symbols=3, vocabulary=5, seed=0, dtype=torch.float64):
    """Logits and targets without blanks, of full lengths."""
    torch.manual_seed(seed)
    logits = torch.randn(batch, frames, symbols + 1, vocabulary, dtype=dtype)
    targets = torch.randint(1, vocabulary, (batch, symbols))
    lengths = torch.full((batch,), frames), torch.full((batch,), symbols)
    return logits, targets, *lengths


def arcs(logits, targets, blank=0, penalties=None):
    """One utterance's log-probabilities: (frames, 1 + symbols) and (frames, symbols)."""
    log_probabilities = logits.log_softmax(2)
    symbols = torch.arange(len(targets))
    found = [log_probabilities[..., blank], log_probabilities[:, symbols, targets]]
    for index, penalty in enumerate(penalties or Penalties()):
        if penalty is not None:
            found[index] = found[index] - penalty
    return found


def paths(frames, symbols):
    """The frame of every symbol, for all paths."""
    return itertools.combinations_with_replacement(range(frames), symbols)


def along(path, blank, label):
    """The log-probability of one path."""
    total = sum(label[frame, u] for u, frame in enumerate(path))
    for frame in range(len(blank)):
        total = total + blank[frame, sum(each <= frame for each in path)]
    return total


def enumerated(logits, targets, **options):
    """−log of the sum over all paths."""
    blank, label = arcs(logits, targets, **options)
    found = [along(path, blank, label) for path in paths(len(blank), len(targets))]
    return -torch.logsumexp(torch.stack(found), 0)


def by_autograd(logits, targets, frame_lengths, target_lengths, **options):
    """The losses of a batch through a lattice that torch differentiates."""
    losses = []
    lengths = zip(frame_lengths.tolist(), target_lengths.tolist(), strict=True)
    for each, symbols, (frames, count) in zip(logits, targets, lengths, strict=True):
        losses.append(through(*arcs(each[:frames, : count + 1], symbols[:count], **options)))
    return torch.stack(losses)


def through(blank, label):
    """The loss of one utterance's arcs, frame by frame."""
    row = [blank.new_zeros(())]
    for u in range(label.shape[1]):
        row.append(row[-1] + label[0, u])
    for frame in range(1, len(blank)):
        row = [value + blank[frame - 1, u] for u, value in enumerate(row)]
        for u in range(label.shape[1]):
            row[u + 1] = torch.logaddexp(row[u + 1], row[u] + label[frame, u])
    return -(row[-1] + blank[-1, -1])
