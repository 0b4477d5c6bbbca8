"""One self-contained page that says who is refused, and as whom others are let in, more often."""

from allears import __version__
from allears.fairness.report import charts, det, figures, trial_sentences
from allears.fairness.report.templates import template
from allears.fairness.trial_findings import TrialAudit, TrialGrouping
from allears.score.bootstrap import Estimate

FIGURES = (figures.rate, figures.rates, figures.coarse, figures.times, figures.ratios, figures.chance,
           figures.whole, figures.counted)  # fmt: skip
SENTENCES = (trial_sentences.headline, trial_sentences.lead, trial_sentences.summary, trial_sentences.number,
             trial_sentences.points, trial_sentences.service)  # fmt: skip


def render(audit: TrialAudit) -> str:
    """The page as HTML that needs no network, no other file and no script."""
    return template("verification.html.j2").render(
        {each.__name__: each for each in (*FIGURES, *SENTENCES)},
        audit=audit,
        version=__version__,
        others=trial_sentences.told(audit)[1:],
        sentence=trial_sentences.sentence,
        verdicts=trial_sentences.VERDICTS,
        refusals=refusals,
        matches=matches,
        across_axis=across_axis,
        det=det,
    )


def refusals(grouping: TrialGrouping) -> charts.Axis:
    """The axis of false non-matches."""
    return _axis([each.part.false_non_match for each in grouping.groups])


def matches(grouping: TrialGrouping) -> charts.Axis:
    """The axis of false matches."""
    return _axis([each.part.false_match for each in grouping.groups])


def across_axis(grouping: TrialGrouping) -> charts.Axis:
    """The axis of impostors of one group as another."""
    return _axis([each.false_match for each in grouping.across])


def _axis(rates: list[Estimate]) -> charts.Axis:
    return charts.axis(rates, lines=2)
