"""What a pipeline fails by where it verifies speakers: `gender.fnmr_ratio>1.5`, `fmr > 1%`, `eer>=0.05`."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from allears.fairness.refusal import AuditError
from allears.fairness.report.limits import COMPARE
from allears.fairness.report.trial_sentences import service
from allears.fairness.trial_findings import TrialAudit, TrialGroup, TrialGrouping
from allears.fairness.verification import NOTHING
from allears.score.bootstrap import Estimate


def _highest(grouping: TrialGrouping, of: Callable[[TrialGroup], Estimate]) -> Estimate:
    """Of the group that has most."""
    known = [of(each) for each in grouping.groups if not math.isnan(of(each).value)]
    return max(known, key=lambda each: each.value, default=NOTHING)


def _spread(name: str, of: Callable[[Any], Estimate]) -> dict[str, Callable[[Any], float]]:
    return {
        name: lambda each: of(each).value,
        f"{name}_low": lambda each: of(each).low,
        f"{name}_high": lambda each: of(each).high,
    }


def _worse(grouping: TrialGrouping) -> float:
    return sum("worse" in (service(each.refused), service(each.let_in)) for each in grouping.groups)


OF_GROUPING: dict[str, Callable[[TrialGrouping], float]] = (
    _spread("fnmr", lambda by: _highest(by, lambda each: each.part.false_non_match))
    | _spread("fmr", lambda by: _highest(by, lambda each: each.part.false_match))
    | _spread("fnmr_ratio", lambda by: _highest(by, lambda each: each.refused.ratio))
    | _spread("fmr_ratio", lambda by: _highest(by, lambda each: each.let_in.ratio))
    | _spread("group_eer", lambda by: _highest(by, lambda each: each.part.eer))
    | {"worse": _worse}
)
"""Of the group with the highest: who is refused, who is let in, either through the rest's, its own equal error
rate; and how many groups are sure to be refused, or let others in, more often.
"""
OF_AUDIT: dict[str, Callable[[TrialAudit], float]] = (
    _spread("eer", lambda audit: audit.eer)
    | _spread("min_dcf", lambda audit: audit.cost)
    | _spread("cllr", lambda audit: audit.cllr)
    | _spread("min_cllr", lambda audit: audit.least_cllr)
)
MEASURES = (*OF_GROUPING, *OF_AUDIT)

_FORM = re.compile(
    r"(?:(?P<by>.+)\.)?(?P<measure>[a-z_]+)\s*(?P<sign>[<>]=?)\s*(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))\s*(?P<unit>%?)"
)


@dataclass(frozen=True, slots=True)
class TrialLimit:
    """What must not be so: of one grouping, or of any where `by` is empty, or of everybody."""

    text: str
    by: str
    measure: str
    sign: str
    number: float

    def broken(self, audit: TrialAudit) -> Iterator[str]:
        """A sentence for each grouping of which it is so; what cannot be had breaks nothing."""
        for by, value in self._values(audit):
            if COMPARE[self.sign](value, self.number):
                place = f"{by}: " if by else ""
                yield f"{place}{self.measure} is {value:.4g}, and {self.text} was to fail"

    def unjudged(self, audit: TrialAudit) -> Iterator[str]:
        """A sentence for each grouping of which it cannot be said, unless it can of another of those meant."""
        values = self._values(audit)
        unknown = [by for by, value in values if math.isnan(value)]
        for by in unknown if len(unknown) == len(values) else ():
            place = f"{by}: " if by else ""
            yield f"{place}{self.text} could not be judged: there is too little to tell {self.measure} from"

    def _values(self, audit: TrialAudit) -> list[tuple[str, float]]:
        if self.measure in OF_AUDIT:
            return [("", OF_AUDIT[self.measure](audit))]
        chosen = [each for each in audit.groupings if self.by in ("", each.by)]
        if not chosen:
            known = ", ".join(each.by for each in audit.groupings) or "none"
            of = f"a grouping {self.by!r}" if self.by else "any grouping"
            raise AuditError(f"--fail-if {self.text!r}: there is not {of}; there is: {known}")
        return [(each.by, OF_GROUPING[self.measure](each)) for each in chosen]


def parse(text: str) -> TrialLimit:
    """`[GROUPING.]MEASURE SIGN NUMBER[%]`; raises AuditError saying what can be written of trials."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise AuditError(f"--fail-if {text!r}: write a measure, a sign and a number, like fnmr>5%")
    by, measure = found["by"] or "", found["measure"]
    if measure not in MEASURES:
        raise AuditError(
            f"--fail-if {text!r}: {measure!r} is nothing measured of trials; choose one of {', '.join(MEASURES)}"
        )
    if by and measure in OF_AUDIT:
        raise AuditError(f"--fail-if {text!r}: {measure} is of everybody; leave {by!r} out")
    number = float(found["number"]) / (100 if found["unit"] else 1)
    return TrialLimit(text.strip(), by.strip(), measure, found["sign"], number)
