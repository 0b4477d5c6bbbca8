"""How a tree of regions grows: always by the cut that gains most, wherever it is."""

import heapq
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from allears.fairness.cohorts.grid import Grid
from allears.fairness.cohorts.split import Cut, Gain, Least, best_cut

LEAF = -1

Box = tuple[int, int, int, int]
"""South, west, north, east in steps of the grid; the last two are just outside."""


class Leaf(NamedTuple):
    """A region: its node, the squares in it that are lived in, its box and its best cut."""

    node: int
    squares: Int64[np.ndarray, " squares"]
    box: Box
    cut: Cut | None


class Growth:
    """A tree that has grown to at most `most` leaves.

    `nodes` are rows of axis, edge, and the nodes on the near and far sides of it; LEAF and zeros for a leaf.
    """

    def __init__(self, where: Grid, gain: Gain, least: Least, most: int) -> None:
        self._where, self._gain, self._least = where, gain, least
        rows: list[tuple[int, int, int, int]] = [(LEAF, 0, 0, 0)]
        whole = self._leaf(0, np.arange(len(where.squares)), _around(where))
        leaves, waiting = {0: whole}, [*_waiting(whole)]
        while waiting and len(leaves) < most:
            _, node = heapq.heappop(waiting)
            leaf = leaves.pop(node)
            assert leaf.cut is not None
            rows[node] = (leaf.cut.axis, leaf.cut.edge, len(rows), len(rows) + 1)
            for side in self._halves(leaf, leaf.cut, len(rows)):
                rows.append((LEAF, 0, 0, 0))
                leaves[side.node] = side
                for each in _waiting(side):
                    heapq.heappush(waiting, each)
        self.nodes: Int64[np.ndarray, "nodes 4"] = np.array(rows, np.int64)
        self.leaves = tuple(leaves.values())

    def _leaf(self, node: int, squares: Int64[np.ndarray, " squares"], box: Box) -> Leaf:
        where = self._where
        cut = best_cut(where.squares, where.counts, squares, self._gain, self._least)
        return Leaf(node, squares, box, cut)

    def _halves(self, leaf: Leaf, cut: Cut, node: int) -> tuple[Leaf, Leaf]:
        south, west, north, east = leaf.box
        if cut.axis == 0:
            boxes = (south, west, cut.edge, east), (cut.edge, west, north, east)
        else:
            boxes = (south, west, north, cut.edge), (south, cut.edge, north, east)
        far = self._where.squares[leaf.squares, cut.axis] >= cut.edge
        return (
            self._leaf(node, leaf.squares[~far], boxes[0]),
            self._leaf(node + 1, leaf.squares[far], boxes[1]),
        )


def _waiting(leaf: Leaf) -> Iterator[tuple[float, int]]:
    """What may be cut, the most gainful first; of equals the one that is older."""
    if leaf.cut is not None:
        yield -leaf.cut.gain, leaf.node


def _around(where: Grid) -> Box:
    south, west = where.squares.min(0).tolist()
    north, east = (where.squares.max(0) + 1).tolist()
    return south, west, north, east
