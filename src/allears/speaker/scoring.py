"""How alike voices are: cosines of embeddings, of many trials at once."""

import numpy as np
from jaxtyping import Float32, Int64

from allears.speaker.refusal import SpeakerError

_BLOCK = 1 << 14
"""Trials whose embeddings are laid side by side together."""
_DENSE = 4
"""Times as many pairs as trials up to which a product of matrices, of all pairs, is quicker than one by one."""

Embeddings = Float32[np.ndarray, "clips size"]


def unit(embeddings: Embeddings) -> Embeddings:
    """Each made one long. Raises SpeakerError where one has no direction."""
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    wrong = np.flatnonzero(~((lengths > 0) & np.isfinite(lengths)))
    if len(wrong):
        raise SpeakerError(
            f"embedding {wrong[0]} is zero or not finite; leave out clips that could not be embedded"
        )
    return np.asarray(embeddings / lengths, np.float32)


def cosines(first: Embeddings, second: Embeddings) -> Float32[np.ndarray, "first second"]:
    """Of each of these with each of those; both one long."""
    product: np.ndarray = first @ second.T
    return product


def trial_scores(
    embeddings: Embeddings,
    first: Int64[np.ndarray, " trials"],
    second: Int64[np.ndarray, " trials"],
) -> Float32[np.ndarray, " trials"]:
    """The cosine of each trial's two clips, which are numbers of embeddings, one long.

    Raises SpeakerError where there is no such clip, or sides are not as many.
    """
    if first.shape != second.shape:
        raise SpeakerError(f"{len(first)} first and {len(second)} second clips; give pairs")
    for side in (first, second):
        if len(side) and not (side.min() >= 0 and side.max() < len(embeddings)):
            raise SpeakerError(
                f"a trial names clip {side.max()} or {side.min()}; there are {len(embeddings)}, from 0"
            )
    rows, row = np.unique(first, return_inverse=True)
    columns, column = np.unique(second, return_inverse=True)
    if len(rows) * len(columns) <= _DENSE * len(first):
        return np.asarray(cosines(embeddings[rows], embeddings[columns])[row, column])
    found = np.empty(len(first), np.float32)
    for at in range(0, len(first), _BLOCK):
        both = (embeddings[side[at : at + _BLOCK]] for side in (first, second))
        found[at : at + _BLOCK] = np.einsum("ij,ij->i", *both)
    return found
