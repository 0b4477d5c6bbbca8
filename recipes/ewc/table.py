"""What came out, as a page: regions' word errors by every way to adapt, with the paper's figures beside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import torch

from allears import __version__
from allears.mitigation.choosing import Choice
from allears.outputs import write_whole
from allears.score.bootstrap import Estimate
from recipes.ewc.arms import ARMS, EWC, FAMILIES, PLAIN
from recipes.ewc.figures import FIGURES, Board
from recipes.ewc.population import ROTATIONS
from recipes.ewc.regions import Regions
from recipes.recognition.judge import Heard

PAPER = {"overall": -1.3, "worst": -3.2, "variance": -7.9}
"""Relative changes in percent (arXiv 2207.07850); of the mean it says that it falls."""
NONE = "none"
LABELS = {NONE: "none", **FAMILIES, **{each.name: each.label for each in ARMS}}
SAID = {"overall": "overall", "worst": "worst region", "variance": "variance over regions"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One seed: regions, whom it was adapted to, what test speakers' words were heard as, what was chosen."""

    seed: int
    regions: Regions
    adapted_to: int
    before: Sequence[Heard]
    after: Mapping[str, Sequence[Heard]]
    choices: Mapping[str, Choice]


def write(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write the page."""
    write_whole(path, page(outcomes).encode())


def page(outcomes: Sequence[Outcome]) -> str:
    """The page, in Markdown."""
    board = boarded(outcomes)
    speakers = {one.speaker for each in outcomes for one in each.before}
    head = [
        "adaptation", "overall %", "mean of regions %", "worst region %", "variance, points²",
        *(f"{name}, change %" for name in FIGURES),
    ]  # fmt: skip
    rows = [_row(name, board) for name in LABELS if name in board.models]
    lines = [
        "# Regions that are served badly, and elastic weights", "",
        f"Written by `python -m recipes.ewc.recipe` on {date.today()}, allears {__version__}, torch "
        f"{torch.__version__}. Seeds: {len(outcomes)}; {len(speakers)} test speakers, of whom nothing was learnt "
        "or decided in the seeds that test them. Figures are word error rates over seeds; in brackets 95 % "
        "intervals of speakers drawn anew; changes are relative to no adaptation, paired.", "",
        *made_up(len(outcomes)), "",
        _line(head), _line(["---"] * len(head)), *rows, _paper(), "",
        *claims(board), "", *(_seed(each) for each in outcomes), "",
    ]  # fmt: skip
    return "\n".join(lines)


def made_up(seeds: int) -> list[str]:
    """What has to be known of the map, before anything on it is believed."""
    again = "" if seeds <= ROTATIONS else " Seeds beyond three test the same speakers again."
    return [
        "Unless the recordings' table says where speakers live, homes were dealt out by seed: women in the two "
        "western of six towns, men in the others, and the base has heard few women. The gap is between real "
        f"voices; the map is not real.{again}"
    ]


def boarded(outcomes: Sequence[Outcome]) -> Board:
    """The counts of all models that every seed has."""
    heard = [{NONE: each.before, **each.after} for each in outcomes]
    return Board(heard, [each.regions.of for each in outcomes])


def claims(board: Board) -> list[str]:
    """What the paper says, and whether it is so here."""
    if EWC not in board.models:
        return ["EWC is not trained in all seeds yet."]
    found = ["EWC with the strength that development speakers chose:", ""]
    for name, paper in PAPER.items():
        change = board.change(NONE, EWC, FIGURES[name])
        found.append(
            f"- {SAID[name]}: {percent(change)} %, the paper {paper:+.1f} %: {verdict(change)}."
        )
    if PLAIN.name in board.models:
        for name in PAPER:
            change = board.change(PLAIN.name, EWC, FIGURES[name])
            found.append(
                f"- {SAID[name]}, against plain fine-tuning: {percent(change)} %: {verdict(change)}."
            )
    return found


def verdict(change: Estimate) -> str:
    """Of something that ought to fall."""
    if change.bounded and change.high < 0:
        return "it falls"
    if change.bounded and change.low > 0:
        return "**it rises**"
    if change.value == 0:
        return "**nothing changes**"
    way = "falls" if change.value < 0 else "rises"
    return f"it {way}, but the interval has 0 in it" if change.bounded else "nothing can be said"


def percent(found: Estimate) -> str:
    """A relative change with its sign."""
    if not found.bounded:
        return f"{100 * found.value:+.1f}"
    return f"{100 * found.value:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def _row(name: str, board: Board) -> str:
    cells = [LABELS[name]]
    for figure, how in FIGURES.items():
        found, scale = board.figure(name, how), 1e4 if figure == "variance" else 100
        cells.append(
            f"{scale * found.value:.1f} ({scale * found.low:.1f}–{scale * found.high:.1f})"
        )
    if name == NONE:
        return _line([*cells, *[""] * len(FIGURES)])
    return _line([*cells, *(percent(board.change(NONE, name, how)) for how in FIGURES.values())])


def _paper() -> str:
    changes = [f"{PAPER[name]:+.1f}" if name in PAPER else "falls" for name in FIGURES]
    return _line(["EWC, the paper", *["not given"] * len(FIGURES), *changes])


def _seed(one: Outcome) -> str:
    """Its regions, and what was chosen."""
    worst = ", ".join(one.regions.names[: one.regions.worst])
    chosen = "; ".join(
        f"{FAMILIES[name].split(',')[0]}: {each.sentence}" for name, each in one.choices.items()
    )
    return (
        f"- Seed {one.seed}: {len(one.regions.names)} regions; adapted to {one.adapted_to} speakers of {worst}. "
        f"By development speakers {chosen or 'nothing was chosen yet'}."
    )


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
