"""Finding cohorts, beside scikit-learn, fairlearn and sliceline on the same made-up people in the same process.

Regions: rows of utterances with a place each into 126 regions; ours begins at the rows, too, and adds them up
by speaker and square; what is explained is the part of the weighted variance of rates that lies between
regions, in units of what scikit-learn's tree explains. Draws: all speakers drawn anew, errors through words of
126 groups; fairlearn draws rows, and its time for `draws` of them is a line through those for one draw and for
three. Planted: 0.8 % of the people, who have three labels of eight columns in common, make 40 % more errors;
how often they are found, label by label, among five answers. Seconds are those that one core worked, whatever
else the machine did.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import NamedTuple, TypeVar

import numpy as np

from allears.fairness.cohorts.search import SubgroupSearch
from allears.fairness.cohorts.tree import GeographicTree
from allears.fairness.statistics import bootstrap
from allears.fairness.sums import ERRORS, WORDS, Sums
from tables import Run, arguments

REGIONS, A_SPEAKER, TOWNS = 126, 10, 400
COLUMNS, KINDS, PEOPLE, MORE = 8, 5, 5000, 1.4
ALPHAS = (0.6, 0.9, 0.99, 0.999)
"""sliceline's wish between error (1) and size (0); the first is its default."""

Found = TypeVar("Found")


class Rows(NamedTuple):
    """Utterances: whose, where (latitude, longitude), errors and words."""

    speaker: np.ndarray
    places: np.ndarray
    errors: np.ndarray
    words: np.ndarray


