"""What is said: who is served worse and how sure, and what could have been seen."""

import math
from dataclasses import replace

import pytest

from allears.fairness.findings import Audit
from allears.fairness.report import figures, sentences
from allears.fairness.report.needs import more_speakers, needs
from allears.fairness.report.sentences import headline, lead, summary
from tests.fairness.report.made import (
    NOTHING,
    accents,
    around,
    audit,
    full,
    group,
    grouping,
    regions,
)


def plain(text: str) -> str:
    return text.replace(figures.SPACE, " ").replace(figures.NARROW, " ")


def nothing(name: str, unseen: float) -> Audit:
    alike = [group("one", 0.2, 1.1, 0.6), group("other", 0.18, 0.9, 0.6)]
    return audit(grouping(name, *alike, unseen=unseen))


def test_who_is_served_worse_by_how_much_and_how_sure() -> None:
    assert plain(headline(audit())) == (
        "Speakers with accent “Indian English” are served worse: 31 % of their words come out wrong, "
        "1.6 times the rate of everybody else (95 % interval 1.3 to 1.9)."
    )
    assert plain(lead(audit())) == (
        "Of 51 234 words by 120 speakers, 19 % came out wrong (95 % interval 17.1 to 20.4 %). "
        "1 more group is served worse; all are below."
    )


def test_the_headline_is_of_the_group_that_is_worse_for_sure() -> None:
    """Of 2.0 within 1.1 … 3.9 less is sure than of 1.6 within 1.3 … 1.9."""
    loud = replace(group("few", 0.4, 2.0, 0.04), ratio=around(2.0)._replace(low=1.1, high=3.9))
    assert "Indian English" in headline(audit(accents(), grouping("age", loud)))
    assert "“few”" in headline(audit(grouping("age", loud)))


def test_a_region_is_named_with_its_place() -> None:
    assert plain(headline(audit(regions()))).startswith(
        "Speakers in region 1 (25.1–34.9° N, 97.0–80.0° W) are served worse: "
    )


def test_nothing_is_claimed_where_nothing_is_significant() -> None:
    assert plain(headline(nothing("age", 0.31))) == (
        "No difference between groups that this data could tell from chance; "
        "it would have shown a gap of 31 % or more."
    )
    two = (*nothing("age", 0.31).groupings, *nothing("gender*age", 0.6).groupings)
    assert plain(headline(audit(*two))).endswith(
        "it would have shown a gap of 31 % or more by age, of 60 % by gender × age."
    )
    unknown = headline(nothing("age", math.nan))
    assert unknown == "No difference between groups that this data could tell from chance."


def test_a_difference_that_nobody_in_particular_has() -> None:
    (found,) = nothing("age", 0.3).groupings
    assert headline(audit(replace(found, any_p=0.01))) == (
        "Age: speakers are not all served alike (p 0.010), but no one group stands out for sure."
    )
    assert summary(replace(found, any_p=0.01)).startswith(
        "Speakers are not all served alike (p 0.010)"
    )
    assert plain(summary(found)) == (
        "No group stands out from what chance could do; a gap of 30 % or more would have shown four times in five."
    )


def test_who_is_served_better_is_not_said_to_be_served_worse() -> None:
    favoured = grouping("age", group("one", 0.2, 1.2, 0.2), group("other", 0.1, 0.5, 0.01))
    assert "“other” are served better than everybody else" in headline(audit(favoured))
    assert (
        summary(favoured) == "1 group is served better; of 1 other the difference could be chance."
    )


def test_an_audit_without_groups() -> None:
    assert "no group has enough speakers" in headline(audit(grouping("age", suppressed=4)))
    assert "no group has enough speakers" in headline(replace(audit(), groupings=()))


def test_one_group_alone_has_no_gap() -> None:
    alone = replace(grouping("age", group("one", 0.2, math.nan, math.nan)), gap=NOTHING)
    assert sentences.gap(alone) == "There are no two groups to compare."
    assert figures.service(alone.groups[0]) == "unsure"


def test_two_systems() -> None:
    found = full().comparison
    assert found
    assert plain(sentences.compared(found)) == (
        "small gets 18.7 % of words wrong, large 16.0 %: −2.7 percentage points "
        "(95 % interval −4.0 to −1.3, speakers paired). large makes fewer errors."
    )
    unsure = replace(found, overall=found.groups["accent"]["Indian English"])
    assert sentences.compared(unsure).endswith("The difference could be chance.")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1234, "12.3 %"), (1.5, "150 %"), (0.0034, "0.34 %"), (0, "0.0 %"), (math.nan, "–"), (math.inf, "–"),
     (10, "1000 %"), (25_000.0, "> 1 000 %")],
)  # fmt: skip
def test_rates_are_printed_to_what_they_are_worth(value: float, text: str) -> None:
    assert plain(figures.rate(value)) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.0004, "<0.001"), (0.0123, "0.012"), (0.5, "0.50"), (math.nan, "–")]
)
def test_p_values_are_never_nothing(p: float, text: str) -> None:
    assert figures.chance(p) == text


def test_speakers_needed_by_hand() -> None:
    """Two groups: level 0.05 / 2, so normal ends 2.2414 + 0.8416 = 3.0830; ln 1.2 / 3.0830 = 0.0591.

    The interval exp(±0.1960) has a standard error of 0.1, of 10 speakers beside 90: 1/n + 1/90 is to be
    0.591² · (1/10 + 1/90) = 0.0389, so 1/n = 0.0277 and n = 36.04: 27 more.
    """
    ends = (1.2 * math.exp(-0.1959964), 1.2 * math.exp(0.1959964))
    found = replace(
        group("few", 0.2, 1.2, 0.2, speakers=10),
        ratio=around(1.2)._replace(low=ends[0], high=ends[1]),
    )
    assert more_speakers(found, 100, 2) == 27
    # The rest alone is too small to tell so small a difference from.
    assert more_speakers(replace(found, speakers=90), 100, 2) is None
    assert more_speakers(replace(found, ratio=NOTHING), 100, 2) is None


def test_only_what_looks_worse_by_chance_needs_speakers() -> None:
    assert [need.group.name for need in needs(audit(accents()))] == [
        "Nigerian English",
        "Scottish English",
    ]
