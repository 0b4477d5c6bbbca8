"""What a pipeline fails by: `gap>0.3`, `accent.gap_low > 20%`, `wer>=0.1`."""

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from allears.fairness.findings import Audit, Grouping
from allears.fairness.refusal import AuditError
from allears.fairness.report.figures import service
from allears.score.bootstrap import Estimate

COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}

_NOTHING = Estimate(math.nan, math.nan, math.nan)


def _worst(grouping: Grouping) -> tuple[Estimate, Estimate]:
    found = next((each for each in grouping.groups if each.name == grouping.worst), None)
    return (found.wer, found.ratio) if found else (_NOTHING, _NOTHING)


def spread(name: str, of: Callable[[Any], Estimate]) -> dict[str, Callable[[Any], float]]:
    """A figure and the ends of its interval."""
    return {
        name: lambda each: of(each).value,
        f"{name}_low": lambda each: of(each).low,
        f"{name}_high": lambda each: of(each).high,
    }


def _change(audit: Audit) -> Estimate:
    if audit.comparison is None:
        raise AuditError("--fail-if change: there is no second system; give --compare OTHER")
    return audit.comparison.overall[2]


OF_GROUPING: dict[str, Callable[[Grouping], float]] = (
    spread("gap", lambda by: by.gap)
    | spread("worst", lambda by: _worst(by)[0])
    | spread("ratio", lambda by: _worst(by)[1])
    | {
        "p": lambda by: by.any_p,
        "unseen": lambda by: by.unseen,
        "worse": lambda by: sum(service(each) == "worse" for each in by.groups),
    }
)
OF_AUDIT: dict[str, Callable[[Audit], float]] = spread("wer", lambda audit: audit.overall) | spread(
    "change", _change
)

_FORM = re.compile(
    r"(?:(?P<by>.+)\.)?(?P<measure>[a-z_]+)\s*(?P<sign>[<>]=?)\s*(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))\s*(?P<unit>%?)"
)


@dataclass(frozen=True, slots=True)
class Measures:
    """What an audit of some kind measures: of its groupings and of everybody; `like` is how one writes it."""

    of_grouping: Mapping[str, Callable[[Any], float]]
    of_audit: Mapping[str, Callable[[Any], float]]
    what: str
    like: str


MEASURES = (*OF_GROUPING, *OF_AUDIT)
RESULTS = Measures(OF_GROUPING, OF_AUDIT, "nothing measured", "gap>0.3")


@dataclass(frozen=True, slots=True)
class Limit:
    """What must not be so: of one grouping, or of any where `by` is empty, or of everybody."""

    text: str
    by: str
    measure: str
    sign: str
    number: float
    measures: Measures = RESULTS

    def broken(self, audit: Any) -> Iterator[str]:
        """A sentence for each grouping of which it is so; what cannot be had breaks nothing."""
        for by, value in self._values(audit):
            if COMPARE[self.sign](value, self.number):
                place = f"{by}: " if by else ""
                yield f"{place}{self.measure} is {value:.4g}, and {self.text} was to fail"

    def unjudged(self, audit: Any) -> Iterator[str]:
        """A sentence for each grouping of which it cannot be said, unless it can of another of those meant."""
        values = self._values(audit)
        unknown = [by for by, value in values if math.isnan(value)]
        for by in unknown if len(unknown) == len(values) else ():
            place = f"{by}: " if by else ""
            yield f"{place}{self.text} could not be judged: there is too little to tell {self.measure} from"

    def _values(self, audit: Any) -> list[tuple[str, float]]:
        if self.measure in self.measures.of_audit:
            return [("", self.measures.of_audit[self.measure](audit))]
        chosen = [each for each in audit.groupings if self.by in ("", each.by)]
        if not chosen:
            known = ", ".join(each.by for each in audit.groupings) or "none"
            of = f"a grouping {self.by!r}" if self.by else "any grouping"
            raise AuditError(f"--fail-if {self.text!r}: there is not {of}; there is: {known}")
        return [(each.by, self.measures.of_grouping[self.measure](each)) for each in chosen]


def parse(text: str, measures: Measures = RESULTS) -> Limit:
    """`[GROUPING.]MEASURE SIGN NUMBER[%]`; raises AuditError saying what can be written."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise AuditError(
            f"--fail-if {text!r}: write a measure, a sign and a number, like {measures.like}"
        )
    by, measure = found["by"] or "", found["measure"]
    known = (*measures.of_grouping, *measures.of_audit)
    if measure not in known:
        raise AuditError(
            f"--fail-if {text!r}: {measure!r} is {measures.what}; choose one of {', '.join(known)}"
        )
    if by and measure in measures.of_audit:
        raise AuditError(f"--fail-if {text!r}: {measure} is of everybody; leave {by!r} out")
    number = float(found["number"]) / (100 if found["unit"] else 1)
    return Limit(text.strip(), by.strip(), measure, found["sign"], number, measures)