def utterances(rows: int, seed: int = 0) -> Rows:
    """Ten utterances a speaker on average, speakers about towns, error rates that change from town to town."""
    draw = np.random.default_rng(seed)
    people = max(1, rows // A_SPEAKER)
    towns = draw.uniform((25, -124), (49, -67), (TOWNS, 2))
    home = draw.choice(TOWNS, people, p=draw.dirichlet(np.full(TOWNS, 0.5)))
    places = towns[home] + draw.normal(0, 0.4, (people, 2))
    rate = 0.1 * np.exp(draw.normal(0, 0.3, TOWNS))[home] * draw.gamma(5, 0.2, people)
    speaker = np.sort(draw.integers(0, people, rows))
    words = draw.integers(2, 30, rows)
    return Rows(speaker, places[speaker], draw.poisson(rate[speaker] * words), words)


def summed(rows: Rows) -> Sums:
    """What an audit keeps of the rows."""
    first = np.flatnonzero(np.r_[True, rows.speaker[1:] != rows.speaker[:-1]])
    counts = [np.add.reduceat(each, first) for each in (rows.errors, rows.words)]
    counts.append(np.diff(np.r_[first, len(rows.speaker)]))
    people = np.arange(len(first))
    return Sums(
        ("",) * len(people), (), (), people, np.zeros((len(people), 0), np.int64),
        np.stack(counts, 1).astype(np.int64), rows.places[first],
    )  # fmt: skip


def timed(work: Callable[[], Found]) -> tuple[float, Found]:
    """Seconds of work, and what came of it."""
    begin = time.process_time()
    found = work()
    return time.process_time() - begin, found


def between(rows: Rows, region: np.ndarray) -> float:
    """Variance between regions of rates, weighted by words, times the words."""
    errors, words = (np.bincount(region, each) for each in (rows.errors, rows.words))
    there = words > 0
    apart = errors[there] / words[there] - errors.sum() / words.sum()
    return float((words[there] * apart**2).sum())


def regions(rows: Rows) -> list[list[str]]:
    """A line of the table for each tree."""
    from sklearn.tree import DecisionTreeRegressor

    theirs = DecisionTreeRegressor(max_leaf_nodes=REGIONS, min_samples_leaf=100, random_state=0)
    rates = rows.errors / rows.words
    GeographicTree(2).fit(summed(utterances(10_000)))  # compiled
    slow, _ = timed(lambda: theirs.fit(rows.places, rates, sample_weight=rows.words))
    ours = GeographicTree(REGIONS, min_speakers=A_SPEAKER, min_utterances=100)
    fast, _ = timed(lambda: ours.fit(summed(rows)))
    told = between(rows, theirs.apply(rows.places))
    mine = between(rows, ours.predict(rows.places))
    name = f"scikit-learn {version('scikit-learn')}, DecisionTreeRegressor"
    return [
        [name, f"{slow:.2f}", "1", str(theirs.get_n_leaves()), "1"],
        ["GeographicTree", f"{fast:.2f}", f"{slow / fast:.0f}", str(len(ours.names_)), f"{mine / told:.3f}"],
    ]  # fmt: skip


def draws(rows: Rows, wanted: int) -> list[list[str]]:
    """A line of the table for each bootstrap."""
    sums = summed(rows)
    tree = GeographicTree(REGIONS, min_speakers=A_SPEAKER).fit(sums)
    groups, region = tree.groups(sums), tree.predict(rows.places)
    fast, _ = timed(lambda: bootstrap.rates(bootstrap.replicates(groups, wanted)))
    one, three = (timed(partial(by_fairlearn, rows, region, n))[0] for n in (1, 3))
    slow = one + (wanted - 1) * (three - one) / 2
    return [
        [f"fairlearn {version('fairlearn')}, rows", f"{slow:.0f}, from {one:.1f} and {three:.1f}", "1"],
        ["ours, speakers", f"{fast:.2f}", f"{slow / fast:.0f}"],
    ]  # fmt: skip


def by_fairlearn(rows: Rows, region: np.ndarray, wanted: int) -> None:
    """Errors through words by region, with intervals."""
    from fairlearn.metrics import MetricFrame

    def rate(words: np.ndarray, errors: np.ndarray) -> float:
        return float(errors.sum() / words.sum())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MetricFrame(
            metrics={"wer": rate}, y_true=rows.words, y_pred=rows.errors, sensitive_features=region,
            n_boot=wanted, ci_quantiles=[0.025, 0.975], random_state=0,
        )  # fmt: skip


def planted(seed: int) -> tuple[Sums, np.ndarray]:
    """People with labels, and the codes of the three that do harm: columns 1, 4 and 6."""
    draw = np.random.default_rng(seed)
    codes = draw.integers(0, KINDS, (PEOPLE, COLUMNS))
    harmed = (codes[:, [1, 4, 6]] == 2).all(1)
    rate = 0.1 * np.where(harmed, MORE, 1) * draw.gamma(25, 1 / 25, PEOPLE)
    words = draw.integers(150, 600, PEOPLE)
    counts = np.stack((draw.poisson(rate * words), words, words // 10), 1)
    names = tuple(f"c{each}" for each in range(COLUMNS))
    kinds = tuple(f"k{each}" for each in range(KINDS))
    people = np.arange(PEOPLE)
    return Sums(tuple(map(str, people)), names, (kinds,) * COLUMNS, people, codes, counts), codes


def reach(seeds: int) -> list[list[str]]:
    """How often the planted cohort is among five answers, and the time of a search."""
    made = [planted(seed) for seed in range(seeds)]
    rows = []
    for alpha in ALPHAS:
        answers = [timed(partial(by_sliceline, s, c, alpha)) for s, c in made]
        rows.append([f"sliceline {version('sliceline')}, α = {alpha}", *_reached(answers)])
    answers = [timed(partial(by_search, s)) for s, _ in made]
    rows.append(["SubgroupSearch", *_reached(answers)])
    return rows


def by_sliceline(sums: Sums, codes: np.ndarray, alpha: float) -> bool:
    """Whether one of its five slices is the planted one."""
    from sliceline.slicefinder import Slicefinder

    finder = Slicefinder(alpha=alpha, k=5, max_l=3, min_sup=20, verbose=False)
    finder.fit(codes, sums.counts[:, ERRORS] / sums.counts[:, WORDS])
    harm = {1: 2, 4: 2, 6: 2}
    return any(
        {at: int(kind) for at, kind in enumerate(each) if kind is not None} == harm
        for each in finder.top_slices_
    )


def by_search(sums: Sums) -> bool:
    """The same of ours."""
    found = SubgroupSearch(min_speakers=20, most=5).fit(sums)
    return "c1: k2 × c4: k2 × c6: k2" in found.names_


def _reached(answers: list[tuple[float, bool]]) -> list[str]:
    seconds = np.median([each for each, _ in answers])
    return [f"{sum(found for _, found in answers)} of {len(answers)}", f"{seconds:.2f}"]


def main() -> None:
    """Write the tables."""
    options = arguments(__doc__, rows=1_000_000, draws=1000, seeds=10)
    run = Run("cohorts.md", __doc__)
    rows = utterances(options.rows)
    head = [
        f"{options.rows:,} utterances into {REGIONS} regions",
        "s",
        "times faster",
        "regions",
        "explained",
    ]
    run.table(head, regions(rows))
    head = [
        f"{options.draws:,} draws, {options.rows:,} utterances, {REGIONS} groups",
        "s",
        "times faster",
    ]
    run.table(head, draws(rows, options.draws))
    head = [f"0.8 % of {PEOPLE:,} people, {MORE:.1f} times the errors", "found", "s a search"]
    run.table(head, reach(options.seeds))


if __name__ == "__main__":
    main()
