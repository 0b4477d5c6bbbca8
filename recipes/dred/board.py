"""All measurements of a run, and figures over the clips of a case and a trace."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from jaxtyping import Float64

from allears.score.bootstrap import Estimate, estimate, ratio
from recipes.dred.measure import NOTHING, Measurement


class Board:
    """Figures; a case under which nothing is lost has the same on every trace."""

    def __init__(self, measurements: Iterable[Measurement]) -> None:
        self._cells: dict[tuple[str, str], dict[str, Measurement]] = {}
        for each in measurements:
            self._cells.setdefault((each.case, each.trace), {})[each.clip] = each

    def clips(self, case: str, trace: str) -> dict[str, Measurement]:
        """What was measured, by the clip's name."""
        lossless = self._cells.get((case, NOTHING), {})
        return self._cells.get((case, trace), lossless)

    @property
    def cases(self) -> set[str]:
        """All there are."""
        return {case for case, _ in self._cells}

    @property
    def missing(self) -> list[str]:
        """Why scores are missing, each reason once."""
        return sorted(
            {why for cell in self._cells.values() for m in cell.values() for why in m.missing}
        )

    def mean(self, case: str, trace: str, score: str) -> Estimate:
        """Of a score over the clips that have it."""
        return self.contrast({case: 1.0}, trace, score)

    def contrast(self, shares: Mapping[str, float], trace: str, score: str) -> Estimate:
        """Σ share · score of the same clip under several cases, the mean over clips that have all."""
        return self.overall(shares, [trace], score)

    def overall(self, shares: Mapping[str, float], traces: Iterable[str], score: str) -> Estimate:
        """The same over several traces."""
        speakers: list[str] = []
        counts: list[list[float]] = []
        for trace in traces:
            for speaker, difference in self._differences(shares, trace, score):
                speakers.append(speaker)
                counts.append([difference, 1.0])
        return estimate(speakers, _array(counts), ratio)

    def _differences(
        self, shares: Mapping[str, float], trace: str, score: str
    ) -> Iterator[tuple[str, float]]:
        """By the clip's speaker."""
        cells = [(share, self.clips(case, trace)) for case, share in shares.items()]
        names = [name for name in cells[0][1] if all(_has(cell, name, score) for _, cell in cells)]
        for name in names:
            found = sum(share * (cell[name].scores[score] or 0.0) for share, cell in cells)
            yield cells[0][1][name].speaker, found

    def word_errors(self, case: str, trace: str) -> Estimate:
        """Σ errors / Σ words."""
        found = [m for m in self.clips(case, trace).values() if m.words]
        counts = _array([[m.errors or 0, m.words or 0] for m in found])
        return estimate([m.speaker for m in found], counts, ratio)

    def kbps(self, case: str, *, deep: bool = False) -> Estimate:
        """Payload in kb/s over all calls of a case, or what of it is deep redundancy."""
        found = [
            m for (name, _), cell in self._cells.items() if name == case for m in cell.values()
        ]
        counts = _array([[(m.deep_bits if deep else m.bits) / 1000, m.seconds] for m in found])
        return estimate([m.speaker for m in found], counts, ratio)


def _has(cell: Mapping[str, Measurement], name: str, score: str) -> bool:
    return name in cell and cell[name].scores[score] is not None


def _array(counts: list[list[float]]) -> Float64[np.ndarray, "clips columns"]:
    return np.array(counts, np.float64).reshape(len(counts), 2)
