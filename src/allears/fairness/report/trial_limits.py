"""What a pipeline fails by where it verifies speakers: `gender.fnmr_ratio>1.5`, `fmr > 1%`, `eer>=0.05`."""

import math
from collections.abc import Callable

from allears.fairness.report import limits
from allears.fairness.report.limits import Limit, Measures, spread
from allears.fairness.report.trial_sentences import service
from allears.fairness.trial_findings import TrialAudit, TrialGroup, TrialGrouping
from allears.fairness.verification import NOTHING
from allears.score.bootstrap import Estimate


def _highest(grouping: TrialGrouping, of: Callable[[TrialGroup], Estimate]) -> Estimate:
    """Of the group that has most."""
    known = [of(each) for each in grouping.groups if not math.isnan(of(each).value)]
    return max(known, key=lambda each: each.value, default=NOTHING)


def _worse(grouping: TrialGrouping) -> float:
    return sum("worse" in (service(each.refused), service(each.let_in)) for each in grouping.groups)


OF_GROUPING: dict[str, Callable[[TrialGrouping], float]] = (
    spread("fnmr", lambda by: _highest(by, lambda each: each.part.false_non_match))
    | spread("fmr", lambda by: _highest(by, lambda each: each.part.false_match))
    | spread("fnmr_ratio", lambda by: _highest(by, lambda each: each.refused.ratio))
    | spread("fmr_ratio", lambda by: _highest(by, lambda each: each.let_in.ratio))
    | spread("group_eer", lambda by: _highest(by, lambda each: each.part.eer))
    | {"worse": _worse}
)
"""Of the group with the highest: who is refused, who is let in, either through the rest's, its own equal error
rate; and how many groups are sure to be refused, or let others in, more often.
"""
OF_AUDIT: dict[str, Callable[[TrialAudit], float]] = (
    spread("eer", lambda audit: audit.eer)
    | spread("min_dcf", lambda audit: audit.cost)
    | spread("cllr", lambda audit: audit.cllr)
    | spread("min_cllr", lambda audit: audit.least_cllr)
)
TRIALS = Measures(OF_GROUPING, OF_AUDIT, "nothing measured of trials", "fnmr>5%")


def parse(text: str) -> Limit:
    """As `limits.parse` has it, of trials."""
    return limits.parse(text, TRIALS)
