"""The transducer loss (Graves 2012, "Sequence transduction with recurrent neural networks"), compiled.

Its gradient is analytic, and all that is ever as large as the logits. What else is computed of them is done a few
frames at a time, in the processor's cache; along the lattice there are two values a node (`loops`). With
FastEmit (Yu et al. 2021) the gradient of label arcs counts 1 + λ times, and the loss is what it was.
"""

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from allears.asr.lattice import Arcs, Lattice, Lattices, Penalties, TransducerError, lattices
from allears.asr.softmax import read, slopes

_AT_ONCE = 2**18
"""Logits that are worked on at once."""


def transducer_loss(
    logits: Float[Tensor, "batch frames positions vocabulary"],
    targets: Int[Tensor, "batch symbols"],
    frame_lengths: Int[Tensor, " batch"],
    target_lengths: Int[Tensor, " batch"],
    *,
    blank: int = 0,
    fastemit: float = 0.0,
    penalties: Penalties | None = None,
    starts: Int[Tensor, "batch frames"] | None = None,
) -> Float[Tensor, " batch"]:
    """−log P(targets) of each utterance, in nats.

    `logits` need not be normalised; position u of a frame is what the joiner says after u of the targets, so
    there are 1 + symbols positions. Beyond the lengths nothing is looked at, and nothing has a gradient. With
    `starts` (`pruned.simple_loss`) there are fewer: position j stands for starts[t] + j of the targets, and only
    paths that stay within count. Single precision and half precision give losses in single precision.

    Raises TransducerError, which names the argument, where shapes, lengths or symbols do not fit, and where
    logits within the lengths are not finite.
    """
    shape = checked_logits(logits)
    batch = lattices(
        shape, targets, frame_lengths, target_lengths,
        blank=blank, fastemit=fastemit, penalties=penalties, starts=starts,
    )  # fmt: skip
    return cast(Tensor, _Loss.apply(logits, batch))  # type: ignore[no-untyped-call]


def checked_logits(logits: Tensor) -> tuple[int, int, int, int]:
    """The shape of logits. Raises TransducerError where it is not that of (any) logits."""
    if logits.dim() != 4 or not logits.is_floating_point():
        raise TransducerError(
            f"logits: {logits.dtype} of shape {tuple(logits.shape)} where floating point numbers "
            "(batch, frames, positions, vocabulary) are wanted"
        )
    batch, frames, positions, vocabulary = logits.shape
    return batch, frames, positions, vocabulary


def normalise(
    logits: Float[Tensor, "frames width vocabulary"], lattice: Lattice
) -> tuple[Float[Tensor, "frames width"], Arcs]:
    """The logarithm of each node's sum, and the log-probabilities of its arcs.

    Raises TransducerError where logits are not finite.
    """
    sums = logits.new_empty(logits.shape[:2], dtype=precision(logits))
    blank, label = torch.empty(2, *sums.shape, dtype=torch.float64)
    tokens = lattice.tokens()
    for part in _parts(logits):
        wide = logits[part].to(sums.dtype)
        arcs = blank[part], label[part]
        if not read(wide, tokens[part], lattice.blank, sums[part], arcs):
            raise TransducerError(
                f"logits: utterance {lattice.number} has a value that is not a finite number "
                f"between frames {part.start} and {part.stop}"
            )
    return sums, Arcs(blank, label)


def precision(logits: Tensor) -> torch.dtype:
    """What is computed in: single precision at least."""
    return torch.promote_types(logits.dtype, torch.float32)


class _Loss(torch.autograd.Function):
    """Logits and lattices to losses; kept are the nodes' sums and the arcs' occupancies."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, batch: Lattices) -> Tensor:
        losses = logits.new_empty(len(logits), dtype=precision(logits))
        sums = losses.new_zeros(logits.shape[:3])
        occupied = losses.new_zeros(*logits.shape[:3], 2)
        for lattice in batch:
            sums[lattice.nodes], arcs = normalise(logits[lattice.nodes], lattice)
            losses[lattice.number] = -lattice.occupy(arcs)
            occupied[lattice.nodes] = torch.stack(arcs, 2).to(occupied)
        ctx.save_for_backward(logits, sums, occupied)
        ctx.batch = batch
        return losses

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator, unused-ignore]
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None]:
        logits, sums, occupied = ctx.saved_tensors
        gradient = _like(logits)
        shares = occupied * occupied.new_tensor([1, 1 + ctx.batch.fastemit])
        shares *= upstream[0][:, None, None, None]
        for lattice in ctx.batch:
            nodes = lattice.nodes
            # Only the padding: to write all of it twice takes as long as to compute it.
            gradient[lattice.number, lattice.frames :] = 0
            gradient[lattice.number, : lattice.frames, lattice.width :] = 0
            _descend(logits[nodes], sums[nodes], shares[nodes], lattice, gradient[nodes])
        return gradient, None


def _like(logits: Tensor) -> Tensor:
    """As large, unwritten. numpy asks the system for large pages, which is a fifth of the whole loss saved."""
    if logits.device.type == "cpu" and logits.dtype == torch.float32:
        return torch.from_numpy(np.empty(tuple(logits.shape), np.float32))
    return torch.empty_like(logits)


def _descend(
    logits: Tensor, sums: Tensor, shares: Tensor, lattice: Lattice, gradient: Tensor
) -> None:
    """The gradient of an utterance, into `gradient`."""
    tokens = lattice.tokens()
    for part in _parts(logits):
        # Neither copies what is contiguous and precise enough already.
        target = gradient[part]
        slope = target.to(sums.dtype).contiguous()
        wide = logits[part].to(sums.dtype)
        slopes(wide, sums[part], shares[part], tokens[part], lattice.blank, slope)
        if slope is not target:
            target.copy_(slope)


def _parts(logits: Tensor) -> Iterator[slice]:
    """A few frames at a time."""
    frames, width, vocabulary = logits.shape
    count = max(1, _AT_ONCE // max(1, width * vocabulary))
    return (slice(begin, min(begin + count, frames)) for begin in range(0, frames, count))
