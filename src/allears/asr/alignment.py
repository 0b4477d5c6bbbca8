"""When each symbol of a known text was spoken: the best path through a transducer's lattice (Viterbi)."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from allears.asr.lattice import Penalties, lattices
from allears.asr.transducer import checked_logits, normalise


class Alignment(NamedTuple):
    """The best path of each utterance."""

    frames: Int[Tensor, "batch symbols"]
    """The frame, from 0, in which each symbol is emitted; −1 beyond the length."""
    log_probability: Float[Tensor, " batch"]
    """Of that path alone, in nats, with penalties."""


@torch.no_grad()
def align(
    logits: Float[Tensor, "batch frames positions vocabulary"],
    targets: Int[Tensor, "batch symbols"],
    frame_lengths: Int[Tensor, " batch"],
    target_lengths: Int[Tensor, " batch"],
    *,
    blank: int = 0,
    penalties: Penalties | None = None,
    starts: Int[Tensor, "batch frames"] | None = None,
) -> Alignment:
    """The most probable frames of the targets, given arguments as `transducer.transducer_loss` takes them.

    Of equally probable paths one that emits early is taken. Raises TransducerError as the loss does.
    """
    shape = checked_logits(logits)
    batch = lattices(
        shape, targets, frame_lengths, target_lengths,
        blank=blank, penalties=penalties, starts=starts,
    )  # fmt: skip
    frames = torch.full(targets.shape, -1, dtype=torch.int64)
    log_probability = torch.empty(len(logits), dtype=torch.float64)
    for lattice in batch:
        _, arcs = normalise(logits[lattice.nodes], lattice)
        emitted, total = lattice.best_path(arcs)
        frames[lattice.number, : len(emitted)] = emitted
        log_probability[lattice.number] = total
    return Alignment(frames, log_probability)
