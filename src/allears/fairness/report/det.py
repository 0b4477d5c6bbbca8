"""Detection error trade-off as a drawing: both error rates on scales of the normal distribution.

Martin et al., "The DET curve in assessment of detection task performance", 1997: normally distributed scores
make straight lines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from allears.fairness.trial_findings import Line

SIZE = 400
TICKS = (0.0001, 0.001, 0.01, 0.05, 0.2, 0.5, 0.9)
LEAST, MOST = 0.00005, 0.95
DASHES = ("", "8 4", "2 3", "10 3 2 3", "5 5", "1 4")
"""Lines are told apart by dashes, not by colour alone."""
FEW = len(DASHES)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One line: its path in a square of `SIZE`, and how it is dashed."""

    name: str
    path: str
    dashes: str
    everybody: bool


def place(share: float) -> float:
    """Where a rate lies on an axis of `SIZE`; the ends for what is beyond."""
    low, high = stats.norm.ppf([LEAST, MOST])
    at = stats.norm.ppf(min(MOST, max(LEAST, share)))
    return round(float(SIZE * (at - low) / (high - low)), 1)


def drawn(everybody: Line, groups: Mapping[str, Line]) -> list[Drawn]:
    """Everybody's line and those of the first groups; false matches to the right, false non-matches up."""
    lines = [Drawn("everybody", _path(everybody), "", True)]
    for dashes, (name, line) in zip(DASHES, groups.items(), strict=False):
        lines.append(Drawn(name, _path(line), dashes, False))
    return lines


def _path(line: Line) -> str:
    """Stairs: between two scores nothing can be had but what either has."""
    steps: list[tuple[float, float]] = []
    for accepted, missed in zip(*line, strict=True):
        at = place(accepted), round(SIZE - place(missed), 1)
        if steps and at[0] != steps[-1][0]:
            steps.append((at[0], steps[-1][1]))
        if not steps or at != steps[-1]:
            steps.append(at)
    return _joined(steps)


def _joined(steps: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in np.round(steps, 1).tolist())
