"""What came out, as a page: the gap between the bottom cohort and all others, before and after."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64

from allears import __version__
from allears.outputs import write_whole
from allears.score.bootstrap import Estimate, estimate
from recipes.cohort_mitigation.arms import BEFORE, FACTOR, SURE, asked
from recipes.cohort_mitigation.cohorts import Cohorts
from recipes.ewc.table import made_up
from recipes.recognition.judge import Heard

PAPER = {BEFORE: 56.0, "oversampling": 40.0, "embedding-known": 40.0, "both-known": 40.0}
"""Gaps in percent, about (arXiv 2207.11345); both together were no better than either."""
NOTHING = "nothing"

Counts = Float64[np.ndarray, "draws cohorts 2"]
"""Errors and words of the bottom cohort and of all others."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One seed: cohorts and how they were found, utterances without texts and how many the base wrote down."""

    seed: int
    cohorts: Cohorts
    how: str
    without: int
    accepted: int
    after: Mapping[str, Sequence[Heard]]


class Board:
    """Counts by speaker and cohort of every model, all seeds together."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        every = [{*each.after} for each in outcomes]
        there = set.intersection(*every)
        self.models = [name for name, _, _ in asked() if name in there]
        spoken = {one.speaker for each in outcomes for one in each.after[BEFORE]}
        self._speakers = sorted(spoken)
        at = {name: number for number, name in enumerate(self._speakers)}
        self._counts = {name: np.zeros((len(at), 2, 2)) for name in self.models}
        for each in outcomes:
            bottom = set(each.cohorts.worst(self._known(each)))
            for name, counts in self._counts.items():
                for one in each.after[name]:
                    counts[at[one.speaker], int(one.speaker not in bottom)] += one.errors, one.words

    def bottom(self, model: str) -> Estimate:
        """The bottom cohort's word error rate."""
        return self._estimate([model], lambda counts: _rate(counts[0][:, 0]))

    def others(self, model: str) -> Estimate:
        """That of all others."""
        return self._estimate([model], lambda counts: _rate(counts[0][:, 1]))

    def overall(self, model: str) -> Estimate:
        """Everybody's."""
        return self._estimate([model], lambda counts: _rate(counts[0].sum(1)))

    def gap(self, model: str) -> Estimate:
        """(bottom − others) / others."""
        return self._estimate([model], lambda counts: gap(counts[0]))

    def gap_change(self, before: str, after: str) -> Estimate:
        """By how much the gap has grown, paired; below 0 it has narrowed."""
        return self._estimate([before, after], lambda counts: gap(counts[1]) - gap(counts[0]))

    def _known(self, one: Outcome) -> list[str]:
        return sorted({each.speaker for each in one.after[BEFORE]})

    def _estimate(
        self, models: Sequence[str], told: Callable[[Sequence[Counts]], np.ndarray]
    ) -> Estimate:
        flat = [self._counts[each].reshape(len(self._speakers), -1) for each in models]

        def rate(sums: np.ndarray) -> np.ndarray:
            parts = np.split(sums, len(models), axis=1)
            return told([each.reshape(-1, 2, 2) for each in parts])

        return estimate(self._speakers, np.concatenate(flat, 1), rate)


def gap(counts: Counts) -> Float64[np.ndarray, " draws"]:
    """(bottom − others) / others of their error rates."""
    found: np.ndarray = _quotient(_rate(counts[:, 0]), _rate(counts[:, 1])) - 1
    return found


def write(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write the page."""
    write_whole(path, page(outcomes).encode())


def page(outcomes: Sequence[Outcome]) -> str:
    """The page, in Markdown."""
    board = Board(outcomes)
    speakers = {one.speaker for each in outcomes for one in each.after[BEFORE]}
    head = [
        "mitigation", "bottom cohort %", "all others %", "gap %", "gap against before, points",
        "overall %", "gap %, the paper",
    ]  # fmt: skip
    rows = [_row(name, label, board) for name, label, _ in asked() if name in board.models]
    lines = [
        "# Cohorts that are served badly, and two ways to close the gap", "",
        f"Written by `python -m recipes.cohort_mitigation.recipe` on {date.today()}, allears {__version__}, torch "
        f"{torch.__version__}. Seeds: {len(outcomes)}; {len(speakers)} test speakers, of whom nothing was learnt "
        f"or decided in the seeds that test them; cohorts by {outcomes[0].how}. Gap: (bottom − all others) / "
        "all others, of errors and words of all seeds. 95 % intervals in brackets, speakers drawn anew; changes "
        "are paired.", "",
        *made_up(len(outcomes)), "",
        _line(head), _line(["---"] * len(head)), *rows, "",
        *claims(board), "", *(_seed(each) for each in outcomes), "",
    ]  # fmt: skip
    return "\n".join(lines)


def claims(board: Board) -> list[str]:
    """What the paper says, and whether it is so here."""
    found = [
        "The paper: either narrows the gap, from about 56 % to about 40 %; together they gain nothing more. Here:",
        "",
    ]
    pairs = [
        ("oversampling", BEFORE, "oversampling against before"),
        ("oversampling", NOTHING, "oversampling against the same speech, all alike"),
        ("embedding-known", BEFORE, "the embedding, cohort known, against before"),
        ("embedding-known", NOTHING, "the embedding, cohort known, against the same speech without it"),
        ("embedding-unknown", NOTHING, "the embedding, cohort unknown, against the same speech without it"),
        ("both-known", "oversampling", "both against oversampling alone"),
        ("both-known", "embedding-known", "both against the embedding alone"),
    ]  # fmt: skip
    for after, before, words in pairs:
        if {after, before} <= {*board.models}:
            change = board.gap_change(before, after)
            found.append(f"- {words}: {_signed(change)} points: {verdict(change)}.")
    return found


def verdict(change: Estimate) -> str:
    """Of a gap that ought to narrow."""
    if change.bounded and change.high < 0:
        return "it narrows"
    if change.bounded and change.low > 0:
        return "**it widens**"
    if change.value == 0 or not np.isfinite(change.value):
        return "**no difference**" if change.value == 0 else "nothing can be said"
    way = "narrower" if change.value < 0 else "wider"
    return f"{way}, but the interval has 0 in it" if change.bounded else "nothing can be said"


def _row(name: str, label: str, board: Board) -> str:
    rates = [_percent(each(name)) for each in (board.bottom, board.others, board.gap)]
    change = "" if name == BEFORE else _signed(board.gap_change(BEFORE, name))
    paper = f"~{PAPER[name]:.0f}" if name in PAPER else ""
    return _line([label, *rates, change, _percent(board.overall(name)), paper])


def _seed(one: Outcome) -> str:
    spoke = sorted({each.speaker for each in one.after[BEFORE]})
    bottom = ", ".join(one.cohorts.names[: one.cohorts.bottom])
    return (
        f"- Seed {one.seed}: the bottom cohort is {bottom}, {len(one.cohorts.worst(spoke))} of {len(spoke)} test "
        f"speakers. Of {one.without} utterances without a text the base was sure enough of {one.accepted} "
        f"(confidence {SURE:g}); the bottom cohort is heard {FACTOR:g} times as often."
    )


def _rate(counts: np.ndarray) -> np.ndarray:
    return _quotient(counts[..., 0], counts[..., 1])


def _quotient(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = above / below
    return found


def _percent(found: Estimate) -> str:
    return f"{100 * found.value:.1f} ({100 * found.low:.1f}–{100 * found.high:.1f})"


def _signed(found: Estimate) -> str:
    return f"{100 * found.value:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
