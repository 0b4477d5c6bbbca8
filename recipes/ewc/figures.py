"""What is told of regions: the overall rate, the mean of the regions' rates, the worst, and their variance.

Figures are of several seeds: errors and words of all add up to the overall rate; the others are worked out for
each seed, which has regions of its own, and their mean is told. For intervals speakers are drawn anew, each with
all that is known of them in every seed and by every model, so changes are paired.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float64

from allears.score.bootstrap import Estimate, estimate
from recipes.recognition.judge import Heard

Counts = Float64[np.ndarray, "draws seeds regions 2"]
"""Errors and words."""
Figure = Callable[[Counts], Float64[np.ndarray, " draws"]]


def overall(counts: Counts) -> Float64[np.ndarray, " draws"]:
    """Errors through words, all together."""
    total = counts.sum((1, 2))
    found: np.ndarray = _through(total)
    return found


def mean(counts: Counts) -> Float64[np.ndarray, " draws"]:
    """Of regions, each counting as much, whoever speaks most."""
    return _seeds(np.nanmean(_there(_through(counts)), 2))


def worst(counts: Counts) -> Float64[np.ndarray, " draws"]:
    """The highest rate of a region."""
    return _seeds(np.nanmax(_there(_through(counts)), 2))


def variance(counts: Counts) -> Float64[np.ndarray, " draws"]:
    """Of the rates of regions, each counting as much."""
    return _seeds(np.nanvar(_there(_through(counts)), 2))


FIGURES: Mapping[str, Figure] = {
    "overall": overall,
    "mean": mean,
    "worst": worst,
    "variance": variance,
}


class Board:
    """Counts by speaker, seed and region of every model that all seeds have heard test speakers with."""

    def __init__(
        self, heard: Sequence[Mapping[str, Sequence[Heard]]], regions: Sequence[Mapping[str, int]]
    ) -> None:
        """`heard` by seed and model, `regions` the number of each speaker's by seed."""
        self.models = [name for name in heard[0] if all(name in each for each in heard)]
        spoken = {one.speaker for seed in heard for one in seed[self.models[0]]}
        self._speakers = sorted(spoken)
        most = 1 + max(max(each.values()) for each in regions)
        shape = len(self._speakers), len(heard), most, 2
        self._counts = {name: np.zeros(shape) for name in self.models}
        at = {name: number for number, name in enumerate(self._speakers)}
        for name, counts in self._counts.items():
            for seed, (models, where) in enumerate(zip(heard, regions, strict=True)):
                for one in models[name]:
                    place = at[one.speaker], seed, where[one.speaker]
                    counts[place] += one.errors, one.words

    def figure(self, model: str, figure: Figure) -> Estimate:
        """Of one model."""
        return self._estimate([model], lambda counts: figure(counts[0]))

    def change(self, before: str, after: str, figure: Figure) -> Estimate:
        """By what part of it the figure of `before` has changed in `after`; below 0 it fell."""

        def told(counts: Sequence[Counts]) -> np.ndarray:
            was, now = figure(counts[0]), figure(counts[1])
            # Nothing that is still nothing: those drawn may be of one region.
            return np.where((was == 0) & (now == 0), 0.0, _ratio(now, was) - 1)

        return self._estimate([before, after], told)

    def _estimate(
        self, models: Sequence[str], told: Callable[[Sequence[Counts]], np.ndarray]
    ) -> Estimate:
        shape = self._counts[models[0]].shape[1:]
        flat = [self._counts[each].reshape(len(self._speakers), -1) for each in models]

        def rate(sums: np.ndarray) -> np.ndarray:
            parts = np.split(sums, len(models), axis=1)
            return told([each.reshape(-1, *shape) for each in parts])

        return estimate(self._speakers, np.concatenate(flat, 1), rate)


def _through(counts: np.ndarray) -> np.ndarray:
    """Errors through words along the last axis; NaN where nothing was said."""
    return _ratio(counts[..., 0], counts[..., 1])


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = above / below
    return found


def _there(rates: np.ndarray) -> np.ndarray:
    """Seeds in which nobody was drawn at all are 0, so that no figure is of nothing."""
    return np.where(np.isnan(rates).all(2, keepdims=True), 0.0, rates)


def _seeds(figures: np.ndarray) -> np.ndarray:
    found: np.ndarray = figures.mean(1)
    return found
