"""Transducers of large vocabularies: a cheap joiner says where the paths run, the costly one looks only there.

After Kuang et al. 2022, "Pruned RNN-T for fast, memory-efficient ASR training". The cheap joiner adds an
acoustic and a language score for each symbol, so a node's sum over the vocabulary is an entry of one matrix
product, and nothing of (frames, symbols, vocabulary) is ever made. In each frame a window of a few positions is
then kept: those that hold the most of the paths' probability, chosen for all frames together by dynamic
programming (the paper chooses frame by frame and mends the windows after). Train with both losses:

    simple = simple_loss(acoustic, language, targets, frame_lengths, target_lengths, width=5)
    joined = joiner(encoded[:, :, None], gathered(predicted, simple.starts, 5))
    loss = 0.5 * simple.losses + transducer_loss(joined, ..., starts=simple.starts)
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from allears.asr import loops
from allears.asr.lattice import Arcs, Lattice, Lattices, Penalties, TransducerError, lattices
from allears.asr.transducer import precision

_LEAST = 1e-280
"""No sum over the vocabulary, of terms of 1 at most, is taken for less: its inverse must be a number.

Where the scores of all symbols are over 600 nats from the best of either, the loss is thus more than it should be.
"""


class Simple(NamedTuple):
    """What the cheap joiner says."""

    losses: Float[Tensor, " batch"]
    """−log P(targets) of each utterance, in nats."""
    starts: Int[Tensor, "batch frames"]
    """The first position of each frame's window; beyond the length that of the last frame."""


def simple_loss(
    acoustic: Float[Tensor, "batch frames vocabulary"],
    language: Float[Tensor, "batch positions vocabulary"],
    targets: Int[Tensor, "batch symbols"],
    frame_lengths: Int[Tensor, " batch"],
    target_lengths: Int[Tensor, " batch"],
    *,
    width: int,
    blank: int = 0,
    fastemit: float = 0.0,
    penalties: Penalties | None = None,
) -> Simple:
    """The loss of logits acoustic[t] + language[u], and windows of `width` positions on its paths.

    Windows are no wider than 1 + symbols. FastEmit and penalties are those of `transducer.transducer_loss`, and
    count for the windows too. Raises TransducerError as that does, and where windows of `width`, which overlap,
    cannot come to the last symbol in an utterance's frames.
    """
    _check("acoustic", acoustic)
    _check("language", language)
    if len(acoustic) != len(language) or acoustic.shape[2] != language.shape[2]:
        raise TransducerError(
            f"language: {tuple(language.shape)} does not fit acoustic, {tuple(acoustic.shape)}"
        )
    shape = (len(acoustic), acoustic.shape[1], language.shape[1], acoustic.shape[2])
    batch = lattices(
        shape, targets, frame_lengths, target_lengths,
        blank=blank, fastemit=fastemit, penalties=penalties,
    )  # fmt: skip
    for lattice in batch:
        _reaching(lattice, width)
    losses, starts = _Loss.apply(acoustic, language, batch, width)  # type: ignore[no-untyped-call]
    return Simple(losses, starts)


def gathered(
    predicted: Float[Tensor, "batch positions size"],
    starts: Int[Tensor, "batch frames"],
    width: int,
) -> Float[Tensor, "batch frames width size"]:
    """What the predictor says at each window's positions, for the joiner; gradients flow back.

    Beyond the last position the last is repeated; `width` is at most the number of positions.
    """
    positions = predicted.shape[1]
    place = starts.to(predicted.device)[..., None]
    place = place + torch.arange(min(width, positions), device=predicted.device)
    row = torch.arange(len(predicted), device=predicted.device)[:, None, None]
    return predicted[row, place.clamp(max=positions - 1)]


def _check(name: str, scores: Tensor) -> None:
    if scores.dim() != 3 or not scores.is_floating_point():
        raise TransducerError(
            f"{name}: {scores.dtype} of shape {tuple(scores.shape)} where three dimensions of floating "
            "point numbers are wanted"
        )


