"""Figures as they are printed, and what they mean in a word."""

import math
from collections.abc import Callable
from typing import Literal

from allears.fairness.findings import Group, Grouping
from allears.score.bootstrap import Estimate

Service = Literal["worse", "better", "unsure"]

SERVICE = {"worse": "served worse", "better": "served better", "unsure": "could be chance"}
"""How each is called."""

UNKNOWN = "–"
MOST = 1000
"""Per cent of words wrong beyond which a figure says no more; the ends of intervals of few words go there."""
NARROW = "\N{NARROW NO-BREAK SPACE}"
SPACE = "\N{NO-BREAK SPACE}"


def service(group: Group) -> Service:
    """Whether a group is served otherwise than the rest, beyond what chance would do."""
    if not group.significant:
        return "unsure"
    return "worse" if group.ratio.value > 1 else "better"


def rate(value: float) -> str:
    """A word error rate or a share in per cent, to three figures at most."""
    if not math.isfinite(value):
        return UNKNOWN
    share = 100 * value
    if share > MOST:
        return f">{NARROW}{MOST:,}{SPACE}%".replace(",", NARROW)
    digits = 0 if abs(share) >= 99.95 else 1 if abs(share) >= 0.995 or not share else 2
    return f"{share:.{digits}f}{SPACE}%".replace("-", "−")


def coarse(value: float) -> str:
    """The same in whole per cent, for a sentence."""
    if not math.isfinite(value):
        return UNKNOWN
    if 0 < value < 0.01:
        return rate(value)
    return f"{100 * value:,.0f}{SPACE}%".replace(",", NARROW).replace("-", "−")


def change(value: float) -> str:
    """A difference of rates in percentage points, with its sign."""
    if not math.isfinite(value):
        return UNKNOWN
    return f"{100 * value:+.1f}".replace("-", "−")


def times(value: float) -> str:
    """A ratio."""
    if not math.isfinite(value):
        return UNKNOWN
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def roughly(value: float) -> str:
    """A ratio for a sentence: one digit after the point, two where one would say that there is no difference."""
    digits = 2 if 0.95 <= value < 1.05 or value < 0.1 else 1
    return f"{value:.{digits}f}" if value < 10 else f"{value:.0f}"


def rates(estimate: Estimate) -> str:
    """The interval of a rate."""
    return _span(estimate, lambda value: rate(value).removesuffix(f"{SPACE}%"), f"{SPACE}%")


def ratios(estimate: Estimate) -> str:
    """The interval of a ratio."""
    return _span(estimate, times, "")


def changes(estimate: Estimate) -> str:
    """The interval of a difference, in percentage points."""
    return _span(estimate, change, "")


def chance(p: float) -> str:
    """A p-value."""
    if not math.isfinite(p):
        return UNKNOWN
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def whole(value: float) -> str:
    """A number of things; thousands stand apart."""
    return f"{value:,.0f}".replace(",", NARROW)


def counted(number: int, thing: str, things: str = "") -> str:
    """`1 speaker`, `2 speakers`."""
    return f"{whole(number)} {thing if number == 1 else things or thing + 's'}"


def heading(grouping: Grouping) -> str:
    """What a grouping is called."""
    titles = {
        "place": "Where speakers live",
        "census": "Who lives there",
        "voice": "How voices sound",
        "search": "Combinations of labels",
    }
    name = grouping.by.replace("*", " × ")
    return titles.get(grouping.kind, f"{name[:1].upper()}{name[1:]}")


def called(grouping: Grouping, group: str) -> str:
    """Who is in a group, for the middle of a sentence."""
    forms = {
        "named": f"speakers with {grouping.by.replace('*', ' × ')} “{group}”",
        "place": f"speakers in {group}{whereabouts(grouping, group)}",
        "census": f"speakers where {group}",
        "voice": f"speakers of “{group}”",
        "search": f"speakers with {group}",
    }
    return forms[grouping.kind]


def whereabouts(grouping: Grouping, group: str) -> str:
    """The degrees between which a region lies; nothing of a group that is none, or not in one piece."""
    boxes = [box for region in grouping.regions if region.group == group for box in region.boxes]
    if len(boxes) != 1:
        return ""
    south, west, north, east = boxes[0]
    return f" ({_degrees(south, north, 'N', 'S')}, {_degrees(west, east, 'E', 'W')})"


def _degrees(low: float, high: float, above: str, below: str) -> str:
    ends = [f"{abs(each):.1f}°{SPACE}{above if each >= 0 else below}" for each in (low, high)]
    if ends[0][-1] == ends[1][-1]:
        ends[0] = f"{abs(low):.1f}"
    return "–".join(ends)


def _span(estimate: Estimate, form: Callable[[float], str], unit: str) -> str:
    if not estimate.bounded:
        return UNKNOWN
    return f"{form(estimate.low)} to {form(estimate.high)}{unit}"
