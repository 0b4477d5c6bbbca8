"""Into how many regions to cut the map: as many as tell most of speakers who had no part in cutting it.

Too many regions have too few speakers each for any to stand out; too few hide a small one. Of the speakers that
may be looked at, one half draws trees of several sizes, the other says which of them fits (Poisson likelihood); a
tree of that size is drawn by all of them.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from allears.fairness.cohorts.tree import GeographicTree
from allears.fairness.refusal import AuditError
from allears.fairness.statistics import halves
from allears.fairness.sums import ERRORS, WORDS, Groups, Sums

SIZES = 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 126
_WORDS = 200.0
"""A region's rate is that of all after so many words, and its own after many more."""


def sized_tree(
    sums: Sums, among: Bool[np.ndarray, " speakers"], seed: int = 0, sizes: Sequence[int] = SIZES
) -> GeographicTree:
    """A tree fitted to `among`, of the size that fits best. Raises AuditError where nobody's place is known."""
    members = np.flatnonzero(among)
    one, other = (np.zeros(len(among), bool) for _ in range(2))
    first = halves.split(len(members), seed)
    one[members[first]], other[members[~first]] = True, True
    best, most = sizes[0], -np.inf
    try:
        for size in sizes:
            tree = GeographicTree(max_regions=size).fit(sums, one)
            groups = tree.groups(sums)
            fit = _likelihood(groups.of(one), groups.of(other))
            if fit > most:
                best, most = size, fit
            if len(tree.names_) < size:
                break
    except AuditError:
        pass  # too few for a half of them: the smallest tree
    return GeographicTree(max_regions=best).fit(sums, among)


def _likelihood(drawn: Groups, held: Groups) -> float:
    """log P of the held speakers' errors, but for what does not depend on rates, by the rates of the others."""
    own, seen = drawn.totals().astype(float), held.totals().astype(float)
    overall = own[:, ERRORS].sum() / max(1.0, own[:, WORDS].sum())
    rates = (own[:, ERRORS] + _WORDS * overall) / (own[:, WORDS] + _WORDS)
    rates = np.maximum(rates, 1e-9)
    return float((seen[:, ERRORS] * np.log(rates) - seen[:, WORDS] * rates).sum())
