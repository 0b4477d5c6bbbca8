"""The lattices of a batch of utterances: what must be emitted in how many frames, and what an arc costs.

Everything that a caller can get wrong is refused here, before any loop reads an array.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from allears.asr import loops
from allears.errors import AllearsError


class TransducerError(AllearsError):
    """What a transducer's lattice cannot be made of; the message begins with the argument's name."""


class Penalties(NamedTuple):
    """What is taken off arcs' log-probabilities, in nats; None stands for nothing.

    Constants: no gradient flows into them. Both may be given in any shape that broadcasts to theirs.
    """

    blank: Float[Tensor, "batch frames positions"] | None = None
    """Of the blank of each frame after u symbols: (batch, frames, 1 + symbols)."""
    label: Float[Tensor, "batch frames symbols"] | None = None
    """Of emitting symbol u in each frame: (batch, frames, symbols)."""


class Arcs(NamedTuple):
    """One value for each arc that leaves each node, in double precision."""

    blank: Float[Tensor, "frames width"]
    label: Float[Tensor, "frames width"]


@dataclass(frozen=True, slots=True)
class Lattice:
    """One utterance's: node (t, j) stands for frame t with starts[t] + j of the targets emitted."""

    number: int
    """The utterance's in the batch."""
    frames: int
    width: int
    targets: Int[Tensor, " symbols"]
    starts: Int[Tensor, " frames"]
    blank: int
    penalties: Penalties

    @property
    def nodes(self) -> tuple[int, slice, slice]:
        """Where it stands in a tensor (batch, frames, width, …)."""
        return self.number, slice(self.frames), slice(self.width)

    def positions(self) -> Int[Tensor, "frames width"]:
        """How many symbols have been emitted at each node."""
        return self.starts[:, None] + torch.arange(self.width)

    def tokens(self) -> Int[Tensor, "frames width"]:
        """What each node's label arc emits; after the last symbol, where there is none, the blank."""
        closed = torch.cat((self.targets, self.targets.new_tensor([self.blank])))
        return closed[self.positions()]

    def occupy(self, arcs: Arcs) -> float:
        """The log-probability of the targets; in place, `arcs` become occupancies (`loops.occupy`)."""
        self._penalise(arcs)
        return float(loops.occupy(arcs.blank.numpy(), arcs.label.numpy(), self.starts.numpy()))

    def best_path(self, arcs: Arcs) -> tuple[Int[Tensor, " symbols"], float]:
        """The frame in which the best path emits each symbol, and its log-probability."""
        self._penalise(arcs)
        emitted = torch.empty_like(self.targets)
        arrays = (each.numpy() for each in (*arcs, self.starts, emitted))
        return emitted, float(loops.best_path(*arrays))

    def _penalise(self, arcs: Arcs) -> None:
        positions = self.positions()
        for arc, penalty in zip(arcs, self.penalties, strict=True):
            if penalty is not None and penalty.shape[2]:
                # The last node has no label arc: whatever is taken off there is not looked at.
                place = positions.clamp(max=penalty.shape[2] - 1)
                arc -= penalty[self.number, : self.frames].gather(1, place)


@dataclass(frozen=True, slots=True)
class Lattices:
    """A batch's, `width` nodes a frame at most; the integers are on the CPU."""

    targets: Int[Tensor, "batch symbols"]
    starts: Int[Tensor, "batch frames"]
    frame_lengths: tuple[int, ...]
    target_lengths: tuple[int, ...]
    width: int
    blank: int
    fastemit: float
    penalties: Penalties

    def __iter__(self) -> Iterator[Lattice]:
        lengths = zip(self.frame_lengths, self.target_lengths, strict=True)
        for number, (frames, symbols) in enumerate(lengths):
            yield Lattice(
                number,
                frames,
                min(self.width, symbols + 1),
                self.targets[number, :symbols],
                self.starts[number, :frames],
                self.blank,
                self.penalties,
            )


