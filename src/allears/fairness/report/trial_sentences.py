"""What an audit of speaker verification found, in sentences."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from allears.fairness.report.figures import UNKNOWN, Service, coarse, counted, rate, rates, roughly
from allears.fairness.trial_findings import Against, TrialAudit, TrialGroup, TrialGrouping
from allears.score.bootstrap import Estimate

Kind = Literal["refused", "let in"]

VERDICTS: dict[Kind, dict[Service, str]] = {
    "refused": {
        "worse": "refused more often",
        "better": "refused less often",
        "unsure": "could be chance",
    },
    "let in": {
        "worse": "others let in more often",
        "better": "others let in less often",
        "unsure": "could be chance",
    },
}
ABOUT = "\N{NO-BREAK SPACE}% interval"


class Told(NamedTuple):
    """A group and an error that it meets otherwise than the rest, for sure."""

    grouping: TrialGrouping
    group: TrialGroup
    kind: Kind

    @property
    def rate(self) -> Estimate:
        """Of that error."""
        part = self.group.part
        return part.false_non_match if self.kind == "refused" else part.false_match

    @property
    def against(self) -> Against:
        """Held against the rest's."""
        return self.group.refused if self.kind == "refused" else self.group.let_in


def service(against: Against) -> Service:
    """Whether a group meets more of an error than the rest, beyond what chance would do."""
    if not against.significant:
        return "unsure"
    return "worse" if against.difference.value > 0 else "better"


def told(audit: TrialAudit) -> list[Told]:
    """All that is sure: groups with more errors first, by how many times the rest's they are at least.

    Of two groups, that one has more says that the other has less.
    """
    found = [
        Told(grouping, group, kind)
        for grouping in audit.groupings
        for group in grouping.groups
        for kind in VERDICTS
        if _how(group, kind) in _worth_saying(grouping)
    ]
    return sorted(found, key=_rank)


def headline(audit: TrialAudit) -> str:
    """Which group is refused, or others let in as it, more often; or what could have been seen."""
    if found := told(audit):
        return f"{sentence(found[0])}."
    judged = [each for each in audit.groupings if len(each.groups) > 1]
    if not judged:
        return "Nobody can be compared: there are no two groups of enough speakers."
    return (
        "No group is refused more often than the rest, or others let in as it, that this data could tell from "
        f"chance{_seen(judged)}."
    )


def sentence(found: Told) -> str:
    """One group and one error."""
    who = f"speakers with {found.grouping.by.replace('*', ' × ')} “{found.group.part.name}”"
    more = "more" if found.against.difference.value > 0 else "less"
    times = found.against.ratio
    if found.kind == "refused":
        said = (
            f"S{who[1:]} are refused {more} often than the rest: {_share(found.rate.value)} of the trials "
            "in which they are who they say they are"
        )
    else:
        said = (
            f"Others are let in as {who} {more} often than among the rest: {_share(found.rate.value)} of the "
            "trials in which somebody else speaks"
        )
    if not math.isfinite(times.value):
        return f"{said}, and none of the rest's"
    interval = (
        f" (95{ABOUT} {roughly(times.low)} to {roughly(times.high)})" if times.bounded else ""
    )
    return f"{said}, {roughly(times.value)} times the rest's rate{interval}"


def lead(audit: TrialAudit) -> str:
    """How the verifier does for everybody, at which threshold."""
    where = "given" if audit.asked else "where both errors are equally frequent over all"
    interval = f" (95{ABOUT} {rates(audit.eer)})" if audit.eer.bounded else ""
    more = len(told(audit)) - 1
    rest = (
        f" {counted(more, 'more difference')} {'is' if more == 1 else 'are'} sure; all are below."
    )
    return (
        f"Of {counted(audit.targets + audit.impostors, 'trial')} between {counted(audit.speakers, 'speaker')}, "
        f"the equal error rate is {rate(audit.eer.value)}{interval}. One threshold holds for all, "
        f"{audit.threshold:.4g}, {where}.{rest if more > 0 else ''}"
    )


def summary(grouping: TrialGrouping) -> str:
    """What a way of dividing speakers has shown."""
    if not grouping.groups:
        return "No group has enough speakers to be shown."
    parts = [
        f"{VERDICTS[kind][how]}: {', '.join(names)}"
        for kind in VERDICTS
        for how in _worth_saying(grouping)
        if (names := [each.part.name for each in grouping.groups if _how(each, kind) == how])
    ]
    if not parts:
        return "No group stands out from what chance could do."
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."


def points(estimate: Estimate) -> str:
    """The interval of a Cllr or a cost, which have no unit."""
    if not estimate.bounded:
        return UNKNOWN
    return f"{number(estimate.low)} to {number(estimate.high)}"


def number(value: float) -> str:
    """A Cllr or a cost."""
    return f"{value:.3f}" if math.isfinite(value) else UNKNOWN


def _worth_saying(grouping: TrialGrouping) -> tuple[Service, ...]:
    return ("worse",) if len(grouping.groups) == 2 else ("worse", "better")


def _how(group: TrialGroup, kind: Kind) -> Service:
    return service(group.refused if kind == "refused" else group.let_in)


def _rank(each: Told) -> tuple[bool, float]:
    ratio = each.against.ratio
    least = ratio.low if ratio.bounded else ratio.value
    return each.against.difference.value < 0, -(least if math.isfinite(least) else 0.0)


def _share(value: float) -> str:
    return coarse(value) if value >= 0.0995 else rate(value)


def _seen(groupings: Sequence[TrialGrouping]) -> str:
    """The least differences of both kinds that would have shown in every group."""
    known = {
        kind: max(
            (value for by in groupings for each in by.groups
             if math.isfinite(value := (each.refused if kind == "refused" else each.let_in).unseen)),
            default=math.nan,
        )
        for kind in VERDICTS
    }  # fmt: skip
    parts = [
        f"{100 * value:.2g} percentage points in how often {what}"
        for value, what in ((known["refused"], "it is refused"), (known["let in"], "others are let in"))
        if math.isfinite(value)
    ]  # fmt: skip
    return f"; it would have shown about {' and '.join(parts)}" if parts else ""
