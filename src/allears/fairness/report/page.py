"""One self-contained page that says who is served worse, by how much, and how sure that is."""

from types import ModuleType
from typing import Any

from allears import __version__
from allears.fairness.findings import Audit, Grouping
from allears.fairness.report import charts, figures, maps, sentences
from allears.fairness.report.differences import differences
from allears.fairness.report.needs import needs
from allears.fairness.report.templates import template

CHART = 40
"""Groups that are shown at once; the others are shown when asked for."""


def render(audit: Audit) -> str:
    """The page as HTML that needs no network, no other file and, to be read, no script."""
    return template("page.html.j2").render(
        _functions(figures) | _functions(sentences),
        audit=audit,
        version=__version__,
        worst=sentences.worse(audit),
        needs=needs(audit),
        differences=differences,
        axis_of=axis_of,
        compared_axis=compared_axis,
        spared=spared,
        drawn=maps.drawn,
        shown=CHART,
        services=figures.SERVICE,
    )


def axis_of(grouping: Grouping) -> charts.Axis:
    """The axis on which all groups of a grouping are drawn."""
    return charts.axis([each.wer for each in grouping.groups])


def compared_axis(audit: Audit) -> charts.Axis:
    """The axis of all differences between two systems."""
    assert audit.comparison is not None
    groups = audit.comparison.groups.values()
    found = [audit.comparison.overall[2], *(each[2] for by in groups for each in by.values())]
    return charts.axis(found)


def spared(told: sentences.Told) -> int:
    """Wrong words of a group that served worse would not be wrong, were it served as the rest is."""
    return round(told.group.errors * (1 - 1 / told.group.ratio.value))


def _functions(module: ModuleType) -> dict[str, Any]:
    """What a module has to say, by name."""
    own = {name: each for name, each in vars(module).items() if not name.startswith("_")}
    return {
        name: each
        for name, each in own.items()
        if getattr(each, "__module__", "") == module.__name__
    }