def lattices(
    shape: tuple[int, int, int, int],
    targets: Int[Tensor, "batch symbols"],
    frame_lengths: Int[Tensor, " batch"],
    target_lengths: Int[Tensor, " batch"],
    *,
    blank: int,
    fastemit: float = 0.0,
    penalties: Penalties | None = None,
    starts: Int[Tensor, "batch frames"] | None = None,
) -> Lattices:
    """Those of logits of `shape` (batch, frames, width, vocabulary); without `starts`, whole ones.

    Raises TransducerError where something does not fit.
    """
    batch, frames, width, vocabulary = shape
    targets = _integers("targets", targets, (batch, targets.shape[-1]))
    nodes = targets.shape[1] + 1
    if width > nodes or (starts is None and width < nodes):
        raise TransducerError(
            f"logits: {width} positions for {nodes - 1} targets; without starts it takes {nodes}"
        )
    lengths = _lengths("frame_lengths", frame_lengths, batch, 1, frames)
    counts = _lengths("target_lengths", target_lengths, batch, 0, nodes - 1)
    if not 0 <= blank < vocabulary:
        raise TransducerError(f"blank: {blank} is not one of {vocabulary} symbols")
    if not (math.isfinite(fastemit) and fastemit >= 0):
        raise TransducerError(f"fastemit: {fastemit} is not a finite number from 0")
    if starts is None:
        starts = torch.zeros(batch, frames, dtype=torch.int64)
    found = Lattices(
        targets,
        _integers("starts", starts, (batch, frames)),
        lengths,
        counts,
        width,
        blank,
        fastemit,
        _penalties(penalties or Penalties(), (batch, frames, nodes)),
    )
    for lattice in found:
        _fitting(lattice, vocabulary)
    return found


def _fitting(lattice: Lattice, vocabulary: int) -> None:
    """Refuse targets that cannot be emitted, and windows without a path."""
    targets, starts = lattice.targets, lattice.starts
    strange = (targets < 0) | (targets >= vocabulary) | (targets == lattice.blank)
    if strange.any():
        raise TransducerError(
            f"targets: utterance {lattice.number} has {int(targets[strange][0])}, which is the blank "
            f"or none of {vocabulary} symbols"
        )
    steps = starts.diff()
    last = len(targets) + 1 - lattice.width
    if starts[0] or starts[-1] != last or ((steps < 0) | (steps >= lattice.width)).any():
        raise TransducerError(
            f"starts: those of utterance {lattice.number} do not lead from 0 to {last} in steps "
            f"of 0 to {lattice.width - 1}"
        )


def _integers(name: str, values: Tensor, shape: tuple[int, ...]) -> Tensor:
    if values.is_floating_point() or values.is_complex() or values.dtype == torch.bool:
        raise TransducerError(f"{name}: {values.dtype} where integers are wanted")
    if values.shape != shape:
        raise TransducerError(f"{name}: shape {tuple(values.shape)} where {shape} is wanted")
    return values.detach().cpu().to(torch.int64)


def _lengths(name: str, values: Tensor, batch: int, least: int, most: int) -> tuple[int, ...]:
    lengths = tuple(map(int, _integers(name, values, (batch,))))
    for number, length in enumerate(lengths):
        if not least <= length <= most:
            raise TransducerError(
                f"{name}: {length} of utterance {number} is not {least} to {most}"
            )
    return lengths


def _penalties(penalties: Penalties, nodes: tuple[int, int, int]) -> Penalties:
    batch, frames, positions = nodes
    return Penalties(
        _penalty("penalties.blank", penalties.blank, nodes),
        _penalty("penalties.label", penalties.label, (batch, frames, positions - 1)),
    )


def _penalty(name: str, values: Tensor | None, shape: tuple[int, int, int]) -> Tensor | None:
    if values is None:
        return None
    if values.requires_grad:
        raise TransducerError(f"{name}: requires a gradient, but penalties are constants")
    if not torch.isfinite(values).all():
        raise TransducerError(f"{name}: has a value that is not a finite number")
    try:
        return values.detach().cpu().to(torch.float64).expand(shape)
    except RuntimeError:
        raise TransducerError(
            f"{name}: shape {tuple(values.shape)} does not broadcast to {shape}"
        ) from None