def _reaching(lattice: Lattice, width: int) -> None:
    """Refuse windows that do not come to the last symbol."""
    symbols, steps = len(lattice.targets), lattice.frames - 1
    if width < 1 or (width - 1) * (steps + 1) < symbols:
        least = 1 + -(-symbols // lattice.frames)
        raise TransducerError(
            f"width: {width} is too little for {symbols} symbols in {lattice.frames} frames "
            f"(utterance {lattice.number}); it takes {least}"
        )


class _Scores(NamedTuple):
    """An utterance's exponentials and what they were divided by, in double precision."""

    acoustic: Float[Tensor, "frames vocabulary"]
    language: Float[Tensor, "positions vocabulary"]
    sums: Float[Tensor, "frames positions"]
    """The products' sums over the vocabulary."""
    scale: Float[Tensor, "frames positions"]
    """The logarithm of what they must be multiplied by."""


def _exponentials(acoustic: Tensor, language: Tensor) -> _Scores:
    one, other = acoustic.double(), language.double()
    most, more = one.amax(1, keepdim=True), other.amax(1, keepdim=True)
    one, other = (one - most).exp_(), (other - more).exp_()
    return _Scores(one, other, (one @ other.t()).clamp_(min=_LEAST), most + more.t())


class _Loss(torch.autograd.Function):
    """Scores and lattices to losses and windows; kept are the arcs' occupancies."""

    @staticmethod
    def forward(
        ctx: Any, acoustic: Tensor, language: Tensor, batch: Lattices, width: int
    ) -> tuple[Tensor, Tensor]:
        losses = acoustic.new_empty(len(acoustic), dtype=precision(acoustic))
        occupied = losses.new_zeros(*acoustic.shape[:2], language.shape[1], 2)
        starts = torch.zeros(acoustic.shape[:2], dtype=torch.int64)
        for lattice, one, other in _each(batch, acoustic, language):
            arcs = _arcs(lattice, one, other)
            losses[lattice.number] = -lattice.occupy(arcs)
            occupied[lattice.nodes] = torch.stack(arcs, 2).to(occupied)
            _windows(arcs, width, starts[lattice.number], lattice.frames)
        ctx.save_for_backward(acoustic, language, occupied)
        ctx.batch = batch
        ctx.mark_non_differentiable(starts)
        return losses, starts

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator, unused-ignore]
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor, None, None]:
        acoustic, language, occupied = ctx.saved_tensors
        to_acoustic, to_language = torch.zeros_like(acoustic), torch.zeros_like(language)
        shares = occupied.double() * occupied.new_tensor([1, 1 + ctx.batch.fastemit])
        shares *= upstream[0][:, None, None, None]
        for lattice, one, other in _each(ctx.batch, acoustic, language):
            found = _slopes(lattice, _exponentials(one, other), shares[lattice.nodes])
            to_acoustic[lattice.number, : len(one)] = found[0]
            to_language[lattice.number, : len(other)] = found[1]
        return to_acoustic, to_language, None, None


def _each(
    batch: Lattices, acoustic: Tensor, language: Tensor
) -> Iterator[tuple[Lattice, Tensor, Tensor]]:
    """Each lattice with its scores, cut to its lengths."""
    for lattice in batch:
        one, other = acoustic[lattice.number], language[lattice.number]
        yield lattice, one[: lattice.frames], other[: lattice.width]


def _arcs(lattice: Lattice, acoustic: Tensor, language: Tensor) -> Arcs:
    """The arcs' log-probabilities. Raises TransducerError where scores are not finite."""
    for name, scores in (("acoustic", acoustic), ("language", language)):
        if not torch.isfinite(torch.stack(scores.aminmax())).all():
            raise TransducerError(
                f"{name}: utterance {lattice.number} has a value that is not a finite number"
            )
    found = _exponentials(acoustic, language)
    norm = found.sums.log_() + found.scale
    one, other = acoustic.double(), language.double()
    blank = one[:, lattice.blank, None] + other[:, lattice.blank] - norm
    label = torch.zeros_like(norm)
    label[:, :-1] = one[:, lattice.targets] + _own(other, lattice.targets) - norm[:, :-1]
    return Arcs(blank.cpu(), label.cpu())


def _own(language: Tensor, targets: Tensor) -> Tensor:
    """What each position says of the symbol that follows there."""
    return language[torch.arange(len(targets)), targets]


def _windows(arcs: Arcs, width: int, starts: Tensor, frames: int) -> None:
    """Windows on the arcs' occupancies, into an utterance's `starts`."""
    occupancy = (arcs.blank + arcs.label).numpy()
    loops.windows(occupancy, min(width, occupancy.shape[1]), starts[:frames].numpy())
    starts[frames:] = starts[frames - 1]


def _slopes(lattice: Lattice, scores: _Scores, shares: Tensor) -> tuple[Tensor, Tensor]:
    """The slopes of both scores: softmax · (share of both arcs) summed, less each arc's share."""
    blank, label = shares.unbind(2)
    weight = (blank + label) / scores.sums
    acoustic = (weight @ scores.language).mul_(scores.acoustic)
    language = (weight.t() @ scores.acoustic).mul_(scores.language)
    acoustic[:, lattice.blank] -= blank.sum(1)
    language[:, lattice.blank] -= blank.sum(0)
    # A symbol may come twice: what is taken off for either adds up.
    targets = lattice.targets.to(acoustic.device)
    acoustic.index_add_(1, targets, label[:, :-1], alpha=-1)
    language[torch.arange(len(targets)), targets] -= label[:, :-1].sum(0)
    return acoustic, language
