"""Speakers drawn anew: what Σ errors and Σ words of each group would be with other speakers.

A draw takes as many speakers as there are, each with all that they said, with replacement. Draw number k
depends on the seed, k and the number of speakers alone, so that draws can be made in any order, on any machine,
and two systems are drawn the same. Sums of whole numbers under 2⁵³ are exact: the same draws give the same
sums, bit for bit.

Its percentiles are for what has no formula; for rates, gaps and differences `intervals` holds the truth more
often.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64
from scipy import sparse

from allears.fairness.sums import ERRORS, WORDS, Groups
from allears.score.bootstrap import PERCENTILES, Estimate

DRAWS, SEED = 1000, 0
BLOCK = 1 << 24
"""Weights held at once: 128 MiB of them."""

Draws = Float64[np.ndarray, "draws groups 2"]


def replicates(groups: Groups, draws: int = DRAWS, seed: int = SEED) -> Draws:
    """Errors and words of each group in each draw."""
    by_speaker = _by_speaker(groups)
    found = np.empty((draws, len(groups.names), 2))
    for start, block in weights(groups.people, draws, seed):
        sums = by_speaker @ block
        found[start : start + block.shape[1]] = sums.T.reshape(-1, 2, len(groups.names)).swapaxes(
            1, 2
        )
    return found


def weights(
    people: int, draws: int, seed: int
) -> Iterator[tuple[int, Float64[np.ndarray, "people block"]]]:
    """How often each speaker was drawn, in blocks of draws, and the number of each block's first."""
    size = max(1, min(draws, BLOCK // max(1, people)))
    for start in range(0, draws, size):
        block = np.empty((people, min(size, draws - start)))
        for each in range(block.shape[1]):
            block[:, each] = drawn(people, seed, start + each)
        yield start, block


def drawn(people: int, seed: int, draw: int) -> Float64[np.ndarray, " people"]:
    """How often each speaker is in one draw."""
    random = np.random.default_rng([seed, draw])
    chosen = random.integers(0, people, people, np.uint32)
    return np.bincount(chosen, minlength=people).astype(float)


def rates(found: Draws) -> Float64[np.ndarray, "draws groups"]:
    """NaN where nobody of a group was drawn."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: Float64[np.ndarray, "draws groups"] = found[..., 0] / found[..., 1]
    return quotient


def percentiles(value: float, draws: Float64[np.ndarray, " draws"]) -> Estimate:
    """Of any figure of draws; those where it cannot be had are left out, NaN where it mostly cannot."""
    known = draws[np.isfinite(draws)]
    if 2 * len(known) < len(draws) or len(known) < 2:
        return Estimate(value, np.nan, np.nan)
    low, high = np.percentile(known, PERCENTILES)
    return Estimate(value, float(low), float(high))


def worst_shares(found: Draws) -> Float64[np.ndarray, " groups"]:
    """In which share of draws each group has the highest rate: how sure it is that the worst one is the worst."""
    highest = np.where(np.isfinite(rates(found)), rates(found), -1.0).argmax(1)
    return np.bincount(highest, minlength=found.shape[1]) / len(found)


def _by_speaker(groups: Groups) -> sparse.csr_array:
    """Errors of all groups, then words of all, as rows over speakers."""
    columns = [
        sparse.csr_array(
            (groups.counts[:, each].astype(float), (groups.group, groups.speaker)),
            shape=(len(groups.names), groups.people),
        )
        for each in (ERRORS, WORDS)
    ]
    return sparse.vstack(columns, format="csr")
