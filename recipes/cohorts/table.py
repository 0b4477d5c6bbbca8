"""What was found, as a page: each way of discovery beside the article's, and the audits."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from allears import __version__
from allears.fairness.cohorts.census import Census
from allears.fairness.cohorts.partition import CensusPartition, gap
from allears.fairness.cohorts.voices import VoiceClusters
from allears.fairness.findings import Audit, Grouping
from allears.fairness.refusal import AuditError
from allears.fairness.statistics import halves, intervals
from allears.fairness.sums import Groups, Sums
from allears.outputs import write_whole
from allears.score.bootstrap import Estimate

ARTICLE = (("geodemographic", 41.7, 0.8), ("automatic", 65.0, 10.0))
"""Gap and the bottom cohort's part of the speakers, in percent (arXiv 2207.11345)."""


Half = Bool[np.ndarray, " speakers"]


class Row(NamedTuple):
    """A way of discovery: the gap where it was found, on the others, and the bottom cohort's part of them."""

    name: str
    found: float
    held_out: Estimate
    share: float
    about: str


def discoveries(sums: Sums, census: Census, seed: int) -> list[Row]:
    """Both ways, found on one half of the speakers and measured on the other."""
    return [
        _row("geodemographic", sums, lambda half: _census(sums, census, half), seed),
        _row("automatic", sums, lambda half: _voices(sums, half, seed), seed),
    ]


def _census(sums: Sums, census: Census, among: Half) -> tuple[Groups, str]:
    found = CensusPartition(census).fit(sums, among)
    return found.groups(sums), found.names_[0]


def _voices(sums: Sums, among: Half, seed: int) -> tuple[Groups, str]:
    found = VoiceClusters(seed=seed).fit(sums, among)
    about = f"{len(found.names_)} clusters, Rand index between starts {found.stability_:.2f}"
    return found.bottom_and_rest(sums), about


def _row(name: str, sums: Sums, discover: Callable[[Half], tuple[Groups, str]], seed: int) -> Row:
    half = halves.split(len(sums.speakers), seed)
    try:
        groups, about = discover(~half)
    except AuditError as error:
        nothing = float("nan")
        return Row(name, nothing, Estimate(nothing, nothing, nothing), nothing, str(error))
    worse, better = groups.of(~half).rates()
    others = groups.of(half)
    people = others.speakers()
    share = float(people[0] / max(1, people.sum()))
    return Row(name, gap(worse, better), intervals.gap(others, 0, 1), share, about)


def write(rows: Sequence[Row], audits: Sequence[Audit], notes: Sequence[str], path: Path) -> None:
    """Write the page."""
    write_whole(path, page(rows, audits, notes).encode())


def page(rows: Sequence[Row], audits: Sequence[Audit], notes: Sequence[str]) -> str:
    """The page, in Markdown."""
    head = (
        "discovery",
        "gap % where found",
        "gap % on the others",
        "bottom cohort, % of speakers",
        "what",
    )
    lines = [
        "# Cohorts: by where people live, and by how they sound",
        "",
        f"Written by `python -m recipes.cohorts.recipe` on {date.today()}, allears {__version__}. Gap: (bottom − "
        "rest) / rest; 95 % intervals in brackets, of speakers who had no part in the discovery.",
        "",
        *notes,
        "",
        _line(head),
        _line(["---"] * len(head)),
        *(
            _line((f"{name}, article", f"{wide:.1f}", "not given", f"{share:.1f}", ""))
            for name, wide, share in ARTICLE
        ),
        *(
            _line(
                (
                    row.name,
                    f"{100 * row.found:.1f}",
                    _percent(row.held_out),
                    f"{100 * row.share:.1f}",
                    row.about,
                )
            )
            for row in rows
        ),
        "",
    ]
    for each in audits:
        lines += audited(each)
    return "\n".join(lines)


def audited(found: Audit) -> list[str]:
    """The part of a page on one audit: its groups worst first, and two systems side by side."""
    lines = [
        f"## {Path(found.source).name}",
        "",
        f"Word error rate {_percent(found.overall)} %, {found.speakers} speakers, {found.words:,} words.",
        "",
    ]
    for grouping in found.groupings:
        lines += _grouping(grouping, found)
    return lines


def _grouping(grouping: Grouping, found: Audit) -> list[str]:
    both = found.comparison
    theirs = both.groups.get(grouping.by, {}) if both else {}
    head = ["group", "speakers", "word errors %", "times the rest", "p"]
    head += [f"{both.second}, %", "difference"] if both and theirs else []
    lines = [
        f"By {grouping.by}: gap {_percent(grouping.gap)} %, any difference p = {grouping.any_p:.3f}, "
        f"{grouping.suppressed} groups too small to be shown.",
        "",
        _line(head),
        _line(["---"] * len(head)),
    ]
    for group in grouping.groups:
        cells = [group.name, str(group.speakers), _percent(group.wer), _times(group.ratio)]
        cells.append(f"{group.p:.3f}{' *' if group.significant else ''}")
        if theirs:
            other = theirs.get(group.name)
            cells += [_percent(other[1]), _percent(other[2])] if other else ["", ""]
        lines.append(_line(cells))
    return [*lines, ""]


def _percent(rate: Estimate) -> str:
    return f"{100 * rate.value:.1f} ({100 * rate.low:.1f}–{100 * rate.high:.1f})"


def _times(ratio: Estimate) -> str:
    return f"{ratio.value:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
