"""What is emitted in whole conversations, branch by branch: for judging, and for what need not be live."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from allears.asr import tail
from allears.asr.networks import Networks
from allears.asr.search import greedy
from allears.asr.search.hypothesis import Hypothesis, begin

Mels = Float32[np.ndarray, "time bands"]


def branches(
    networks: Networks, encoded: Float32[np.ndarray, "batch frames wide"]
) -> Float32[np.ndarray, "rows frames joint"]:
    """Branches as streams of their own: the first's of the first conversation, its second's, …"""
    batch, frames, wide = encoded.shape
    joint = wide // networks.branches
    parts = encoded.reshape(batch, frames, networks.branches, joint).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(parts.reshape(-1, frames, joint))


def whole(
    networks: Networks, mels: Sequence[Mels], *, batch: int = 8
) -> list[tuple[Hypothesis, ...]]:
    """A hypothesis for each branch of each conversation; a tail of quiet ends each."""
    order = sorted(range(len(mels)), key=lambda index: len(mels[index]))
    found: dict[int, tuple[Hypothesis, ...]] = {}
    for place in range(0, len(order), batch):
        members = order[place : place + batch]
        heard = _heard(networks, [mels[index] for index in members])
        found.update(zip(members, heard, strict=True))
    return [found[index] for index in range(len(mels))]


def _heard(networks: Networks, mels: Sequence[Mels]) -> list[tuple[Hypothesis, ...]]:
    """Those of a batch, the longest last."""
    parts = [tail.ended(each, networks.stack) for each in mels]
    padded = np.zeros((len(parts), len(parts[-1]), networks.bands), np.float32)
    for row, part in zip(padded, parts, strict=True):
        row[: len(part)] = part
    encoded, _ = networks.encode(padded, networks.encoder_state(len(parts)))
    count = networks.branches
    frames = np.repeat([len(part) // networks.stack for part in parts], count)
    ended = greedy.advance(
        networks, branches(networks, encoded), begin(networks, len(frames)), frames.tolist()
    )
    return [tuple(ended[row : row + count]) for row in range(0, len(ended), count)]
