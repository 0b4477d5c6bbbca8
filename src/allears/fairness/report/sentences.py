"""What an audit found, in sentences that a director understands and a statistician accepts."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from allears.fairness.findings import Audit, Comparison, Group, Grouping
from allears.fairness.report import figures
from allears.fairness.report.figures import (
    called,
    chance,
    coarse,
    counted,
    heading,
    rate,
    rates,
    roughly,
    service,
)

SURE = 0.05
"""What is rarer than this, were there nothing, is not put down to chance."""


class Told(NamedTuple):
    """A group and the way of dividing speakers by which it is one."""

    grouping: Grouping
    group: Group


def worse(audit: Audit) -> list[Told]:
    """Groups that are served worse, those first of which the least is at least so bad."""
    found = [
        Told(by, each) for by in audit.groupings for each in by.groups if service(each) == "worse"
    ]
    return sorted(found, key=lambda told: -_at_least(told.group))


def better(audit: Audit) -> list[Told]:
    """Groups that are served better, the best first."""
    found = [
        Told(by, each) for by in audit.groupings for each in by.groups if service(each) == "better"
    ]
    return sorted(found, key=lambda told: told.group.ratio.value)


def headline(audit: Audit) -> str:
    """Who is served worse, by how much, how sure; or what could have been seen, had it been there."""
    if found := worse(audit):
        told = found[0]
        return (
            f"{_begun(called(told.grouping, told.group.name))} are served worse: "
            f"{_wrong(told.group.wer.value)} of their words come out wrong, "
            f"{roughly(told.group.ratio.value)} times the rate of everybody else{_interval(told.group)}."
        )
    if found := better(audit):
        told = found[0]
        return (
            f"{_begun(called(told.grouping, told.group.name))} are served better than everybody else: "
            f"{_wrong(told.group.wer.value)} of their words come out wrong, "
            f"{roughly(told.group.ratio.value)} times the rate of the others{_interval(told.group)}."
        )
    judged = [each for each in audit.groupings if each.groups]
    if some := [each for each in judged if each.any_p * len(judged) < SURE]:
        return (
            f"{_listed([_title(each) for each in some])}: speakers are not all served alike "
            f"(p {chance(min(each.any_p for each in some))}), but no one group stands out for sure."
        )
    if not judged:
        return "Nobody can be said to be served worse: no group has enough speakers to be judged."
    return f"No difference between groups that this data could tell from chance{_seen(judged)}."


def lead(audit: Audit) -> str:
    """How the system does for everybody, and how much else there is to tell."""
    everybody = (
        f"Of {counted(audit.words, 'word')} by {counted(audit.speakers, 'speaker')}, "
        f"{_wrong(audit.overall.value)} came out wrong"
    )
    if audit.overall.bounded:
        everybody += f" (95\N{NO-BREAK SPACE}% interval {rates(audit.overall)})"
    others = len(worse(audit)) - 1
    if others > 0:
        return f"{everybody}. {counted(others, 'more group')} {_are(others)} served worse; all are below."
    return f"{everybody}."


def summary(grouping: Grouping) -> str:
    """What a way of dividing speakers has shown."""
    if not grouping.groups:
        return "No group has enough speakers to be shown."
    bad = sum(service(each) == "worse" for each in grouping.groups)
    good = sum(service(each) == "better" for each in grouping.groups)
    parts = [counted(number, "group") + f" {_are(number)} served {how}"
             for number, how in ((bad, "worse"), (good, "better")) if number]  # fmt: skip
    if not parts and grouping.any_p < SURE:
        return f"Speakers are not all served alike (p {chance(grouping.any_p)}), but no one group stands out."
    if not parts:
        return f"No group stands out from what chance could do{_power(grouping)}."
    rest = len(grouping.groups) - bad - good
    if rest:
        parts.append(f"of {counted(rest, 'other')} the difference could be chance")
    return f"{_begun('; '.join(parts))}."


def gap(grouping: Grouping) -> str:
    """Between the worst and the best group, and how often chance would do as much."""
    if not math.isfinite(grouping.gap.value):
        return "There are no two groups to compare."
    said = (
        f"The worst (“{grouping.worst}”) has {coarse(grouping.gap.value)} more wrong words per word said "
        f"than the best (“{grouping.best}”)"
    )
    if grouping.gap.bounded:
        said += f"; 95\N{NO-BREAK SPACE}% interval {coarse(grouping.gap.low)} to {coarse(grouping.gap.high)}"
    return f"{said}. {by_chance(grouping)}"


def by_chance(grouping: Grouping) -> str:
    """A p-value of no difference anywhere, as a frequency."""
    p = grouping.any_p
    if not math.isfinite(p):
        return "How likely chance would do as much cannot be said."
    if not grouping.dealt:
        return f"That no group differs at all has p {chance(p)}, corrected for all of them."
    often = "fewer than 1 in 1000" if p < 0.001 else f"{1000 * p:.0f} in 1000"
    return (
        f"Were the same speakers dealt into groups at random, {often} deals would differ as much somewhere "
        f"(p {chance(p)})."
    )


def found_how(grouping: Grouping) -> str:
    """Where groups come from, and by what correction they are judged."""
    sources = {
        "named": "Groups were named beforehand",
        "place": "Regions were found by a tree over latitude and longitude",
        "census": "Groups were found by what the census says of zip codes",
        "voice": "Groups are voices that are alike, found without labels",
        "search": "Groups were found among all combinations of labels",
    }
    source = sources[grouping.kind]
    if grouping.held_out:
        source += " on one half of the speakers; all figures are of the other half"
    correction = {
        "holm": "p is corrected for all of them (Holm)",
        "bh": "of those called different, 5 % are expected not to be (Benjamini and Hochberg)",
    }[grouping.correction]
    stable = grouping.stability
    alike = "" if stable is None else f" From other seeds groups come out {coarse(stable)} alike."
    return f"{source}; {correction}.{alike}"


def compared(comparison: Comparison) -> str:
    """Which of two systems makes fewer errors, if either does."""
    first, second, difference = comparison.overall
    both = (
        f"{comparison.first} gets {rate(first.value)} of words wrong, {comparison.second} "
        f"{rate(second.value)}: {figures.change(difference.value)} percentage points"
    )
    if not difference.bounded:
        return f"{both}; with these speakers there is no interval."
    both += f" (95\N{NO-BREAK SPACE}% interval {figures.changes(difference)}, speakers paired)"
    if difference.low <= 0 <= difference.high:
        return f"{both}. The difference could be chance."
    return f"{both}. {comparison.second if difference.value < 0 else comparison.first} makes fewer errors."


def _at_least(group: Group) -> float:
    return group.ratio.low if group.ratio.bounded else group.ratio.value


def _wrong(value: float) -> str:
    return coarse(value) if value >= 0.0995 else rate(value)


def _interval(group: Group) -> str:
    if not group.ratio.bounded:
        return ""
    return f" (95\N{NO-BREAK SPACE}% interval {roughly(group.ratio.low)} to {roughly(group.ratio.high)})"


def _power(grouping: Grouping) -> str:
    if not math.isfinite(grouping.unseen):
        return ""
    return f"; a gap of {coarse(grouping.unseen)} or more would have shown four times in five"


def _seen(groupings: Sequence[Grouping]) -> str:
    known = sorted((each.unseen, _title(each)) for each in groupings if math.isfinite(each.unseen))
    if not known:
        return ""
    (least, where), (most, elsewhere) = known[0], known[-1]
    if len(known) == 1 or coarse(least) == coarse(most):
        return f"; it would have shown a gap of {coarse(most)} or more"
    return f"; it would have shown a gap of {coarse(least)} or more by {where}, of {coarse(most)} by {elsewhere}"


def _title(grouping: Grouping) -> str:
    return (
        grouping.by.replace("*", " × ") if grouping.kind == "named" else heading(grouping).lower()
    )


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return _begun(f"{', '.join(most)} and {last}" if most else last)


def _begun(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
