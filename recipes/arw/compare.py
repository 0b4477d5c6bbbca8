"""An arm against plain training, and what the paper measured beside what we did."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from allears.score.bootstrap import Estimate
from recipes.arw import figures
from recipes.arw.arms import PLAIN
from recipes.arw.figures import ALL, Key, Row
from recipes.arw.judging import JOINED
from recipes.arw.outcomes import Outcome
from recipes.arw.paper import BEST, LINES, Line

Figure = Callable[[Mapping[Key, Row]], Row]


def asked(example: Mapping[Key, Row]) -> Iterator[tuple[str, Figure]]:
    """What is compared, by title: rates of all and of groups, costs, gaps and deviations."""
    parts = [key[1:] for key in example if key[0] == "EER"]
    for by, group in parts:
        yield f"EER, {group or 'all trials'}", _rate(("EER", by, group))
    yield "minDCF", _rate(("minDCF", *ALL))
    for by in dict.fromkeys(by for by, _ in parts if by):
        yield f"EER, gap, {by}", _gap(by)
        yield f"EER, deviation, {by}", _deviation(by)


def paired(plain: Outcome, other: Outcome) -> list[int]:
    """Seeds with which both were trained to the end."""
    return [each for each in other.seeds if each in plain.seeds]


def changed(
    plain: Outcome, other: Outcome, name: str, figure: Figure, seeds: Sequence[int]
) -> Estimate:
    """Relative, of the figure of means over these seeds; below 0 is less than plain."""
    after, before = (figure(each.over(name, seeds)) for each in (other, plain))
    return figures.estimate(figures.change(after, before))


def with_paper(found: Sequence[Outcome], name: str) -> list[str]:
    """The paper's best form beside ours on one set, and what can be said of it."""
    by_form = {each.arm.form: each for each in found}
    plain, best = by_form.get(None), by_form.get(BEST)
    if plain is None or best is None or not (seeds := paired(plain, best)):
        return [
            f"The paper's figures are held beside {PLAIN} and {BEST}, which are not both trained."
        ]
    rows, said = [], []
    for line in LINES:
        figure, title = ours(line, plain.over(name, seeds))
        before, after = (each.over(name, seeds) for each in (plain, best))
        cells = ["–", "–", "–"]
        if figure is not None:
            change = changed(plain, best, name, figure, seeds)
            cells = [percent(figure(before)), percent(figure(after)), relative(change)]
            said.append(
                f"- {title}: {figures.verdict(change)} (the paper: {_signed(line.change)} %)"
            )
        paper = [_plain(line.before), _plain(line.after), _signed(line.change)]
        rows.append([title, *paper, *cells])
    head = ["", "paper before", "after", "change, %", f"ours, {PLAIN}", BEST, "change, %"]
    return [
        "## The paper's figures beside ours",
        "",
        f"Ours on {name}, of {BEST}, {len(seeds)} seed{'s' * (len(seeds) > 1)}:",
        "",
        *("| " + " | ".join(each) + " |" for each in (head, ["---"] * len(head), *rows)),
        "",
        "What happens to ours, as far as intervals over speakers tell it:",
        "",
        *said,
    ]


def ours(line: Line, example: Mapping[Key, Row]) -> tuple[Figure | None, str]:
    """What is nearest to a figure of the paper, and its title; None where nothing is."""
    known = {key[1:] for key in example}
    groupings = {by for by, _ in known}
    if line.kind == "EER":
        there = (line.by, line.group) in known
        return (_rate(("EER", line.by, line.group)) if there else None), line.title
    taken = next((by for by in (line.by, *SUBSTITUTES) if by in groupings), None)
    if taken is None:
        return None, line.title
    title = line.title if taken == line.by else f"{line.title}; ours over {taken.replace('_', ' ')}"
    return (_gap(taken) if line.kind == "gap" else _deviation(taken)), title


SUBSTITUTES = "native_language", "accent", f"gender{JOINED}age_group"
"""What our speakers differ by where nationality is not known or is the same, the first that there is."""


def percent(row: Row) -> str:
    """A rate and its interval."""
    return quantity(100 * row, 2)


def quantity(row: Row, digits: int) -> str:
    """A value and its interval."""
    found = figures.estimate(row)
    if not found.bounded:
        return f"{found.value:.{digits}f}"
    return f"{found.value:.{digits}f} ({found.low:.{digits}f}–{found.high:.{digits}f})"


def relative(change: Estimate) -> str:
    """A relative change in per cent, with its interval; a dash where there was nothing to change."""
    if not math.isfinite(change.value):
        return "–"
    if not change.bounded:
        return _signed(100 * change.value)
    return f"{_signed(100 * change.value)} ({_signed(100 * change.low)} to {_signed(100 * change.high)})"


def point(change: Estimate) -> str:
    """The same of one seed, in whole per cent and without an interval."""
    return f"{100 * change.value:+.0f}".replace("-", "−") if math.isfinite(change.value) else "–"


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _rate(key: Key) -> Figure:
    return lambda found: found[key]


def _gap(by: str) -> Figure:
    return lambda found: figures.gap(found, by)


def _deviation(by: str) -> Figure:
    return lambda found: figures.deviation(found, by)
