"""Detection error trade-off as a picture of its own: a square for each way of dividing speakers or trials."""

from allears.fairness.report import det, figures
from allears.fairness.report.templates import template
from allears.fairness.trial_findings import TrialAudit


def render(audit: TrialAudit) -> str:
    """SVG that needs no other file: everybody's line, those of groups, and the one threshold."""
    most = max((len(each.lines) for each in audit.groupings), default=0)
    legend = 1 + min(most, det.FEW) + (most > det.FEW)
    return template("det.svg.j2").render(
        audit=audit, det=det, legend=legend, rate=figures.rate, coarse=figures.coarse
    )
